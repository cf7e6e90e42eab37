"""`mappers/real_to_complex`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.side_information.field import Unsent
from ...sim.side_information.power_scale import PowerScale
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Features, Symbols
from ._scale import LARGEST, Scale

__all__ = ["RealToComplex"]


class RealToComplex(Block):
    r"""Pairs real features to complex symbols of unit mean energy per frame.

    .. math:: s[n] = \frac{x[2n] + j\, x[2n+1]}{a}, \quad a = \mathrm{float16}\sqrt{\tfrac{1}{N} \sum_n |s[n] a|^2}

    An odd count is padded with a zero. The scale a is rounded to half precision before either end uses it, so that the
    receiver can undo it exactly from 16 bits; the frame's energy is 1 within 0.1 %. A frame of zeros is sent as zeros,
    with a = 0. With ``scale`` a number, both ends have agreed on a and nothing is sent: the energy is still 1, and what
    comes out at the other end is as wrong as the features' power was another. A receiver that hears only what is sent,
    as behind ``sync/burst``, is given the same ``scale`` in ``mappers/complex_to_real``.

    Input:   features: float32, any shape; taken in C order.
    Output:  complex64 ``[ceil(values / 2)]``; header: PowerScale, 16 bits, or none that is sent.
    Raises:  SignalError: a value is not finite, or the values' root mean square does not fit half precision.
    State:   none.
    Example: ``map: {use: mappers/real_to_complex}``
    """

    class Params(BlockParams):
        """Parameters."""

        scale: Scale = Field(
            "sent",
            description="The scale a that the receiver multiplies by: sent with each frame; or a number that both ends "
            "know, sqrt(2) for features of unit power.",
        )

    params: Params
    writes_header = (PowerScale,)

    def work(self, features: Features) -> Out[Symbols]:
        """Pair and normalise one frame."""
        values = features.reshape(-1)
        padded = values.size % 2 == 1
        if padded:
            values = np.append(values, np.float32(0))
        symbols = np.ascontiguousarray(values).view(np.complex64)
        rms = float(np.sqrt(np.sum(np.square(values, dtype=np.float64)) / max(symbols.size, 1)))
        if not rms <= LARGEST:
            raise SignalError(
                f"mappers/real_to_complex: expected finite features with a root mean square of at most {LARGEST:g}, "
                f"got {rms:g}"
            )
        scale = float(np.float16(rms))
        if scale == 0:
            return Out(np.zeros(symbols.size, np.complex64), header=self._told(0.0, padded=padded))
        return Out(symbols / np.float32(scale), header=self._told(scale, padded=padded))

    def _told(self, scale: float, *, padded: bool) -> tuple[PowerScale | Unsent]:
        agreed = self.params.scale
        if agreed == "sent":
            return (PowerScale(scale, padded),)
        return (Unsent(PowerScale(float(np.float16(agreed)), padded)),)
