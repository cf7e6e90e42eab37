"""The header of a learned frame: which model made it, with which weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from ...errors import SignalError
from .codes import Whole
from .field import HeaderField

__all__ = ["ModelId"]

V = TypeVar("V", bound=str)


class ModelId(HeaderField, frozen=True):
    """Which model a receiver needs, in 24 bits: number 8, weights 16.

    Attributes:
        number: Of system and variant, as ``models/<system>/names.py`` has them; 192 to 255 are free for users' own.
        weights: The first 16 bits of a check sum of those weights that both ends must share.
    """

    number: Annotated[int, Whole(8)]
    weights: Annotated[int, Whole(16)]

    def variant(self, who: str, numbers: Mapping[V, int]) -> V:
        """Return the variant that the number stands for.

        Args:
            who: The block that asks, as its message begins.
            numbers: Of all variants of its system.

        Raises:
            SignalError: it is a model of another system.
        """
        for variant, number in numbers.items():
            if number == self.number:
                return variant
        known = ", ".join(f"{number} ({variant})" for variant, number in numbers.items())
        raise SignalError(
            f"{who}: expected a frame of one of the models {known}, got model {self.number}; connect the decoder that "
            "belongs to the encoder"
        )

    def check_weights(self, who: str, numbers: Mapping[V, int], variant: str, weights: int) -> None:
        """Refuse a frame that was made with other weights.

        Args:
            who: The block that asks, as its message begins.
            numbers: Of all variants of its system.
            variant: Its own.
            weights: The first 16 bits of the check sum of its own weights.

        Raises:
            SignalError: it is a model of another system, or of other weights.
        """
        theirs = self.variant(who, numbers)
        if self.weights != weights:
            raise SignalError(
                f"{who}: expected a frame for {variant} with weights {weights:04x}, got one of {theirs} with weights "
                f"{self.weights:04x}; give encoder and decoder the same variant, and weights of one training"
            )
