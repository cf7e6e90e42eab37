"""`sync/ofdm`."""

from __future__ import annotations

from collections.abc import Iterator

from ...sim.side_information.packed_header import SENT_FIELDS
from ...sim.waveform.ofdm_demodulate import OfdmDemodulator
from .._waveform.bursts import BurstStream, ReceptionParams
from .._waveform.ofdm import OfdmParams, PeaksParams
from ..block import Block, RunContext
from ..envelope import Out, Stream
from ..ports import Samples, Symbols

__all__ = ["Ofdm"]


class Ofdm(Block):
    r"""Finds the bursts of ``framing/ofdm`` in an endless stream, and gives out their frames.

    .. math:: \hat S_k = \frac{Y_k\, e^{j (2 \pi k \delta_t / N - \phi_t)}}{H_k}, \quad n0_k = \frac{N_0}{|H_k|^2}

    Preambles are found as by ``sync/burst``; offsets up to 2 % of the sample rate are told apart from time. The Fourier
    transform begins a quarter of the prefix before the path that was found. Two loops of second order follow delay and
    common phase from OFDM symbol to OFDM symbol by the pilots, and the channel of each carrier is an MMSE estimate from
    training and pilots: an impulse response no longer than the prefix, which may change along the burst. A carrier has
    one tap; MMSE without its bias is the division by it. What comes out does not depend on how the stream is cut.

    A receiver that is told what the transmitter does about peaks (``peaks``, ``headroom_db``) runs the same limiter on
    what it received and takes the distortion off, in four rounds, where the pilots say that less is left.

    Counts in ``run.json`` are those of ``sync/burst``.

    Input:   samples: complex64 ``[n]``, a chunk of a stream.
    Output:  complex64 ``[n]``, the payload, equalised without bias, by the number that its burst says; header: all that
             was sent, of ImageShape, ModelId, JsccMode, CdmMode, RateMap, ScSicMode, PowerScale, ConstellationFrame,
             CodedImage, LinkScheme, QamFrame, TransportBlock, FeatureShape, FeatureCode, FullScale, LatentMode,
             JoinedSymbols, LabelClasses, TileMap, SwinMode, StreamPart, MotionMap, MatchedScheme, ShapedScheme;
             receiver state: n0 and h of each symbol, esn0_db, pilots, reception; trace: channel_uses (payload),
             header_uses, pilot_uses, cfo_hz, clock_ppm, gain_step_db.
    State:   the samples of the burst that is being received.
    Source:  Speth et al., Optimum receiver design for OFDM-based broadband transmission, IEEE Trans. Commun. 49(4),
             2001; the channel: Edfors et al., OFDM channel estimation by singular value decomposition, IEEE Trans.
             Commun. 46(7), 1998.
    Example: ``sync: {use: sync/ofdm, n_fft: 64, used_carriers: 52}``
    """

    class Params(OfdmParams, PeaksParams, ReceptionParams):
        """Parameters."""

    params: Params
    may_write_header = SENT_FIELDS

    def start(self) -> None:
        """Make the receiver."""
        self._bursts = BurstStream(self, self.params, OfdmDemodulator(self.params.waveform, self.params.limiter))

    def work(self, samples: Samples, stream: Stream) -> Iterator[Out[Symbols]]:
        """Take a chunk; give out the frames that it completes."""
        return self._bursts.push(samples, stream)

    def finish(self, run: RunContext) -> Iterator[Out[Symbols]]:
        """Give out what the end of the stream completes."""
        return self._bursts.flush()
