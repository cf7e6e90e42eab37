"""Weights into a network: what their card says of it, and their tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ...errors import WeightsError
from ..config import first_mistake
from ..model_card import ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["config_of", "fill"]


def config_of(system: str, path: Path, card: ModelCard, model: Any) -> Any:
    """Read the configuration of a network from the card of its weights.

    Args:
        system: Its name, for messages.
        path: Of the weights, likewise.
        card: Of the weights.
        model: Of the configurations of a system: a class, or an annotated union of some.

    Raises:
        WeightsError: the card is of another kind of network.
    """
    try:
        return TypeAdapter(model).validate_python(card.config)
    except ValidationError as error:
        raise WeightsError(
            f"{path}: its card describes no network of {system} ({first_mistake(error)}); give weights of one"
        ) from None


def fill(path: Path, network: nn.Module, tensors: dict[str, Tensor], **how: Any) -> None:
    """Put tensors into a network.

    Args:
        path: Of the weights, for messages.
        network: Of the configuration that their card gives.
        tensors: All of the network's, by name.
        how: See `torch.nn.Module.load_state_dict`.

    Raises:
        WeightsError: they are not those of such a network.
    """
    try:
        network.load_state_dict(tensors, **how)
    except RuntimeError:
        raise WeightsError(
            f"{path}: its tensors do not fit the sizes that its card gives; take both from the same place"
        ) from None
