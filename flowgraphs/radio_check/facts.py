"""What a check must know of a waveform besides its samples."""

from __future__ import annotations

from typing import NamedTuple

from ...blocks.lookup import load_block
from ...sim.waveform.ofdm import Ofdm
from ...sim.waveform.single_carrier import SingleCarrier
from ..runtime.graph import BlockNode

__all__ = ["WaveformFacts", "waveform_facts"]


class WaveformFacts(NamedTuple):
    """Of one waveform.

    Attributes:
        symbol_samples: Samples of one symbol: of a pulse, or of all carriers with their prefix.
        noise_samples: Variance of the noise of a sample over N0, at unit mean power.
        greatest_offset: Carrier offset in cycles a sample, to each side, that its receiver searches.
        band: That it takes, in cycles a sample: (1 + roll-off) / M, or (K + 1) / N with K used carriers of N.
    """

    symbol_samples: float
    noise_samples: float
    greatest_offset: float
    band: float


def waveform_facts(node: BlockNode) -> WaveformFacts | None:
    """Return them; None of a block whose waveform is none of those here."""
    waveform = getattr(load_block(node.use).Params.model_validate(node.params), "waveform", None)
    if isinstance(waveform, SingleCarrier):
        rate = waveform.samples_per_symbol
        return WaveformFacts(rate, rate, waveform.greatest_offset / rate, (1 + waveform.rolloff) / rate)
    if isinstance(waveform, Ofdm):
        preamble, used = waveform.preamble, waveform.used_carriers
        greatest = preamble.greatest_offset / preamble.samples_per_symbol
        return WaveformFacts(waveform.row, waveform.n_fft / used, greatest, (used + 1) / waveform.n_fft)
    return None
