"""`sync/burst`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ...sim.side_information.packed_header import SENT_FIELDS
from ...sim.waveform.demodulate import Demodulator
from .._waveform.bursts import BurstStream, ReceptionParams
from .._waveform.single_carrier import SingleCarrierParams
from ..block import Block, RunContext
from ..envelope import Out, Stream
from ..ports import Samples, Symbols

__all__ = ["Burst"]


class Burst(Block):
    r"""Finds the bursts of ``framing/burst`` in an endless stream, and gives out their frames.

    .. math:: T_u[k] = \frac{\left|\sum_n z_u^*[n]\, y[k + 2 n]\right|^2}{N \sum_n |y[k + 2 n]|^2} > \eta, \quad
        P_\mathrm{fa} = (1 - \eta)^{N - 1}

    A preamble is found where both its sequences exceed the threshold; they tell time and carrier offset apart, up to
    2 % of the symbol rate. It tells offset, impulse response (4 symbols early to 8 late) and noise. Then an equaliser
    in the frequency domain (``mmse``; ``one_tap``: a matched filter and one gain), which follows the clock through the
    burst by the two edges of the band; then phase and amplitude by pilots, in a loop of second order. What comes
    out does not depend on how the stream is cut.

    In ``run.json`` are counted: ``bursts``; ``false_bursts``, preambles of hardly any energy; ``header_failures``,
    start word or header received with errors, or of another kind; ``truncated_bursts``; ``other_models``, where
    ``model`` is given; ``lost_bursts``, by the numbers that are missing between those that came; ``gain_steps``, sudden
    changes of the gain inside of a burst, as an AGC makes them; ``bad_samples``, which were not finite and are taken
    for zeros. Those that have a number are named.

    Input:   samples: complex64 ``[n]``, a chunk of a stream at ``samples_per_symbol``.
    Output:  complex64 ``[n]``, the payload, equalised without bias, by the number that its burst says; header: all that
             was sent, of ImageShape, ModelId, JsccMode, CdmMode, RateMap, ScSicMode, PowerScale, ConstellationFrame,
             CodedImage, LinkScheme, QamFrame, TransportBlock, FeatureShape, FeatureCode, FullScale, LatentMode,
             JoinedSymbols, LabelClasses, TileMap, SwinMode, StreamPart, MotionMap, MatchedScheme, ShapedScheme;
             receiver state: n0 and h of each symbol, esn0_db, pilots, reception; trace: channel_uses (payload),
             header_uses, pilot_uses, cfo_hz, clock_ppm, gain_step_db.
    State:   the samples of the burst that is being received.
    Source:  the statistic: Kay, Fundamentals of Statistical Signal Processing: Detection Theory, section 9.5; timing:
             Godard, IEEE Trans. Commun. 26(5), 1978.
    Example: ``sync: {use: sync/burst, samples_per_symbol: 4}``
    """

    class Params(SingleCarrierParams, ReceptionParams):
        """Parameters."""

        equalizer: Literal["mmse", "one_tap"] = Field("mmse", description="Of the channel's impulse response.")

    params: Params
    may_write_header = SENT_FIELDS

    def start(self) -> None:
        """Make the receiver."""
        self._bursts = BurstStream(self, self.params, Demodulator(self.params.waveform, self.params.equalizer))

    def work(self, samples: Samples, stream: Stream) -> Iterator[Out[Symbols]]:
        """Take a chunk; give out the frames that it completes."""
        return self._bursts.push(samples, stream)

    def finish(self, run: RunContext) -> Iterator[Out[Symbols]]:
        """Give out what the end of the stream completes."""
        return self._bursts.flush()
