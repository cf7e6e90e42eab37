"""`adaptation/esn0`."""

from __future__ import annotations

import numpy as np

from ...errors import SignalError
from ..block import Block
from ..envelope import State
from ..ports import Features, Symbols

__all__ = ["Esn0"]


class Esn0(Block):
    r"""Gives out the receiver's estimate of Es/N0 as a value: what travels back to the transmitter.

    .. math:: x = 10 \log_{10}(E_s / N_0)

    Input:   symbols: complex64 ``[n]``, of which only the receiver state is read.
    Output:  float32 ``[1]``, in dB.
    Raises:  SignalError: nothing upstream estimates Es/N0.
    State:   none.
    Example: ``quality: {use: adaptation/esn0}``
    """

    def work(self, symbols: Symbols, state: State) -> Features:
        """Give out one estimate."""
        if state.esn0_db is None:
            raise SignalError(
                "adaptation/esn0: expected esn0_db in the receiver's state, got none; connect it behind a receiver or "
                "a channel that estimates Es/N0"
            )
        return np.array([state.esn0_db], np.float32)
