"""What every DeepJSCC network offers, and building one from its sizes."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from .adaptive import AdaptiveJscc
from .config import AdaptiveConfig, LinearConfig, NetworkConfig
from .rates import Rate

__all__ = ["JsccNetwork", "build"]


class JsccNetwork(Protocol):
    """Images to flat real features and back; power and channel lie between, outside of the network."""

    rates: tuple[Rate, ...]
    multiple: int  # sides of images are multiples of this

    def encode(self, images: Tensor, rate: Rate, esn0_db: Tensor) -> Tensor:
        """``[b, 3, h, w]`` in [0, 1] and the Es/N0 ``[b]`` the encoder reckons with, to ``[b, n]``."""

    def decode(self, received: Tensor, n0: Tensor, rate: Rate, esn0_db: Tensor, height: int, width: int) -> Tensor:
        """``[b, n]`` and noise variances ``[b, n]`` to ``[b, 3, height, width]``."""


def build(config: NetworkConfig) -> nn.Module:
    """The network of a configuration, with random weights; it has the methods of `JsccNetwork`."""
    if isinstance(config, AdaptiveConfig):
        return AdaptiveJscc(config)
    if isinstance(config, LinearConfig):
        from .linear_code import LinearJscc

        return LinearJscc(config)
    from .five_layer import FiveLayerJscc

    return FiveLayerJscc(config)
