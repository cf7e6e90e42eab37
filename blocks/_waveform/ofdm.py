"""What both ends of a burst of OFDM symbols must be told alike."""

from __future__ import annotations

from pydantic import Field, model_validator

from ...errors import SignalError
from ...sim.waveform.ofdm import Ofdm
from ...sim.waveform.peaks import Peaks, PeaksKind
from ..params import BlockParams

__all__ = ["OfdmParams", "PeaksParams"]


class OfdmParams(BlockParams):
    """Parameters of the waveform."""

    n_fft: int = Field(64, ge=16, le=8192, description="Carriers there are: samples of an OFDM symbol.")
    prefix: int = Field(16, ge=4, le=4096, description="Samples of the cyclic prefix.")
    used_carriers: int = Field(
        52, ge=20, le=8190, description="An even number, around the carrier at zero, which is silent; the rest guards."
    )
    continual_pilots: int = Field(2, ge=2, le=1024, description="Of an OFDM symbol, at the same carriers always.")
    scattered_pilots: int = Field(2, ge=2, le=1024, description="Of an OFDM symbol, at other carriers each time.")

    @model_validator(mode="after")
    def _fits(self) -> OfdmParams:
        try:
            _ = self.waveform
        except SignalError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def waveform(self) -> Ofdm:
        """The waveform of these."""
        return Ofdm(self.n_fft, self.prefix, self.used_carriers, self.continual_pilots, self.scattered_pilots)


class PeaksParams(BlockParams):
    """What a transmitter does about peaks."""

    peaks: PeaksKind = Field("keep", description="What the transmitter does about the peaks of OFDM symbols.")
    headroom_db: float = Field(6.0, ge=0, le=20, description="What it limits them to, in dB over the mean power.")

    @property
    def limiter(self) -> Peaks:
        """The limiter of these."""
        return Peaks(self.peaks, self.headroom_db)
