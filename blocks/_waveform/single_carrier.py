"""What both ends of a burst on a single carrier must be told alike."""

from __future__ import annotations

from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.waveform.single_carrier import SingleCarrier
from ..params import BlockParams

__all__ = ["SingleCarrierParams"]


class SingleCarrierParams(BlockParams):
    """Parameters of the waveform."""

    samples_per_symbol: int = Field(4, ge=2, le=32, description="Samples a symbol, an even number.")
    rolloff: float = Field(0.25, ge=0.1, le=1, description="Roll-off of the root-raised-cosine pulse.")
    pilot_spacing: int = Field(32, ge=2, le=1024, description="Symbols from one pilot to the next.")

    @model_validator(mode="after")
    def _fits(self) -> SingleCarrierParams:
        try:
            _ = self.waveform
        except SignalError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def waveform(self) -> SingleCarrier:
        """The waveform of these."""
        return SingleCarrier(self.samples_per_symbol, self.rolloff, self.pilot_spacing)
