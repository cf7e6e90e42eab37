"""Loading of a codec into a block: into torch, from weights, or into onnxruntime, from an exported file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import MissingExtra, UsageError
from ...models.codec import PictureCodec, Role
from ...models.lookup import find_system
from ...models.onnx import engine as onnx
from ...models.system import System

__all__ = ["onnx_codec", "torch_codec"]


def torch_codec(
    who: str, system: System | str, variant: str, weights: str | None, *, role: Role, **how: Any
) -> PictureCodec[Any, Any, Any]:
    """Load a codec of a system's own engine.

    Args:
        who: The block, for messages.
        system: Its record, its name, or its folder, ``./toy``.
        variant: Which weights.
        weights: A file of weights, or what else the system's `engine.load` takes; None: those of the variant.
        role: Of the block.
        how: Further arguments of `engine.load`: device, precision.

    Raises:
        MissingExtra: torch, diffusers or safetensors is not installed.
        UsageError: a GPU is asked for and torch finds none; or see `engine.load`.
        WeightsError: see there.
    """
    record = find_system(system) if isinstance(system, str) else system
    load = record.load("engine", who)
    if how.get("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError(f"{who}: device: expected cpu, got cuda, and this torch finds no GPU; leave device out")
    try:
        codec: PictureCodec[Any, Any, Any] = load(variant, weights, role=role, **how)
    except ModuleNotFoundError as error:  # diffusers is imported where networks are made
        if error.name is None or error.name.startswith("semcom"):
            raise
        raise MissingExtra(who, error.name, "models") from None
    return codec


def onnx_codec(who: str, path: str, *, role: Role, **where: Any) -> PictureCodec[Any, Any, Any]:
    """Load an exported file, and the codec of its system; see `onnx.engine.load`."""
    return onnx.load(who, Path(path), role=role, **where)
