"""`channels/rician`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.fading import fading_blocks
from ...sim.channels.rician import rician
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Symbols
from ._noise import energies, equalised

__all__ = ["Rician"]


class Rician(Block):
    r"""Rician flat fading with noise, equalised with perfect channel state.

    .. math:: y[n] = h[n]\, x[n] + w[n], \quad h = \sqrt{\tfrac{K}{K+1}}\, e^{j\theta} + \sqrt{\tfrac{1}{K+1}}\, g,
        \quad g \sim \mathcal{CN}(0, 1), \quad w[n] \sim \mathcal{CN}(0, N_0)

    with :math:`K = 10^{\mathrm{k\_db}/10}`, :math:`N_0 = 10^{-\mathrm{esn0\_db}/10}` and one uniform line-of-sight
    phase :math:`\theta` a frame. E|h|^2 = 1, so esn0_db is the mean over the fading. ``zf`` and ``mmse`` (bias
    removed) give :math:`\hat x = y / h` with :math:`N_{0,\mathrm{eff}} = N_0 / |h|^2`, which for one tap is the same;
    ``lmmse`` keeps the bias, :math:`\hat x = h^* y / (|h|^2 + N_0)`, and states the mean-square error
    :math:`N_0 / (|h|^2 + N_0)`; ``none`` gives y.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``; receiver state: n0 (float32 ``[n]``; one number with ``none``), h (complex64 ``[n]``),
             esn0_db, perfect; trace: signal_energy (of h x) and noise_energy per symbol before the equaliser,
             channel_uses.
    State:   none: fading and noise of an item depend on the run's seed, the block's name and the item's number.
    Source:  Tse & Viswanath, Fundamentals of Wireless Communication, section 2.4.2.
    Example: ``channel: {use: channels/rician, esn0_db: 10, k_db: 6}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Mean Es/N0 in dB; Es = 1, E|h|^2 = 1.")
        k_db: Live[float] = Field(
            6.0, ge=-40, le=60, description="K factor in dB: line-of-sight energy over scattered energy."
        )
        coherence_symbols: int | None = Field(
            None, ge=1, description="Symbols over which the gain stays: 1 is fast fading, null the whole frame."
        )
        equalizer: Literal["mmse", "zf", "lmmse", "none"] = Field(
            "mmse", description="mmse and zf: unbiased; lmmse: with its bias; none: the received symbols."
        )

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Fade, add noise and equalise this item."""
        n0 = n0_from_esn0_db(self.params.esn0_db)
        coherence = self.params.coherence_symbols
        rng = self.rng(identity)
        # The fades before the noise, and the frame's phase before them: frames of any length meet the same
        line_of_sight = np.exp(2j * np.pi * rng.random(1)).astype(np.complex64)
        scattered = complex_normal(rng, fading_blocks(symbols.size, coherence))
        noise = complex_normal(rng, symbols.size)
        received, h = rician(
            symbols, scattered, line_of_sight, noise, n0=n0, k_db=self.params.k_db, coherence_symbols=coherence
        )
        state = State(n0=n0, h=h, esn0_db=self.params.esn0_db, csi="perfect")
        trace = energies(h * symbols, noise, n0)
        return equalised(received, state, equalizer=self.params.equalizer, trace=trace)
