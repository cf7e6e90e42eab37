"""`mappers/doubles_to_bits`."""

from __future__ import annotations

import numpy as np

from ...sim.side_information.feature_shape import FeatureShape
from ..block import Block
from ..envelope import Out
from ..ports import Bits, Features

__all__ = ["DoublesToBits"]


class DoublesToBits(Block):
    r"""Writes features as the 64 bits of IEEE 754 doubles, as they lie in memory.

    .. math:: x = (-1)^s\, 2^{e - 1023} (1 + m)

    No code of any sense: a wrong bit of the exponent is a value of another order, and 16-QAM takes 16 uses a value. It
    is here since Img2Img-SC is published so; ``mappers/features_to_bits`` has codes whose every word is a value.

    Input:   features: float32, any shape; taken in C order.
    Output:  uint8 ``[64 values]`` of 0 and 1: sign, 11 bits of exponent, 52 of mantissa, each with its highest first;
             header: FeatureShape, 3 bits and 16 for each of several axes.
    State:   none.
    Source:  IEEE 754-2019, binary64; Cicchetti et al., Language-oriented semantic latent representation for image
             transmission, MLSP 2024.
    Example: ``bits: {use: mappers/doubles_to_bits}``
    """

    writes_header = (FeatureShape,)

    def work(self, features: Features) -> Out[Bits]:
        """Write one frame."""
        bits = np.unpackbits(features.reshape(-1).astype(">f8").view(np.uint8))
        return Out(bits, header=FeatureShape.of(features.shape))
