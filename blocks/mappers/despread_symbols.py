"""`mappers/despread_symbols`."""

from __future__ import annotations

import numpy as np

from ...sim.constellations.spreading import despread
from ..block import Block
from ..envelope import Out, State
from ..ports import Symbols
from ._n0 import SMALLEST_SHARE, checked_n0
from ._spreading import SpreadingParams

__all__ = ["DespreadSymbols"]


class DespreadSymbols(Block):
    r"""Gathers what ``mappers/spread_symbols`` spread; noise becomes white over the frame.

    .. math:: w[n] = \frac{1}{1 + N_0[n]}, \quad \bar w = \frac{1}{N} \sum_n w[n], \quad
        x' = \frac{\mathrm{despread}(w\, u)}{\bar w}, \quad N_{0,\mathrm{eff}} = \frac{1 - \bar w}{\bar w}

    Each symbol is brought to the least squared error first, so that those in a deep fade bring no noise; a value is
    then the sum of many, with the mean of their errors. It comes without bias, and with one noise variance for all:
    what follows sees an AWGN channel. Its Es/N0 lies between the harmonic mean and the one of as much capacity; over
    AWGN all is as without spreading. Where that Es/N0 is below -30 dB, values come shrunk, with a n0 of 999.

    Nothing in the frame says that it was spread: a flowgraph has both blocks, with one ``spreading``, or neither; what
    is gathered and was not spread, or the other way, is noise.

    Input:   symbols: complex64 ``[n]`` of unit mean energy, equalised without bias (``equalizer: mmse`` or ``zf``);
             state: n0, one number or float32 ``[n]``.
    Output:  complex64 ``[n]``; state: n0, one number. With ``spreading: none`` both as they came.
    Raises:  SignalError: n0 is not known, not one number or one of each symbol, or below 0; symbols are not finite.
    State:   none.
    Source:  the linear MMSE estimate; see ``mappers/spread_symbols``.
    Example: ``gather: {use: mappers/despread_symbols}``
    """

    Params = SpreadingParams
    params: SpreadingParams

    def work(self, symbols: Symbols, state: State) -> Out[Symbols]:
        """Gather one frame."""
        if self.params.spreading == "none":
            return Out(symbols)
        weights = 1 / (1 + checked_n0("mappers/despread_symbols", symbols, state))
        if not symbols.size:
            return Out(symbols, state=State(n0=0.0))
        mean = max(float(weights.mean()), SMALLEST_SHARE)
        values = (symbols * weights).astype(np.complex128).view(np.float64)
        gathered = (despread(values) / mean).astype(np.float32).view(np.complex64)
        return Out(gathered, state=State(n0=1 / mean - 1))
