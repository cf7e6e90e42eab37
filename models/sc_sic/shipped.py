"""Where the shipped weights are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError, WeightsError
from ..weights import load_weights

if TYPE_CHECKING:
    import torch

    from ..model_card import ModelCard

__all__ = ["WEIGHTS", "load_network", "weights_path"]

WEIGHTS = Path(__file__).parent / "weights"


def weights_path(variant: str) -> Path:
    """Path of the shipped weights of a variant.

    Raises:
        UsageError: there is no such variant.
    """
    path = WEIGHTS / f"{variant}.safetensors"
    if not path.is_file():
        have = ", ".join(sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))) or "none"
        raise UsageError(f"sc-sic: no weights '{variant}' are shipped; expected one of: {have}")
    return path


def load_network(path: Path) -> tuple[ModelCard, dict[str, torch.Tensor]]:
    """Load weights whole: parts that they leave out come from the file that their card names.

    Raises:
        WeightsError: see `load_weights`, or the file that the card names is another than they were trained upon.
    """
    card, tensors = load_weights(path)
    if card.base is None:
        return card, tensors
    beside = path.with_name(card.base)
    base = beside if beside.is_file() else WEIGHTS / card.base
    base_card, base_tensors = load_network(base)  # which may lean on others itself
    if card.base_sha256 not in (None, base_card.sha256):
        raise WeightsError(
            f"{path}: was trained upon weights of SHA-256 {str(card.base_sha256)[:16]}..., and {base} has "
            f"{base_card.sha256[:16]}...; take both from the same place"
        )
    own = {key.partition(".")[0] for key in tensors}  # a smaller part leaves tensors of the other's without a place
    return card, {**{key: value for key, value in base_tensors.items() if key.partition(".")[0] not in own}, **tensors}
