"""Weights from disk: safetensors, and only the file that its card names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MissingExtra, WeightsError
from .model_card import ModelCard, card_path

if TYPE_CHECKING:
    import torch

__all__ = ["load_weights", "sha256_of"]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_weights(path: Path) -> tuple[ModelCard, dict[str, torch.Tensor]]:
    """Load a file of weights after checking it against the card beside it.

    Args:
        path: A safetensors file, shipped or of one's own training; its card has the same name and ends in ``.json``.

    Returns:
        The card, and the tensors by name, floating ones in float32.

    Raises:
        WeightsError: the file or its card is missing, truncated, or not the one the card was written for.
        MissingExtra: safetensors or torch is not installed.
    """
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise MissingExtra("loading weights", error.name or "safetensors", "models") from None
    if not path.is_file():
        raise WeightsError(f"{path}: no such file of weights; give the path of a .safetensors file, or leave it out")
    card = ModelCard.read(card_path(path))
    try:
        raw = path.read_bytes()
        tensors = safetensors.torch.load(raw)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; check that you may read it") from None
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or not a safetensors file ({error}); copy or install it again") from None
    found = hashlib.sha256(raw).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"{path}: expected SHA-256 {card.sha256[:16]}..., got {found[:16]}...: not the file that "
            f"{card_path(path).name} describes; take both from the same place"
        )
    return card, {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
