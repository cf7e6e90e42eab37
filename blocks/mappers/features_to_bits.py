"""`mappers/features_to_bits`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.quantisers.minifloat import to_minifloat
from ...sim.quantisers.uniform import quantise_uniform
from ..block import Block
from ..envelope import HeaderField, Out
from ..params import BlockParams, Live
from ..ports import Bits, Features

__all__ = ["FeatureCode", "FeatureShape", "FeaturesToBits"]

_LARGEST = float(np.finfo(np.float16).max)


class FeatureShape(HeaderField, frozen=True):
    """Shape of the features: 3 bits for the number of axes, 16 an axis; the length of a single axis costs nothing.

    Attributes:
        shape: At most 7 axes of at most 65535; a single one may be longer: it follows from the number of bits.
    """

    shape: tuple[int, ...]

    def bits(self) -> int:
        """Three, and 16 for each of two or more axes."""
        return 3 + (16 * len(self.shape) if len(self.shape) > 1 else 0)


class FeatureCode(HeaderField, frozen=True):
    """How the values were quantised: 1 bit for the format, 4 for bits_per_value, 16 for a full scale of the frame.

    Attributes:
        format: Of the codes.
        bits_per_value: 1 to 16.
        full_scale: Of the uniform quantiser; a half-precision number where it is told here.
        told: Whether the full scale is told here or was agreed beforehand.
    """

    format: Literal["uniform", "minifloat"]
    bits_per_value: int
    full_scale: float = 0.0
    told: Literal["here", "agreed"] = "agreed"

    def bits(self) -> int:
        """Five, or 21."""
        return 5 + (16 if self.told == "here" else 0)


class FeaturesToBits(Block):
    r"""Quantises features and writes their codes as bits, the most significant first.

    .. math:: c = \left\lfloor \frac{x + A}{2 A}\, 2^b \right\rfloor \;\text{(uniform)}, \quad
        x \approx (-1)^s \left(1 + \tfrac{m}{8}\right) 2^{e - 7} \;\text{(minifloat)}

    ``uniform``: b = bits_per_value, within +-A. A is full_scale, agreed beforehand and then free, or the frame's
    largest magnitude, rounded up to half precision and told in 16 bits. ``minifloat``: 8 bits, sign, 4 of exponent
    (bias 7), 3 of mantissa, subnormal numbers included. Both saturate, and every code is a number, so that bit
    errors never make a NaN.

    Input:   features: float32, any shape; taken in C order.
    Output:  uint8 ``[values bits_per_value]``; header: FeatureShape (3 bits, and 16 for each of several axes),
             FeatureCode (5 bits, and 16 for a full scale of the frame).
    Raises:  SignalError: a value is not finite or, where the frame tells its own full scale, above 65504; more than 7
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
            le=1e30,
            description="Largest magnitude that is not clipped (uniform); null: each frame tells its own.",
        )

    params: Params
    writes_header = (FeatureShape, FeatureCode)

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
            how = FeatureCode("minifloat", 8)
            codes = to_minifloat(values).astype(np.uint16)
        else:
            how = (
                FeatureCode("uniform", p.bits_per_value, _half_precision_above(values), told="here")
                if p.full_scale is None
                else FeatureCode("uniform", p.bits_per_value, p.full_scale)
            )
            codes = quantise_uniform(values, how.bits_per_value, how.full_scale)
        places = np.arange(how.bits_per_value - 1, -1, -1, dtype=np.uint16)
        bits = (codes[:, None] >> places & 1).astype(np.uint8).reshape(-1)
        return Out(bits, header=(FeatureShape(shape), how))


def _half_precision_above(values: NDArray[np.float32]) -> float:
    largest = float(np.abs(values).max(initial=0))
    if largest > _LARGEST:
        raise SignalError(
            f"mappers/features_to_bits: expected magnitudes of at most {_LARGEST:g}, got {largest:g}; "
            "set full_scale, which both ends then know"
        )
    half = np.float16(largest)
    return float(half if float(half) >= largest else np.nextafter(half, np.float16(np.inf)))
