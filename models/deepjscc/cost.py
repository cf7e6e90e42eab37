"""What a network costs: parameters, and floating-point operations for one picture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from .codec import DeepJsccCodec
from .rates import Rate

__all__ = ["Cost", "cost"]


class Cost(NamedTuple):
    """Cost of a codec.

    Attributes:
        parameters: Trained numbers of encoder and decoder together; what both share is counted once.
        encode_flops: Floating-point operations to encode one picture; a multiplication and an addition are two.
        decode_flops: The same to decode it.
    """

    parameters: int
    encode_flops: int
    decode_flops: int


def cost(weights: Path | None = None, *, height: int, width: int, rate: Rate = "1/12") -> Cost:
    """Count parameters and floating-point operations of a trained codec.

    Convolutions and matrix products are counted, as papers do; activations, additions and the channel are not. The
    picture is continued to multiples of the patch as in use, and that is counted too. One picture is coded to count.

    Args:
        weights: A safetensors file with its card beside it; the shipped adaptive network if not said.
        height: Of the picture in pixels.
        width: Of the picture in pixels.
        rate: Channel bandwidth ratio to code at.

    Raises:
        WeightsError: see `DeepJsccCodec`.
        SignalError: the picture has no pixel, or the weights do not have the rate.
    """
    codec = DeepJsccCodec(weights)
    with FlopCounterMode(display=False) as encoding:
        features = codec.encode(np.zeros((height, width, 3), np.uint8), rate=rate, esn0_db=10)
    with FlopCounterMode(display=False) as decoding:
        codec.decode(features, 0.1, rate=rate, esn0_db=10, height=height, width=width)
    return Cost(codec.parameters, encoding.get_total_flops(), decoding.get_total_flops())
