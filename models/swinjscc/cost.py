"""What a network costs: parameters, and multiplications a pixel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from .names import channels_of
from .network import SwinJscc
from .sizes import SwinConfig

__all__ = ["Cost", "cost"]


class Cost(NamedTuple):
    """Cost of a network.

    Attributes:
        parameters: Of both ends together.
        encode_kmac_per_pixel: Thousands of multiplications, each with its addition, for a pixel.
        decode_kmac_per_pixel: Likewise.
    """

    parameters: int
    encode_kmac_per_pixel: float
    decode_kmac_per_pixel: float


def cost(config: SwinConfig, *, height: int = 128, width: int = 128) -> Cost:
    """Count parameters and multiplications of a network, with a picture of zeros.

    Convolutions, matrix products and attention are counted, as papers do; activations, norms and the channel are not.
    Sides that are multiples of stride times window have the least: what is added to whole windows is counted.

    Args:
        config: Sizes.
        height: Of the picture in pixels, a multiple of the stride.
        width: Likewise.

    Example:
        >>> from semcom.models.swinjscc.sizes import BASE
        >>> print("{0:.1e} parameters, {1:.0f} + {2:.0f} kMAC a pixel".format(*cost(BASE)))
        3.3e+07 parameters, 276 + 269 kMAC a pixel
    """
    network = SwinJscc(config).eval()
    images, known = torch.zeros(1, 3, height, width), torch.zeros(1)
    count = torch.full((1,), float(channels_of(config.rates[-1], config.stride)))
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):  # other kernels are not counted
        with FlopCounterMode(display=False) as encoding:
            features = network.encode(images, count, known).features
        with FlopCounterMode(display=False) as decoding:
            network.decode(features, torch.ones_like(features), count, known, known)
    pixels = 2000 * height * width
    parameters = sum(value.numel() for value in network.parameters())
    return Cost(parameters, encoding.get_total_flops() / pixels, decoding.get_total_flops() / pixels)
