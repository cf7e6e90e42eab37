"""`channels/iq_imbalance`."""

from __future__ import annotations

from pydantic import Field

from ...sim.channels.iq_imbalance import iq_imbalance
from ..block import Block
from ..params import BlockParams, Live
from ..ports import Samples, Symbols

__all__ = ["IqImbalance"]


class IqImbalance(Block):
    r"""Imbalance of the two branches of a quadrature mixer: adds the signal's image.

    .. math:: y[n] = \mu\, x[n] + \nu\, x^*[n], \quad
        \frac{|\mu|^2}{|\nu|^2} = \frac{1 + g^2 + 2 g \cos\phi}{1 + g^2 - 2 g \cos\phi}, \quad
        g = 10^{\mathrm{amplitude\_db} / 20}

    The ratio is the image rejection: 1 dB and 5 degrees give 22.8 dB. :math:`|\mu|^2 + |\nu|^2 = 1`, so that proper
    symbols keep their energy. An impairment without noise of its own: ``channels/cascade`` joins it with
    ``channels/awgn``. The receiver does not know of it.

    Input:   symbols: complex64 ``[n]``, a frame; or a chunk of samples.
    Output:  complex64 ``[n]``; the receiver's state passes through.
    State:   none.
    Source:  Schenk, RF Imperfections in High-rate Wireless Systems, chapter 5.
    Example: ``channel: {use: channels/iq_imbalance, amplitude_db: 1, phase_deg: 5}``
    """

    class Params(BlockParams):
        """Parameters."""

        amplitude_db: Live[float] = Field(0.5, ge=-20, le=20, description="I over Q amplitude in dB.")
        phase_deg: Live[float] = Field(
            2.0, ge=-90, le=90, description="Departure from 90 degrees between the branches, in degrees."
        )

    params: Params

    def work(self, symbols: Symbols | Samples) -> Symbols | Samples:
        """Add the image."""
        return iq_imbalance(symbols, amplitude_db=self.params.amplitude_db, phase_deg=self.params.phase_deg)
