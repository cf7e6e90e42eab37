"""`framing/ofdm`."""

from __future__ import annotations

from pydantic import Field

from .._waveform.ofdm import OfdmParams, PeaksParams
from .._waveform.transmission import burst_out, frame_data
from ..block import Block
from ..envelope import Header, Identity, Out
from ..ports import Samples, Symbols

__all__ = ["Ofdm"]


class Ofdm(Block):
    r"""Makes of each frame of symbols a burst of OFDM symbols, with all that a receiver must be told in it.

    .. math:: x[n] = \frac{1}{\sqrt{K}} \sum_k S_k\, e^{j 2 \pi k n / N}, \quad -G \le n < N

    N is ``n_fft``, K ``used_carriers``, G ``prefix``: a burst has unit mean power where its symbols have unit mean
    energy, and Es/N0 is N / K times the SNR per sample. A burst is the preamble of ``framing/burst`` on a single
    carrier within the band of the used carriers, two OFDM symbols of training, and a body with continual and scattered
    pilots in each OFDM symbol: start word and packed header, and the payload, interleaved, with known signs on I and Q.
    Neighbours lie far apart on the band. Words and pilots, and known symbols that fill the last OFDM symbol, are
    channel uses and charged; preamble, training, prefix, guard carriers and silence are the waveform's efficiency.

    Peaks are kept, or clipped at ``headroom_db`` over the mean power (``clip``) and what then lies on the guard
    carriers filtered away (``clip_and_filter``), or compressed by a tanh (``compress``). A receiver need not know;
    one that does reckons the distortion back.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1; header: whatever came; what is agreed on is not sent.
    Output:  complex64, one burst and the silence behind it, annotated ``burst_start``; trace: channel_uses (payload),
             pilot_uses, header_uses, waveform_efficiency (uses over duration times sample rate), papr_db.
    Raises:  SignalError: a part of a frame, a symbol that is not finite, a header field that has no number, or a frame
             too long for its start word.
    State:   none.
    Source:  Proakis & Salehi, Digital Communications, 5th ed., section 11.2; peaks: Armstrong, Electron. Lett. 38(5),
             2002.
    Example: ``burst: {use: framing/ofdm, n_fft: 64, used_carriers: 52, sample_rate_hz: 1e7}``
    """

    class Params(OfdmParams, PeaksParams):
        """Parameters."""

        sample_rate_hz: float = Field(1e7, gt=0, le=1e12, description="Sample rate in Hz.")
        silence: int = Field(256, ge=0, le=1_000_000, description="Samples of silence behind each burst.")

    params: Params

    def work(self, symbols: Symbols, header: Header, identity: Identity) -> Out[Samples]:
        """Make one burst."""
        p, waveform = self.params, self.params.waveform
        data = frame_data("framing/ofdm", symbols, header, identity)
        body = waveform.body_symbols(data)
        return burst_out(
            waveform.modulate(body, p.limiter),
            identity,
            silence=p.silence,
            uses=(symbols.size, data.size - symbols.size, body.size - data.size),
            band=1.0,
        )
