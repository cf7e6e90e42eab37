"""State dicts of public code: names to tensors, from a safetensors file or by torch's reader of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import WeightsError
from .file import read_tensors

__all__ = ["read_state_dict"]


def read_state_dict(path: Path, of: str, ending: str) -> dict[str, Tensor]:
    """Read names and tensors.

    What does not end in ``.safetensors`` is a pickle; torch's reader of weights makes tensors of it and runs nothing.

    Args:
        path: The file.
        of: Whose weights it should hold, for messages.
        ending: Of files of that public code, likewise.

    Raises:
        WeightsError: it is missing, cannot be read, or holds anything but tensors by name.
    """
    if path.suffix.lower() == ".safetensors":
        return read_tensors(path, of, memory="mapped")
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file of weights for {of}; give the path of a {ending} or .safetensors file"
        )
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch meets a damaged file with any exception there is
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(
            f"{path}: truncated, or more than a state dict of tensors, and nothing else is read ({first}); save the "
            "state dict alone"
        ) from None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
        raise WeightsError(f"{path}: expected a state dict, names to tensors, got {type(found).__name__}; save that")
    return found
