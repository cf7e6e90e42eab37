"""What a network costs: parameters, and floating-point operations for one picture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from .codec import Codec, Receiving, Sending
from .engine import TorchEngine
from .names import DEFAULT, SHIPPED, Variant

__all__ = ["Cost", "cost"]


class Cost(NamedTuple):
    """Cost of a codec.

    Attributes:
        parameters: Trained and fitted numbers of transmitter and receiver together; what both share is counted once.
        encode_flops: Floating-point operations to encode one picture; a multiplication and an addition are two.
        estimate_flops: The same for what the receiver does before the first step: the picture without diffusion.
        shared_flops: The same for what all steps of the denoiser share.
        step_flops: The same for one step beyond that.
    """

    parameters: int
    encode_flops: int
    estimate_flops: int
    shared_flops: int
    step_flops: int

    def decode_flops(self, steps: int) -> int:
        """Floating-point operations to decode one picture in so many steps; with 0, without diffusion."""
        return self.estimate_flops + (self.shared_flops + steps * self.step_flops if steps else 0)


def cost(weights: Path | None = None, variant: Variant = DEFAULT, *, height: int, width: int) -> Cost:
    """Count parameters and floating-point operations of a trained codec.

    Convolutions and matrix products are counted, as papers do; activations, additions and the channel are not. The
    picture is continued to multiples of the patch as in use, and that is counted too. One picture of noise is coded to
    count.

    Args:
        weights: A safetensors file with its card beside it; the shipped ones of ``variant`` if not said.
        variant: Which weights, where none are given.
        height: Of the picture in pixels.
        width: Of the picture in pixels.

    Raises:
        WeightsError: see `TorchEngine`.
        SignalError: the picture has no pixel.
    """
    engine = TorchEngine(SHIPPED.path(variant) if weights is None else weights)
    codec = Codec(engine, engine.about(variant))
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    with FlopCounterMode(display=False) as encoding:
        frame = codec.encode(image, Sending(eta=0.1))  # what is counted is the same at every rate
    found = []
    for receiving in (Receiving(guidance=0), Receiving(steps=1), Receiving(steps=2)):
        with FlopCounterMode(display=False) as counter:
            codec.decode(frame.heard(0.1), receiving)
        found.append(counter.get_total_flops())
    before, once, twice = found
    step = twice - once
    return Cost(engine.parameters, encoding.get_total_flops(), before, once - before - step, step)
