"""`channels/clipping`."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from ...sim.channels.clipping import clip_envelope
from ...sim.metrics.papr import papr_db
from ..block import Block
from ..envelope import Out, Stream
from ..params import BlockParams, Live
from ..ports import Samples, Symbols
from ._noise import energy, reference_energy

__all__ = ["Clipping"]


class Clipping(Block):
    r"""Limits the magnitude of the symbols and keeps their phase.

    .. math:: y[n] = x[n] \min\left(1, \frac{A}{|x[n]|}\right), \quad
        A = \sqrt{P}\; 10^{\mathrm{clip\_db} / 20}

    P is the mean energy: of the frame, or one. Of complex Gaussian symbols with :math:`\gamma = A / \sqrt P` the energy
    :math:`1 - e^{-\gamma^2}` is left. ``energy: restore`` scales the clipped frame back to the energy it had, so that
    Es/N0 of a channel behind it is what its name says. An impairment without noise of its own: ``channels/cascade``
    joins it with ``channels/awgn``. The receiver does not know of it.

    Input:   symbols: complex64 ``[n]``, a frame; or a chunk of samples, with ``reference: one``.
    Output:  complex64 ``[n]``; the receiver's state passes through; trace: papr_db of the output, at the symbol
             instants.
    Raises:  SignalError: samples, with another reference.
    State:   none.
    Source:  Ochiai & Imai, Performance analysis of deliberately clipped OFDM signals, IEEE Trans. Commun. 50(1), 2002.
    Example: ``channel: {use: channels/clipping, clip_db: 3}``
    """

    class Params(BlockParams):
        """Parameters."""

        clip_db: Live[float] = Field(3.0, ge=-20, le=40, description="Largest energy over mean energy, in dB.")
        reference: Literal["frame", "one"] = Field("frame", description="Mean energy: the frame's, or one.")
        energy: Literal["keep", "restore"] = Field(
            "keep", description="keep: what clipping leaves; restore: scaled back to the energy of the frame."
        )

    params: Params

    def work(self, symbols: Symbols | Samples, stream: Stream | None = None) -> Out[Symbols | Samples]:
        """Clip this frame, or these samples."""
        reference = reference_energy("channels/clipping", self.params, symbols, stream)
        clipped = symbols
        if reference > 0:  # a frame of zeros has nothing to clip
            clipped = clip_envelope(symbols, math.sqrt(reference) * 10 ** (self.params.clip_db / 20))
        after = energy(clipped)
        if self.params.energy == "restore" and after > 0:
            clipped = clipped * math.sqrt(energy(symbols) / after)
        ratio = papr_db(clipped)
        return Out(clipped, trace={} if ratio is None else {"papr_db": ratio})
