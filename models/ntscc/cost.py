"""What a network costs: parameters, and multiplications a pixel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..patch_rates.rate_map import LEVELS, PATCH
from ..patch_rates.told import Told
from .config import NtsccConfig
from .network import Ntscc

__all__ = ["Cost", "cost"]


class Cost(NamedTuple):
    """Cost of a network.

    Attributes:
        parameters: Of both ends together.
        encode_kmac_per_pixel: Thousands of multiplications, each with its addition, for a pixel; the entropy model's
            included.
        decode_kmac_per_pixel: Likewise.
    """

    parameters: int
    encode_kmac_per_pixel: float
    decode_kmac_per_pixel: float


def cost(config: NtsccConfig, *, height: int = 128, width: int = 128) -> Cost:
    """Count parameters and multiplications of a network, with a picture of zeros whose patches send the least.

    Convolutions and matrix products are counted, as papers do; activations and the channel are not.

    Args:
        config: Sizes.
        height: Of the picture in pixels, a multiple of 16.
        width: Likewise.

    Example:
        >>> print("{0:.1e} parameters, {1:.0f} + {2:.0f} kMAC a pixel".format(*cost(NtsccConfig())))
        9.5e+06 parameters, 30 + 74 kMAC a pixel
    """
    network = Ntscc(config).eval()
    images, known = torch.zeros(1, 3, height, width), torch.zeros(1)
    levels = torch.zeros(1, height // PATCH, width // PATCH, dtype=torch.int64)
    told = Told(levels, levels[:, 0, 0], known)
    with torch.inference_mode():
        with FlopCounterMode(display=False) as encoding:
            features = network.send(network.entropy(images, known)[0], told)
        with FlopCounterMode(display=False) as decoding:
            network.receive(features, torch.ones(1, levels.numel(), LEVELS[-1]), told)
    pixels = 2000 * height * width
    parameters = sum(value.numel() for value in network.parameters())
    return Cost(parameters, encoding.get_total_flops() / pixels, decoding.get_total_flops() / pixels)
