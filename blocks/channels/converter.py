"""`channels/converter`."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from ...sim.channels.clipping import clip_rails
from ...sim.channels.converter import quantise
from ...sim.metrics.papr import papr_db
from ..block import Block
from ..envelope import Out, Stream
from ..params import BlockParams, Live
from ..ports import Samples, Symbols
from ._noise import reference_energy

__all__ = ["Converter"]


class Converter(Block):
    r"""A pair of converters (DAC or ADC): clips and quantises in-phase and quadrature part each.

    .. math:: y = \Delta \left( \lfloor x / \Delta \rfloor + \tfrac12 \right), \quad |y| \le A - \Delta / 2, \quad
        \Delta = \frac{2 A}{2^b}, \quad A = \sqrt{P / 2}\; 10^{\mathrm{full\_scale\_db} / 20}

    The full scale A stands over the rms value of one part, P being the mean energy of the frame (ideal gain control,
    undone behind the converter) or one. The granular error is :math:`\Delta^2 / 12` a part, 6.02 dB a bit. At 8 bits
    Gaussian parts lose least near 12 dB. An impairment without noise of its own: ``channels/cascade`` joins it with
    ``channels/awgn``; the receiver's n0 does not count the quantisation.

    Input:   symbols: complex64 ``[n]``, a frame; or a chunk of samples, with ``reference: one``.
    Output:  complex64 ``[n]``; the receiver's state passes through; trace: papr_db of the input at the symbol instants
             where ``place`` is transmitter.
    Raises:  SignalError: samples, with another reference.
    State:   none.
    Source:  Bennett, Spectra of quantized signals, Bell Syst. Tech. J. 27(3), 1948.
    Example: ``channel: {use: channels/converter, bits: 8, full_scale_db: 12}``
    """

    class Params(BlockParams):
        """Parameters."""

        bits: int | None = Field(8, ge=1, le=24, description="Bits of each of the two converters; null clips alone.")
        full_scale_db: Live[float] = Field(
            12.0, ge=-20, le=60, description="Full scale over the rms value of one part, in dB."
        )
        reference: Literal["frame", "one"] = Field(
            "frame", description="Mean energy: the frame's (ideal gain control), or one."
        )
        place: Literal["transmitter", "receiver"] = Field(
            "transmitter", description="A transmitter's converter reports the PAPR."
        )

    params: Params

    def work(self, symbols: Symbols | Samples, stream: Stream | None = None) -> Out[Symbols | Samples]:
        """Convert this frame, or these samples."""
        ratio = papr_db(symbols) if self.params.place == "transmitter" else None
        trace = {} if ratio is None else {"papr_db": ratio}
        mean = reference_energy("channels/converter", self.params, symbols, stream)
        full_scale = math.sqrt(mean / 2) * 10 ** (self.params.full_scale_db / 20)
        if not full_scale > 0 or not math.isfinite(full_scale):  # silence stays silence
            return Out(symbols, trace=trace)
        if self.params.bits is None:
            return Out(clip_rails(symbols, full_scale), trace=trace)
        return Out(quantise(symbols, self.params.bits, full_scale), trace=trace)
