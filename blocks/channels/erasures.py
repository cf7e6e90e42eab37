"""`channels/erasures`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.erasures import erase, gilbert_elliott
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Symbols
from ._noise import noisy

__all__ = ["Erasures"]

_ERASED_N0 = 1e9  # nothing is known of the symbol; finite, and its square too in float32
_QUIET_N0 = 1e-6  # where no channel before this one has stated a noise: 60 dB, the least that esn0_db can say


class Erasures(Block):
    r"""Erases symbols in bursts: the two-state chain of Gilbert and Elliott.

    .. math:: y[n] = \begin{cases} 0 & b[n] = 1 \\ x[n] + w[n] & b[n] = 0 \end{cases}, \quad
        P(b = 1) = e, \quad E[\text{burst}] = L

    A share e = erasure_rate of the symbols is erased, in bursts of L = burst_symbols on average; L = 1 / (1 - e) are
    independent erasures. ``known: yes`` tells the receiver where: n0 of an erased symbol is 1e9. Without ``esn0_db``
    there is no noise w: an impairment that ``channels/cascade`` joins with a channel before it, whose n0 stays for the
    symbols that are left.

    Input:   symbols: complex64 ``[n]``; state: n0, one number or float32 ``[n]``, if there is one.
    Output:  complex64 ``[n]``; receiver state: n0 (float32 ``[n]``) where erasures are known; with noise of its own
             also esn0_db, perfect; trace: erased (their share); with noise signal_energy and noise_energy per symbol
             before the erasures, channel_uses.
    State:   none: the erasures of an item depend on the run's seed, the block's name and the item's number.
    Source:  Gilbert, Capacity of a burst-noise channel, Bell Syst. Tech. J. 39(5), 1960; Elliott, 42(5), 1963.
    Example: ``channel: {use: channels/erasures, erasure_rate: 0.05, burst_symbols: 20, esn0_db: 10}``
    """

    class Params(BlockParams):
        """Parameters."""

        erasure_rate: Live[float] = Field(0.01, ge=0, le=1, description="Share of symbols that are erased.")
        burst_symbols: Live[float] = Field(10.0, ge=1, le=1e9, description="Mean length of a burst in symbols.")
        known: Literal["yes", "no"] = Field("yes", description="Whether the receiver knows which symbols are erased.")
        esn0_db: Live[float | None] = Field(
            None, ge=-30, le=60, description="Es/N0 in dB, of noise added before the erasures; null adds none."
        )

        @model_validator(mode="after")
        def _bursts_can_fill_the_share(self) -> Erasures.Params:
            if 0 < self.erasure_rate < 1 and self.burst_symbols * (1 - self.erasure_rate) < self.erasure_rate:
                least = self.erasure_rate / (1 - self.erasure_rate)
                raise ValueError(
                    f"burst_symbols: expected at least {least:g} for an erasure_rate of {self.erasure_rate}, "
                    f"got {self.burst_symbols}"
                )
            return self

    params: Params

    def work(self, symbols: Symbols, state: State, identity: Identity) -> Out[Symbols]:
        """Erase symbols of this item."""
        p, rng = self.params, self.rng(identity)
        erased = gilbert_elliott(rng.random(symbols.size), erasure_rate=p.erasure_rate, burst_symbols=p.burst_symbols)
        out = Out(symbols)
        if p.esn0_db is not None:
            out = noisy(symbols, complex_normal(rng, symbols.size), esn0_db=p.esn0_db)
        out.value = erase(out.value, erased)
        out.trace["erased"] = float(erased.mean()) if erased.size else 0.0
        if p.known == "yes":
            before = state.n0 if p.esn0_db is None else n0_from_esn0_db(p.esn0_db)
            n0 = np.where(erased, _ERASED_N0, _QUIET_N0 if before is None else before).astype(np.float32)
            out.state = (out.state or State()).updated(State(n0=n0))
        return out
