"""`channels/impulsive`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...sim.channels.awgn import n0_from_esn0_db
from ...sim.channels.impulsive import bernoulli_gaussian_n0, middleton_a_n0
from ...sim.noise import complex_normal
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams, Live
from ..ports import Symbols
from ._noise import noisy

__all__ = ["Impulsive"]


class Impulsive(Block):
    r"""Impulsive noise: Gaussian noise whose variance is itself random, new in each symbol.

    .. math:: y[n] = x[n] + w[n], \quad w[n] \sim \mathcal{CN}(0, N_0[n]), \quad
        E N_0[n] = N_0 = 10^{-\mathrm{esn0\_db} / 10}

    ``bernoulli_gaussian``: a share p = impulse_rate of the symbols has (1 + K) times the background's variance,
    :math:`N_0[n] = N_0 (1 + K b[n]) / (1 + p K)`, with K = impulse_db in dB. ``middleton_a``:
    :math:`N_0[n] = N_0 (m[n] / A + \Gamma) / (1 + \Gamma)` with m Poisson of mean A = overlap and :math:`\Gamma`
    = gaussian_db in dB. esn0_db counts all of the noise. With ``known: average`` the receiver knows the mean variance
    alone; with ``per_symbol`` it knows where the impulses are.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``; receiver state: n0 (one number, or float32 ``[n]``), esn0_db, perfect; trace:
             signal_energy and noise_energy per symbol, channel_uses.
    State:   none: the noise of an item depends on the run's seed, the block's name and the item's number.
    Source:  Middleton, Statistical-physical models of electromagnetic interference, IEEE Trans. Electromagn. Compat.
             19(3), 1977; Ghosh, IEEE Trans. Commun. 44(2), 1996.
    Example: ``channel: {use: channels/impulsive, esn0_db: 10, impulse_rate: 0.01, impulse_db: 20}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Es/N0 in dB, impulses included; Es = 1.")
        model: Literal["bernoulli_gaussian", "middleton_a"] = Field(
            "bernoulli_gaussian", description="How the variance is drawn."
        )
        impulse_rate: Live[float] = Field(
            0.01, ge=0, le=1, description="bernoulli_gaussian: probability of an impulse in a symbol."
        )
        impulse_db: Live[float] = Field(
            20.0,
            ge=-40,
            le=80,
            description="bernoulli_gaussian: K, impulses over background in dB.",
        )
        overlap: Live[float] = Field(
            0.1, ge=1e-4, le=1e3, description="middleton_a: A, the mean number of impulses at a time."
        )
        gaussian_db: Live[float] = Field(
            -10.0, ge=-80, le=40, description="middleton_a: variance of the background over the impulses', in dB."
        )
        known: Literal["average", "per_symbol"] = Field(
            "average", description="What of the variance the receiver knows."
        )

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Add this item's noise."""
        p = self.params
        n0, rng = n0_from_esn0_db(p.esn0_db), self.rng(identity)
        noise = complex_normal(rng, symbols.size)
        if p.model == "middleton_a":
            counts = rng.poisson(p.overlap, symbols.size)
            variance = middleton_a_n0(counts, n0, overlap=p.overlap, gaussian_ratio=10 ** (p.gaussian_db / 10))
        else:
            draws, ratio = rng.random(symbols.size), 10 ** (p.impulse_db / 10)
            variance = bernoulli_gaussian_n0(draws, n0, impulse_rate=p.impulse_rate, impulse_ratio=ratio)
        known = np.asarray(variance, np.float32) if p.known == "per_symbol" else n0
        return noisy(symbols, noise, esn0_db=p.esn0_db, n0=variance, known_n0=known)
