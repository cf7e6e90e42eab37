"""`mappers/bits_to_features`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.bits import check_bits
from ...sim.quantisers.minifloat import from_minifloat
from ...sim.quantisers.uniform import dequantise_uniform
from ...sim.side_information.feature_code import FeatureCode
from ...sim.side_information.feature_shape import FeatureShape
from ...sim.side_information.full_scale import FullScale
from ..block import Block
from ..envelope import Header, Out, State
from ..ports import Bits, Features

__all__ = ["BitsToFeatures"]


class BitsToFeatures(Block):
    r"""Reads the codes of features back from bits.

    .. math:: \hat{x} = -A + \left(c + \tfrac{1}{2}\right) \frac{2 A}{2^b} \;\text{(uniform)}, \quad
        \hat{x} = (-1)^s \left(1 + \tfrac{m}{8}\right) 2^{e - 7} \;\text{(minifloat)}

    The inverse of ``mappers/features_to_bits``. Wrong bits give wrong values, never a NaN and never one beyond full
    scale (480 for minifloat). The values carry no noise of the channel any more: n0 becomes 0, and what quantisation
    and wrong bits did to them is in no n0.

    Input:   bits: uint8 ``[values bits_per_value]``; header: FeatureShape, FeatureCode; of uniform FullScale.
    Output:  float32 of the shape that was sent; receiver state: n0 = 0.
    Raises:  SignalError: not bits; their number does not fit the header; the header says what no transmitter sends.
    State:   none.
    Example: ``features: {use: mappers/bits_to_features}``
    """

    reads_header = (FeatureShape, FeatureCode, FullScale)

    def work(self, bits: Bits, header: Header) -> Out[Features]:
        """Read one frame."""
        check_bits("mappers/bits_to_features", bits)
        shape, how = header.read(FeatureShape).shape, header.read(FeatureCode)
        width = how.bits_per_value
        if how.format == "minifloat" and width != 8:
            raise SignalError(f"mappers/bits_to_features: expected 8 bits per value of a minifloat, got {width}")
        if bits.size % width or (shape != (-1,) and math.prod(shape) * width != bits.size):
            raise SignalError(
                f"mappers/bits_to_features: expected {width} bits for each value of shape {list(shape)} "
                f"(FeatureShape, FeatureCode), got {bits.size} bits"
            )
        codes = np.zeros(bits.size // width, np.uint16)
        for place in bits.reshape(-1, width).T:
            codes = codes << np.uint16(1) | place
        values: NDArray[np.float32] = (
            from_minifloat(codes.astype(np.uint8))
            if how.format == "minifloat"
            else dequantise_uniform(codes, width, header.read(FullScale).full_scale)
        )
        return Out(values.reshape(shape), state=State(n0=0.0))
