"""`channels/shadowing`."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...sim.channels.autoregression import ar1
from ...sim.channels.fading import fading_blocks, hold
from ...sim.channels.shadowing import shadowing_gain
from ...sim.noise import CounterNoise, complex_normal
from ..block import Block
from ..envelope import Identity, Out
from ..params import BlockParams, Live
from ..ports import Symbols
from ._noise import faded

__all__ = ["Shadowing"]

_FORGOTTEN = 1e-4  # of the correlation: items farther back are left out of the sum
_LONGEST = 1 << 16  # items of the past that are summed at most


class Shadowing(Block):
    r"""Log-normal shadowing with noise, equalised with perfect channel state; on request with Rayleigh fading on top.

    .. math:: y[n] = g[n]\, h[n]\, x[n] + w[n], \quad 20 \log_{10} g = \sigma_\mathrm{dB} X + m, \quad
        X \sim \mathcal{N}(0, 1), \quad E[X_k X_{k+j}] = \rho^{|j|}, \quad w[n] \sim \mathcal{CN}(0, N_0)

    X is drawn for each item, or for each block of coherence_symbols; its neighbours k, k + 1 (items, or blocks of one
    frame) are correlated by :math:`\rho` = correlation. With ``reference: mean`` E g^2 = 1 and esn0_db is the mean over
    the shadowing; with ``median`` it is the median, as a path loss in dB has it. h is one, or with ``fading: rayleigh``
    CN(0, 1), new in each block (Suzuki fading). Equalisers as in ``channels/rayleigh``.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1.
    Output:  complex64 ``[n]``; receiver state: n0 (float32 ``[n]``; one number with ``none``), h (complex64 ``[n]``:
             the product g h), esn0_db, perfect; trace: signal_energy and noise_energy per symbol before the equaliser,
             channel_uses.
    State:   none: fading and noise of an item depend on the run's seed, the block's name and the item's number.
    Source:  Gudmundson, Correlation model for shadow fading in mobile radio systems, Electronics Letters 27(23), 1991;
             Suzuki, A statistical model for urban radio propagation, IEEE Trans. Commun. 25(7), 1977.
    Example: ``channel: {use: channels/shadowing, esn0_db: 10, sigma_db: 8, correlation: 0.9}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Mean or median Es/N0 in dB; Es = 1.")
        sigma_db: Live[float] = Field(8.0, ge=0, le=30, description="Standard deviation of the shadowing in dB.")
        reference: Literal["mean", "median"] = Field("mean", description="What of the shadowing esn0_db is.")
        correlation: float = Field(
            0.0, ge=0, le=0.9999, description="Of the dB values of neighbouring items, or of a frame's blocks."
        )
        coherence_symbols: int | None = Field(
            None, ge=1, description="Symbols over which the gain stays; null: the whole frame."
        )
        fading: Literal["none", "rayleigh"] = Field("none", description="Fading on top, new in each block.")
        equalizer: Literal["mmse", "zf", "lmmse", "none"] = Field(
            "mmse", description="mmse and zf: unbiased; lmmse: with its bias; none: the received symbols."
        )

    params: Params

    def work(self, symbols: Symbols, identity: Identity) -> Out[Symbols]:
        """Shadow, add noise and equalise this item."""
        p, rng = self.params, self.rng(identity)
        # Fades before noise, and block by block: frames of any length meet the same
        draws = complex_normal(rng, 2 * fading_blocks(symbols.size, p.coherence_symbols))
        scattered, normals = draws[::2], math.sqrt(2) * draws[1::2].real.astype(np.float64)
        noise = complex_normal(rng, symbols.size)
        normals = self._of_item(identity.seq) if p.coherence_symbols is None else ar1(normals, p.correlation)
        gain = shadowing_gain(normals, p.sigma_db, p.reference).astype(np.complex64)
        h = gain * scattered if p.fading == "rayleigh" else gain
        return faded(
            symbols,
            hold(h, symbols.size, p.coherence_symbols),
            noise,
            esn0_db=p.esn0_db,
            equalizer=p.equalizer,
        )

    def _of_item(self, seq: int) -> NDArray[np.float64]:
        """Return X of an item: the sum over the past draws of `ar1`, each found again by its number."""
        rho = self.params.correlation
        past = min(math.ceil(math.log(_FORGOTTEN) / math.log(rho)), _LONGEST) if rho > 0 else 0
        # item 0 has a past as well; sqrt(2): the real part of CN(0, 1) has variance 1/2
        draws = math.sqrt(2) * CounterNoise(self.stream_key()).complex_normal(_LONGEST + seq - past, past + 1).real
        weights = rho ** np.arange(past, -1, -1.0)
        return np.array([draws @ weights / math.sqrt(float(weights @ weights))])
