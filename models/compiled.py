"""Compiling one function for many shapes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import torch

__all__ = ["Compile", "compiled"]

Compile = Literal["off", "on", "tuned"]
SHAPES = 64  # of one function: levels of the network times sizes of pictures; the compiler's own limit is 8


def compiled(function: Callable[..., Any], how: Compile) -> Callable[..., Any]:
    """Compile with `torch.compile`, at the first call with each shape.

    Args:
        function: Of tensors.
        how: ``off`` returns the function; ``tuned`` also measures which matrix products are fastest, for minutes.
    """
    if how == "off":
        return function
    mode = "max-autotune-no-cudagraphs" if how == "tuned" else None
    quick = torch.compile(function, dynamic=False, mode=mode)
    limit = "recompile_limit" if hasattr(torch._dynamo.config, "recompile_limit") else "cache_size_limit"

    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        with torch._dynamo.config.patch({limit: SHAPES}):
            return quick(*given, **named)

    return call
