"""Checkpoints and weights on disk: replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import WeightsError

__all__ = ["load_checkpoint", "save_checkpoint", "save_text", "save_weights"]


def _replace(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a training checkpoint; a kill in between leaves the one before."""
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    _replace(part, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of this machine's own training; only tensors and plain values are let in.

    Raises:  WeightsError: the file is not a whole checkpoint.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path}: not a whole checkpoint; remove it to start afresh: {error}") from error
    return state


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors: matrices and filters in half precision, vectors (variances, biases) in full."""
    from safetensors.torch import save_file

    part = path.with_name(path.name + ".part")
    halved = {name: value.half() if value.ndim > 1 else value for name, value in weights.items()}
    save_file({name: value.detach().cpu().contiguous() for name, value in halved.items()}, part)
    _replace(part, path)


def save_text(path: Path, text: str) -> None:
    """Write a text file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    _replace(part, path)
