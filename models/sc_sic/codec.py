"""Pictures to embeddings and back, numpy in and out: what streaming blocks and measurements call."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from ...errors import SignalError, WeightsError
from ..model_card import ModelCard
from .config import ScSicConfig
from .network import ScSic
from .sampler import sample
from .shipped import load_network, weights_path
from .stage_a import STRIDE
from .stage_b import UNHEARD

__all__ = ["ScSicCodec"]

Pixels = NDArray[np.uint8]


class ScSicCodec:
    """A network behind two functions.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: The three stages, with their weights.
        device: Where it runs.
        precision: bfloat16 runs the denoiser under autocast.

    Attributes:
        network: As given.
        stride: What the sides of pictures must be multiples of.
    """

    def __init__(self, network: ScSic, *, device: str = "cpu", precision: str = "float32") -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device, self._reduced = torch.device(device), precision == "bfloat16"
        config = network.config
        self.stride = math.lcm(
            config.semantic.stride, STRIDE * config.stage_b.patch * 2 ** (len(config.stage_b.widths) - 1)
        )

    @classmethod
    def shipped(cls, variant: str, weights: Path | None = None, **where: str) -> ScSicCodec:
        """Load weights of this project's own training: a file, or what is shipped for a variant.

        Raises:
            UsageError: no such variant.
            WeightsError: see `load_weights`, or the weights are of another kind of network.
        """
        path = weights_path(variant) if weights is None else weights
        card, tensors = load_network(path)
        network = _built(path, card)
        try:
            network.load_state_dict(tensors)
        except RuntimeError:
            raise WeightsError(
                f"{path}: its tensors do not fit the sizes that its card gives; take both from the same place"
            ) from None
        return cls(network, **where)

    @property
    def channels(self) -> int:
        """Of the embedding."""
        return self.network.config.semantic.channels

    def grid(self, height: int, width: int, downscale: float | None = None) -> tuple[int, int]:
        """Rows and columns of the embedding of a picture.

        Raises:
            SignalError: a side is no multiple of the stride, or the picture is too small.
        """
        semantic = self.network.config.semantic
        if min(height, width) < 1 or height % self.stride or width % self.stride:
            best = [max(self.stride, round(side / self.stride) * self.stride) for side in (height, width)]
            raise SignalError(
                f"sc-sic: expected sides that are multiples of {self.stride} pixels, got {height} x {width}; "
                f"scale or crop the picture, to {best[0]} x {best[1]} for example"
            )
        factor = semantic.downscale if downscale is None else downscale
        rows, columns = (int(side * factor) // semantic.stride for side in (height, width))
        if min(rows, columns) < 1:
            raise SignalError(
                f"sc-sic: expected a picture of at least {math.ceil(semantic.stride / factor)} pixels a side where "
                f"it is scaled by {factor:g}, got {height} x {width}; send a larger one, or scale it less"
            )
        return rows, columns

    @torch.inference_mode()
    def encode(self, image: Pixels, *, downscale: float | None = None) -> NDArray[np.float32]:
        """A picture to its embedding.

        Args:
            image: uint8 sRGB ``[h, w, 3]``, sides multiples of `stride`.
            downscale: Of the sides before the encoder, above 0 and at most 1; the network's own if not said.

        Returns:
            float32 ``[channels, rows, columns]``, of about unit variance.

        Raises:
            SignalError: no picture, or see `grid`.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SignalError(f"sc-sic: expected a picture, uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
        self.grid(image.shape[0], image.shape[1], downscale)
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].to(self._device).float() / 255
        embedding: NDArray[np.float32] = self.network.embed(pixels, downscale)[0].float().cpu().numpy()
        return embedding

    @torch.inference_mode()
    def decode(
        self,
        embedding: NDArray[np.float32],
        n0: float | NDArray[np.float32],
        *,
        height: int,
        width: int,
        rng: np.random.Generator,
        steps: int = 10,
        eta: float = 1.0,
        temperature: float = 1.0,
        guidance: float = 1.0,
    ) -> Pixels:
        """A received embedding to a picture.

        Args:
            embedding: float32 ``[channels, rows, columns]``.
            n0: Noise variance per complex symbol of unit energy, that is per real dimension over the embedding's
                power: one number, or one for each value, of the embedding's shape.
            height: Of the picture in pixels.
            width: Of the picture in pixels.
            rng: Draws the sampler's noise; the same generator gives the same picture.
            steps: Of the sampler, 1 to 50.
            eta: 1 for DDPM, 0 for DDIM.
            temperature: Of the sampler's noise.
            guidance: 1 for none.

        Returns:
            uint8 sRGB ``[height, width, 3]``.

        Raises:
            SignalError: the shape does not fit, or values are not finite.
        """
        self.grid(height, width)
        if embedding.ndim != 3 or embedding.shape[0] != self.channels:
            raise SignalError(
                f"sc-sic: expected an embedding [{self.channels}, rows, columns], got {list(embedding.shape)}; give "
                "encoder and decoder the same weights"
            )
        noise = np.broadcast_to(np.asarray(n0, np.float32), embedding.shape) if np.ndim(n0) == 0 else np.asarray(n0)
        if noise.shape != embedding.shape:
            raise SignalError(f"sc-sic: expected n0 as one number or {list(embedding.shape)}, got {list(noise.shape)}")
        if not (np.isfinite(embedding).all() and np.isfinite(noise).all() and (noise >= 0).all()):
            bad = int(embedding.size - np.isfinite(embedding).sum())
            raise SignalError(
                f"sc-sic: expected a finite embedding and n0 of at least 0, got {bad} values of {embedding.size} that "
                "are not finite, or such an n0; check the channel"
            )
        size = height // STRIDE, width // STRIDE
        received = torch.from_numpy(np.array(embedding, np.float32))[None].to(self._device)
        variance = torch.from_numpy(np.array(noise, np.float32))[None].to(self._device)
        shape = (1, self.network.config.stage_a.latent_channels, *size)

        def draw() -> torch.Tensor:
            return torch.from_numpy(rng.standard_normal(shape, np.float32)).to(self._device)

        stage_b = self.network.stage_b
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._reduced):
            conditioning = stage_b.condition(received, variance, size)
            nothing = None
            if guidance != 1:
                nothing = stage_b.condition(torch.zeros_like(received), torch.full_like(variance, UNHEARD), size)
            latents = sample(
                stage_b,
                conditioning,
                draw,
                steps=steps,
                eta=eta,
                temperature=temperature,
                guidance=guidance,
                unconditional=nothing,
            )
            picture = self.network.stage_a.decode(latents)
        pixels = (picture[0].float().clamp(0, 1) * 255).round().to(torch.uint8)
        return np.ascontiguousarray(pixels.cpu().numpy().transpose(1, 2, 0))


def _built(path: Path, card: ModelCard) -> ScSic:
    try:
        return ScSic(ScSicConfig.model_validate(card.config))
    except ValidationError:
        raise WeightsError(f"{path}: its card describes no SC-SIC network; give weights of one") from None
