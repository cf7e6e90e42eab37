"""`mappers/from_constellation`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...sim.constellations.gaussian import gaussian_grid, linear_estimate, posterior_mean
from ...sim.constellations.spreading import despread
from ...sim.side_information.constellation_frame import ConstellationFrame
from ..block import Block
from ..envelope import Header, Out, State
from ..params import BlockParams, Live
from ..ports import Features, Symbols
from ._n0 import SMALLEST_SHARE, checked_n0

__all__ = ["FromConstellation"]


class FromConstellation(Block):
    r"""Estimates the features that ``mappers/to_constellation`` put on points; no hard decision is taken.

    .. math:: \hat u = E[u \mid z] = \sum_i P(i \mid z)\, \mu_i, \quad v = E\left[\mathrm{Var}(u \mid z)\right], \quad
        x' = a\, \mathrm{despread}\!\left(\frac{\hat u}{1 - v}\right), \quad N_{0,\mathrm{eff}} = \frac{v}{1 - v}

    :math:`\mu_i` is the mean of the features that meet level i. Rounding and noise together become one effective noise
    variance of an estimate without bias, which is what decoders of learned symbols expect: to them it is an AWGN
    channel. With ``estimate: linear`` the received values are scaled and nothing is known of points: worse where the
    noise is small against the distance of points. Features are taken as Gaussian, which spreading makes them.

    Input:   symbols: complex64 ``[n]``, equalised without bias; header: ConstellationFrame; state: n0, one number or
             float32 ``[n]``.
    Output:  float32 ``[2 n]``, or ``[2 n - 1]`` where a zero was appended; state: n0, the effective one: one number, or
             float32 ``[n]`` without spreading.
    Raises:  SignalError: no ConstellationFrame came, or one that no transmitter sends; n0 is not known, not one number
             or one of each symbol, or below 0; symbols are not finite.
    State:   none.
    Source:  Guo, Shamai & Verdu, Mutual information and minimum mean-square error in Gaussian channels, IEEE Trans.
             Inf. Theory 51(4), 2005 (posterior mean); Bussgang, MIT RLE report 216, 1952 (linear).
    Example: ``unmap: {use: mappers/from_constellation}``
    """

    class Params(BlockParams):
        """Parameters."""

        estimate: Live[Literal["posterior_mean", "linear"]] = Field(
            "posterior_mean", description="By the points and how likely each is, or by a factor alone."
        )

    params: Params
    reads_header = (ConstellationFrame,)

    def work(self, symbols: Symbols, header: Header, state: State) -> Out[Features]:
        """Estimate one frame."""
        frame = header.read(ConstellationFrame)
        n0 = checked_n0("mappers/from_constellation", symbols, state)
        received = np.ascontiguousarray(symbols).view(np.float32).astype(np.float64) * 2**0.5
        estimator = posterior_mean if self.params.estimate == "posterior_mean" else linear_estimate
        estimate, error = estimator(gaussian_grid(frame.bits_per_symbol), received, np.repeat(n0, 2))
        error = error.reshape(-1, 2).mean(1)
        if frame.spreading == "frame":
            error = error.mean(keepdims=True) if error.size else np.zeros(1)
        error = np.minimum(error, 1 - SMALLEST_SHARE)
        unbiased = (estimate.reshape(-1, 2) / (1 - error)[:, None]).reshape(-1)
        values = (despread(unbiased) if frame.spreading == "frame" else unbiased) * frame.scale
        effective = (error / (1 - error)).astype(np.float32)
        told = float(effective[0]) if frame.spreading == "frame" else effective
        features = values.astype(np.float32)
        return Out(features[:-1] if frame.padded else features, state=State(n0=told))
