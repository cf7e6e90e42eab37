"""`mappers/qam_demap`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...errors import SignalError
from ...sim.constellations.demapper import demap
from ...sim.side_information.qam_frame import QamFrame
from ..block import Block
from ..envelope import Header, State
from ..params import BlockParams, Live
from ..ports import Llrs, Symbols
from ._qam_frame import qam_frame

__all__ = ["QamDemap"]


class QamDemap(Block):
    r"""Turns received QAM symbols into log-likelihood ratios of their bits.

    .. math:: L(b) = \ln \frac{\sum_{s : b(s) = 1} e^{-|y - s|^2 / N_0}}{\sum_{s : b(s) = 0} e^{-|y - s|^2 / N_0}}

    LLR = ln P(1)/P(0), positive where 1 is likelier, and never beyond +-1000. Where ShapedScheme says how likely points
    are, P(s) stands before each term. ``maxlog`` keeps the largest term of each sum: faster, and as good where the
    noise is small beside the distance of the points. The noise is what the receiver knows of each symbol; erased
    symbols (a huge n0) give LLRs of 0, or of what is known before. Equalised symbols are expected without bias
    (``equalizer: mmse`` or ``zf``).

    Input:   symbols: complex64 ``[n]``; header: QamFrame, LinkScheme, MatchedScheme or ShapedScheme; state:
             n0, one number or float32 ``[n]``.
    Output:  float32 ``[n bits_per_symbol - padding]``.
    Raises:  SignalError: no n0 came; n0 is negative, NaN or of another length; a symbol is not finite.
    State:   none.
    Source:  TS 38.211 section 5.1 (labels).
    Example: ``demap: {use: mappers/qam_demap, method: exact}``
    """

    class Params(BlockParams):
        """Parameters."""

        method: Live[Literal["exact", "maxlog"]] = Field("exact", description="The sums, or their largest terms.")

    params: Params
    reads_header = (QamFrame,)

    def work(self, symbols: Symbols, header: Header, state: State) -> Llrs:
        """Demap one frame."""
        frame, law = qam_frame(header)
        if state.n0 is None:
            raise SignalError(
                "mappers/qam_demap: expected n0 in the receiver's state, got none; connect a channel that adds noise "
                "(channels/cascade joins it with impairments), or take hard decisions: mappers/qam_decide"
            )
        llrs: Llrs = demap(symbols, state.n0, frame.bits_per_symbol, method=self.params.method, law=law)
        return llrs[: frame.payload(llrs.size)]
