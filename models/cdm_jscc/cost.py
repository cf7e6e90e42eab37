"""What a network costs: parameters, and floating-point operations for one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from .codec import CdmJsccCodec

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


def cost(
    weights: Path | None = None, variant: str = "d", *, height: int, width: int, frame_uses: float | None = None
) -> Cost:
    """Count parameters and floating-point operations of a trained codec.

    Convolutions and matrix products are counted, as papers do; activations, additions and the channel are not. The
    picture is continued to multiples of the patch as in use, and that is counted too. One picture of noise is coded to
    count.

    Args:
        weights: A safetensors file with its card beside it; the shipped ones of ``variant`` if not said.
        variant: ``p`` or ``d``.
        height: Of the picture in pixels.
        width: Of the picture in pixels.
        frame_uses: Complex symbols that the frame may take, rate map included; 1/24 of the source values if not said.

    Raises:
        WeightsError: see `CdmJsccCodec`.
        SignalError: the picture has no pixel, or no symbol is allowed.
    """
    codec = CdmJsccCodec(weights, variant)
    uses = 3 * height * width / 24 if frame_uses is None else frame_uses
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    with FlopCounterMode(display=False) as encoding:
        frame = codec.encode(image, esn0_db=10, frame_uses=uses)
    told: dict[str, Any] = {
        "levels": frame.levels,
        "eta_index": frame.eta_index,
        "esn0_db": 10,
        "height": height,
        "width": width,
    }
    noise = np.zeros((*(16 * side for side in frame.levels.shape), 3), np.float32)
    with FlopCounterMode(display=False) as estimating:
        codec.decode(frame.features, 0.1, guidance=0, **told)
    decoding = []
    for steps in (1, 2):
        with FlopCounterMode(display=False) as counter:
            codec.decode(frame.features, 0.1, **told, steps=steps, noise=noise)
        decoding.append(counter.get_total_flops())
    before, step = estimating.get_total_flops(), decoding[1] - decoding[0]
    return Cost(codec.parameters, encoding.get_total_flops(), before, decoding[0] - before - step, step)
