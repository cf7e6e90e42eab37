"""Weights from disk: safetensors, and only the file that its card names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import MissingExtra, WeightsError
from ..model_card import ModelCard, card_path

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["load_weights", "read_tensors", "sha256_of"]

PICKLES = (".pt", ".pth", ".bin", ".ckpt", ".pkl")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_tensors(path: Path, of: str = "", *, memory: Literal["own", "mapped"] = "own") -> dict[str, Tensor]:
    """Read a safetensors file.

    Args:
        path: Of the file.
        of: What it should hold, for messages.
        memory: Of the tensors: ``mapped`` from the file, for those who make something else of them at once.

    Raises:
        WeightsError: the file is missing, a pickle, truncated, or cannot be read.
        MissingExtra: safetensors or torch is not installed.
    """
    try:
        import safetensors
        import safetensors.torch
    except ImportError as error:
        raise MissingExtra("loading weights", error.name or "safetensors", "models") from None
    if path.suffix.lower() in PICKLES:
        raise WeightsError(
            f"{path}: a pickle can run code when it is read, so none is; expected a .safetensors file of the weights"
        )
    if not path.is_file():
        found = "a folder, not a file" if path.is_dir() else "no such file"
        wanted = f" for {of}" if of else ""
        raise WeightsError(f"{path}: {found} of weights{wanted}; give the path of a .safetensors file, or leave it out")
    try:
        if memory == "mapped":
            return dict(safetensors.torch.load_file(path))
        return dict(safetensors.torch.load(path.read_bytes()))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; check that you may read it") from None
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(
            f"{path}: truncated or not a safetensors file ({error}); copy, fetch or install it again"
        ) from None


def load_weights(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Load one file of weights after checking it against the card beside it.

    Args:
        path: A safetensors file, shipped or of one's own training; its card has the same name and ends in ``.json``.

    Returns:
        The card, and the tensors by name, floating ones in float32.

    Raises:
        WeightsError: the file or its card is missing, truncated, or not the one the card was written for.
        MissingExtra: safetensors or torch is not installed.
    """
    tensors = read_tensors(path)
    card, found = ModelCard.read(card_path(path)), sha256_of(path)
    if found != card.sha256:
        raise WeightsError(
            f"{path}: expected SHA-256 {card.sha256[:16]}..., got {found[:16]}...: not the file that "
            f"{card_path(path).name} describes; take both from the same place"
        )
    return card, {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
