"""Checkpoints and weights on disk: replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from ...errors import UsageError
from .shards import read_state, replace

__all__ = ["checkpoint_of", "save_text", "save_weights"]


def checkpoint_of(config: Any, out: Path, *, resume: bool) -> dict[str, Any] | None:
    """The checkpoint in a folder of results, or None where a run begins; the folder is made if missing.

    Args:
        config: The recipe; its ``model`` and ``seed`` must be those of the checkpoint.
        out: The folder.
        resume: Go on from ``last.pt``; otherwise a folder that has one is refused.

    Raises:
        UsageError: it may not be gone on with, or is of another recipe.
        WeightsError: it is not a whole checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    last = out / "last.pt"
    if not last.exists():
        return None
    if not resume:
        raise UsageError(f"{last}: a run is there already; give another folder, or go on with it")
    state = read_state(last)
    try:
        before = type(config).model_validate_json(state["config"])
    except (KeyError, ValidationError):
        before = None  # of another system, or of another version
    if before is None or before.model != config.model or before.seed != config.seed:
        raise UsageError(f"{last}: is of another recipe; give another folder")
    return state


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors: matrices and filters in half precision, vectors (variances, biases) in full."""
    from safetensors.torch import save_file

    part = path.with_name(path.name + ".part")
    halved = {name: value.half() if value.ndim > 1 else value for name, value in weights.items()}
    save_file({name: value.detach().cpu().contiguous() for name, value in halved.items()}, part)
    replace(part, path)


def save_text(path: Path, text: str) -> None:
    """Write a text file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    replace(part, path)
