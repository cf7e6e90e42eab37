"""`framing/burst`."""

from __future__ import annotations

from pydantic import Field

from ...sim.waveform.body import body_symbols
from .._waveform.single_carrier import SingleCarrierParams
from .._waveform.transmission import burst_out, frame_data
from ..block import Block
from ..envelope import Header, Identity, Out
from ..ports import Samples, Symbols

__all__ = ["Burst"]


class Burst(Block):
    r"""Makes of each frame of symbols a burst on a single carrier, with all that a receiver must be told in it.

    .. math:: x[n] = \sqrt{M} \sum_m s_m\, p(n / M - m)

    p is a root-raised-cosine pulse, M the samples a symbol: a burst has unit mean power where its symbols have unit
    mean energy. A burst is a preamble of two Zadoff-Chu sequences of 256 symbols, and a body with a pilot at every
    ``pilot_spacing``-th place: start word (number of the frame, lengths, CRC16) and packed header, both QPSK behind a
    convolutional code of rate 1/4, and the payload, interleaved, with known signs on I and Q. Words and pilots are
    channel uses and charged; preamble, the tails of the pulse, roll-off and silence are the waveform's efficiency.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1; header: whatever came; what is agreed on is not sent.
    Output:  complex64, one burst and the silence behind it, annotated ``burst_start``; trace: channel_uses (payload),
             pilot_uses, header_uses, waveform_efficiency (uses over duration times band), papr_db.
    Raises:  SignalError: a part of a frame, a symbol that is not finite, a header field that has no number, or a frame
             too long for its start word.
    State:   none.
    Source:  the pulse: Proakis & Salehi, Digital Communications, 5th ed., section 9.2; the preamble: Chu, IEEE Trans.
             Inf. Theory 18(4), 1972.
    Example: ``burst: {use: framing/burst, samples_per_symbol: 4, sample_rate_hz: 1e7}``
    """

    class Params(SingleCarrierParams):
        """Parameters."""

        sample_rate_hz: float = Field(1e7, gt=0, le=1e12, description="Sample rate in Hz.")
        silence: int = Field(64, ge=0, le=1_000_000, description="Symbols of silence behind each burst.")

    params: Params

    def work(self, symbols: Symbols, header: Header, identity: Identity) -> Out[Samples]:
        """Make one burst."""
        waveform = self.params.waveform
        data = frame_data("framing/burst", symbols, header, identity)
        body = body_symbols(data, waveform.pilot_spacing)
        return burst_out(
            waveform.modulate(body),
            identity,
            silence=self.params.silence * waveform.samples_per_symbol,
            uses=(symbols.size, data.size - symbols.size, body.size - data.size),
            band=(1 + waveform.rolloff) / waveform.samples_per_symbol,
        )
