"""`mappers/features_to_bits`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.quantisers.minifloat import to_minifloat
from ...sim.quantisers.uniform import quantise_uniform
from ...sim.side_information.feature_code import FeatureCode
from ...sim.side_information.feature_shape import FeatureShape
from ...sim.side_information.full_scale import FullScale
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Bits, Features

__all__ = ["FeaturesToBits"]

_LARGEST = float(np.finfo(np.float16).max)


class FeaturesToBits(Block):
    r"""Quantises features and writes their codes as bits, the most significant first.

    .. math:: c = \left\lfloor \frac{x + A}{2 A}\, 2^b \right\rfloor \;\text{(uniform)}, \quad
        x \approx (-1)^s \left(1 + \tfrac{m}{8}\right) 2^{e - 7} \;\text{(minifloat)}

    ``uniform``: b = bits_per_value, within +-A. A is full_scale, or the frame's largest magnitude, rounded up to half
    precision and told in 15 bits. ``minifloat``: 8 bits, sign, 4 of exponent (bias 7), 3 of mantissa, subnormal numbers
    included. Both saturate, and every code is a number, so that bit errors never make a NaN.

    Input:   features: float32, any shape; taken in C order.
    Output:  uint8 ``[values bits_per_value]``; header: FeatureShape (3 bits, and 16 for each of several axes),
             FeatureCode (5 bits); of uniform FullScale (15 bits).
    Raises:  SignalError: a value is not finite or, where the frame has its own full scale, above 65504; more than 7
             axes, or several of which one is longer than 65535.
    State:   none.
    Source:  Jayant & Noll, Digital Coding of Waveforms, section 4.2; OCP 8-bit Floating Point Specification 1.0.
    Example: ``bits: {use: mappers/features_to_bits, format: uniform, bits_per_value: 8}``
    """

    class Params(BlockParams):
        """Parameters."""

        format: Live[Literal["uniform", "minifloat"]] = Field("uniform", description="Of the codes.")
        bits_per_value: Live[int] = Field(8, ge=1, le=16, description="Bits of a value; minifloat has always 8.")
        full_scale: Live[float | None] = Field(
            None,
            gt=0,
            le=_LARGEST,
            description="Largest magnitude that is not clipped (uniform); null: each frame's own.",
        )

    params: Params
    writes_header = (FeatureShape, FeatureCode, FullScale)

    def work(self, features: Features) -> Out[Bits]:
        """Quantise one frame."""
        if not np.isfinite(features).all():
            raise SignalError("mappers/features_to_bits: expected finite features, got NaN or infinity")
        shape = features.shape
        if len(shape) > 7 or (len(shape) > 1 and max(shape) > 65535):
            raise SignalError(
                f"mappers/features_to_bits: expected at most 7 axes of at most 65535 values, got {list(shape)}"
            )
        p = self.params
        values = features.reshape(-1)
        if p.format == "minifloat":
            return Out(_bits(to_minifloat(values), 8), header=(FeatureShape.of(shape), FeatureCode("minifloat", 8)))
        largest = float(np.abs(values).max(initial=0)) if p.full_scale is None else p.full_scale
        scale = FullScale(_half_precision_above(largest))
        codes = quantise_uniform(values, p.bits_per_value, scale.full_scale)
        how = FeatureCode("uniform", p.bits_per_value)
        return Out(_bits(codes, p.bits_per_value), header=(FeatureShape.of(shape), how, scale))


def _bits(codes: NDArray[np.unsignedinteger], width: int) -> NDArray[np.uint8]:
    places = np.arange(width - 1, -1, -1, dtype=np.uint16)
    return (codes.astype(np.uint16)[:, None] >> places & 1).astype(np.uint8).reshape(-1)


def _half_precision_above(largest: float) -> float:
    if largest > _LARGEST:
        raise SignalError(
            f"mappers/features_to_bits: expected magnitudes of at most {_LARGEST:g}, got {largest:g}; "
            "set full_scale, beyond which they are clipped"
        )
    half = np.float16(largest)
    return float(half if float(half) >= largest else np.nextafter(half, np.float16(np.inf)))
