"""What a check must know of a waveform besides its samples."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...blocks.lookup import load_block
from ..runtime.graph import BlockNode

__all__ = ["WaveformFacts", "waveform_facts"]


class WaveformFacts(NamedTuple):
    """Of one waveform.

    Attributes:
        symbol_samples: Samples of one symbol: of a pulse, or of all carriers with their prefix.
        noise_samples: Variance of the noise of a sample over N0, at unit mean power.
        greatest_offset: Carrier offset in cycles a sample, to each side, that its receiver searches.
    """

    symbol_samples: float
    noise_samples: float
    greatest_offset: float


def waveform_facts(node: BlockNode) -> WaveformFacts | None:
    """Return them; None of a block that says nothing of its waveform."""
    params = load_block(node.use).Params.model_validate(node.params)
    waveform: Any = getattr(params, "waveform", None)
    if waveform is None:
        return None
    preamble = getattr(waveform, "preamble", waveform)  # of OFDM it is a waveform of its own
    greatest = preamble.greatest_offset / preamble.samples_per_symbol
    if preamble is waveform:
        return WaveformFacts(waveform.samples_per_symbol, waveform.samples_per_symbol, greatest)
    return WaveformFacts(waveform.row, waveform.n_fft / waveform.used_carriers, greatest)
