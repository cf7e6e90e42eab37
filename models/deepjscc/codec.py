"""Pictures to features and back, numpy in and out: what streaming blocks and benchmarks call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from ...errors import SignalError, WeightsError
from ..model_card import ModelCard
from .config import NetworkConfig
from .names import SHIPPED, Rate
from .network import build

__all__ = ["DeepJsccCodec"]


class DeepJsccCodec:
    """A trained network behind two functions.

    Works in float32 on the CPU, one picture at a time: with the same number of torch threads the same input gives the
    same bytes. Pictures are continued at their lower and right edge up to a multiple of the patch, and cut afterwards.

    Args:
        weights: A safetensors file with its card beside it; the shipped adaptive network if not said.

    Attributes:
        card: What is known of the weights.
        tag: 16 bits by which a receiver knows the transmitter's weights: the first of their file's SHA-256.

    Raises:  WeightsError: see `ShippedWeights.load`, or the weights are of another kind of network.
    """

    card: ModelCard
    tag: int

    def __init__(self, weights: Path | None = None) -> None:
        path = SHIPPED.path("adaptive") if weights is None else weights
        self.card, tensors = SHIPPED.load(path)
        self.tag = int(self.card.sha256[:4], 16)
        try:
            config: NetworkConfig = TypeAdapter[NetworkConfig](NetworkConfig).validate_python(self.card.config)
        except ValidationError:
            raise WeightsError(f"{path}: its card describes no DeepJSCC network; give weights of one") from None
        self._network: Any = build(config)
        try:
            self._network.load_state_dict(tensors)
        except RuntimeError:
            raise WeightsError(
                f"{path}: its tensors do not fit the sizes that its card gives; take both from the same place"
            ) from None
        self._network.eval().requires_grad_(requires_grad=False)

    @property
    def network(self) -> Any:
        """The network, with the methods of `JsccNetwork`."""
        return self._network

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The rates that the weights can run at."""
        rates: tuple[Rate, ...] = self._network.rates
        return rates

    @property
    def parameters(self) -> int:
        """How many numbers were trained or fitted."""
        return sum(value.numel() for value in self._network.parameters())

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8], *, rate: Rate, esn0_db: float) -> NDArray[np.float32]:
        """A picture to the features of one frame.

        Args:
            image: uint8 sRGB ``[h, w, 3]``, h and w at least 1.
            rate: Channel bandwidth ratio: complex channel uses over 3 h w, where h and w are multiples of the patch.
            esn0_db: The Es/N0 in dB that the transmitter reckons with; kept within 0 to 20 dB.

        Returns:
            float32 ``[n]``, n even, of any scale: patch by patch, in each the strongest component first.

        Raises:
            SignalError: no picture, or a rate that the weights do not have.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise SignalError(f"deepjscc: expected a picture, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
        self._check_rate(rate)
        below, right = (-side % self._network.multiple for side in image.shape[:2])
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), "edge").transpose(2, 0, 1)
        pixels = torch.from_numpy(np.ascontiguousarray(padded))[None].float() / 255
        features: NDArray[np.float32] = self._network.encode(pixels, rate, _told(esn0_db))[0].numpy()
        return features

    @torch.inference_mode()
    def decode(
        self,
        features: NDArray[np.float32],
        n0: float | NDArray[np.float32],
        *,
        rate: Rate,
        esn0_db: float,
        height: int,
        width: int,
    ) -> NDArray[np.uint8]:
        """Received features to a picture.

        Args:
            features: float32 ``[n]`` in the scale in which the encoder made them; a zero more is let pass.
            n0: Noise variance per complex symbol of unit energy after (unbiased) equalisation: one number, or one for
                each feature.
            rate: As encoded.
            esn0_db: As encoded: it fixes how the power was shared out. What the channel really was, n0 says.
            height: Of the picture in pixels.
            width: Of the picture in pixels.

        Returns:
            uint8 sRGB ``[height, width, 3]``.

        Raises:
            SignalError: the counts do not fit, or values are not finite.
        """
        self._check_rate(rate)
        if height < 1 or width < 1:
            raise SignalError(f"deepjscc: expected a picture of at least 1 x 1, got {height} x {width}")
        multiple = self._network.multiple
        full = -(-height // multiple) * multiple, -(-width // multiple) * multiple
        count = 2 * 3 * full[0] * full[1] // int(rate.removeprefix("1/"))
        if features.ndim != 1 or features.size not in (count, count + 1):
            raise SignalError(
                f"deepjscc: expected {count} features for {height} x {width} pixels at rate {rate}, "
                f"got {list(features.shape)}"
            )
        noise = np.broadcast_to(np.asarray(n0, np.float32), features.shape) if np.ndim(n0) == 0 else np.asarray(n0)
        if noise.shape != features.shape:
            raise SignalError(f"deepjscc: expected n0 as one number or {list(features.shape)}, got {list(noise.shape)}")
        if not (np.isfinite(features).all() and np.isfinite(noise).all() and (noise >= 0).all()):
            raise SignalError("deepjscc: expected finite features and n0 of at least 0, got others; check the channel")
        y = torch.from_numpy(np.array(features[:count], np.float32))[None]
        level = torch.from_numpy(np.array(noise[:count], np.float32))[None].clamp(min=1e-6)
        out = self._network.decode(y, level, rate, _told(esn0_db), *full)
        pixels = (out[0, :, :height, :width].clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(pixels.numpy().transpose(1, 2, 0))

    def _check_rate(self, rate: Rate) -> None:
        if rate not in self.rates:
            known = ", ".join(self.rates)
            raise SignalError(f"deepjscc: expected a rate of {known}, got {rate!r}; other weights may have it")


def _told(esn0_db: float) -> torch.Tensor:
    return torch.tensor([min(max(float(esn0_db), 0.0), 20.0)])
