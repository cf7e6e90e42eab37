"""What numpy arrays and torch tensors do not share by method: which module they come from, and conversion."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["array_module", "float_index", "like"]


def array_module(x: Any) -> Any:
    """Return numpy or torch, whichever ``x`` belongs to; torch is never imported for the question.

    Example:
        >>> array_module(np.zeros(2)).__name__
        'numpy'
    """
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def float_index(start: int, count: int, x: Any) -> Any:
    """Whole numbers ``start`` to ``start + count - 1`` as float64 ``[count]``, beside ``x`` (its device).

    float64 holds every index exactly; in float32 a phase ramp would lose its angle after some thousand symbols.
    """
    module = array_module(x)
    if module is np:
        return np.arange(start, start + count, dtype=np.float64)
    return module.arange(start, start + count, dtype=module.float64, device=x.device)


def like(value: Any, x: Any) -> Any:
    """Convert ``value`` to the kind, dtype and device of ``x``."""
    module = array_module(x)
    if module is np:
        return np.asarray(value).astype(x.dtype, copy=False)
    return module.as_tensor(value, device=x.device).to(x.dtype)
