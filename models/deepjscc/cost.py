"""What a network costs: parameters, and floating-point operations for one picture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from .codec import Codec, Receiving, Sending
from .engine import TorchEngine
from .names import DEFAULT, SHIPPED
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
        WeightsError: see `TorchEngine`.
        SignalError: the picture has no pixel, or the weights do not have the rate.
    """
    engine = TorchEngine(SHIPPED.path(DEFAULT) if weights is None else weights)
    codec = Codec(engine, engine.about(DEFAULT))
    with FlopCounterMode(display=False) as encoding:
        frame = codec.encode(np.zeros((height, width, 3), np.uint8), Sending(rate=rate))
    with FlopCounterMode(display=False) as decoding:
        codec.decode(frame.heard(0.1), Receiving())
    return Cost(engine.parameters, encoding.get_total_flops(), decoding.get_total_flops())
