"""A latent diffusion network in torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..codec import Role
from ..compiled import Compile, compiled
from ..model_card import ModelCard
from ..precision import Precision
from ..replay import Graphs, Replay
from ..weights.network import config_of, fill
from .codec import Codec, LatentAbout
from .config import LatentDiffusionConfig
from .names import DEFAULT, SHIPPED, Full, Variant
from .network import LatentDiffusion
from .stable_diffusion import StableDiffusion, load_checkpoint
from .text import Text

__all__ = ["TorchEngine", "load"]


def load(
    variant: Variant = DEFAULT, weights: str | Path | None = None, *, role: Role | None = None, **how: Any
) -> Codec:
    """Load weights for both ends.

    Args:
        variant: What the header calls them.
        weights: A safetensors file with its card beside it; of Stable Diffusion see `load_checkpoint`; what is shipped
            or published for the variant if not said.
        role: Of no matter: both ends hold the denoiser.
        how: device, precision, compile and graphs of `TorchEngine`.

    Raises:
        WeightsError: see `ShippedWeights.load` and `load_checkpoint`, or the weights are of another kind of network.
        UsageError: see `load_checkpoint`.
        MissingExtra: see there.
    """
    if variant in get_args(Full):
        network, text = load_checkpoint(cast(Full, variant), weights)
        return Codec(TorchEngine(network, text, **how), _about_checkpoint(variant, network))
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    card, tensors = SHIPPED.load(path)
    own = LatentDiffusion(config_of(SHIPPED.system, path, card, LatentDiffusionConfig))
    fill(path, own, tensors)
    return Codec(TorchEngine(own, **how), _about(variant, own, card))


class TorchEngine:
    """A network with its weights.

    One picture at a time: with the same number of torch threads the same input gives the same bytes.

    Args:
        network: It is moved and cast.
        text: Makes of a prompt what the denoiser is told; None: it is told nothing.
        device: Where it runs.
        precision: Of autoencoder and denoiser; what is around them stays float32.
        compile: Denoiser and decoder through `torch.compile`, at the first picture of each size.
        graphs: On a GPU, record a step of the denoiser, and the decoder, for each size, and replay.

    Attributes:
        network: As given.
        denoise: Its `epsilon`, compiled and recorded as was asked for; what it returns is overwritten by the next call.
        decode: Its `pictures`, likewise.
    """

    def __init__(
        self,
        network: LatentDiffusion | StableDiffusion,
        text: Text | None = None,
        *,
        device: str = "cpu",
        precision: Precision = "float32",
        compile: Compile = "off",
        graphs: Graphs = "off",
    ) -> None:
        self.network = network.to(device).eval().requires_grad_(requires_grad=False)
        laid_out: Any = {} if device == "cpu" else {"memory_format": torch.channels_last}
        for part in (network.autoencoder, network.denoiser):  # diffusers' own `to` warns of what is not so
            nn.Module.to(part, dtype=getattr(torch, precision), **laid_out)
        self._tell = None
        if text is not None:
            self._tell = lru_cache(maxsize=16)(text.to(device).requires_grad_(requires_grad=False))
        self._device = torch.device(device)
        self.denoise = Replay(compiled(network.epsilon, compile), graphs)
        self.decode = Replay(compiled(network.pictures, compile), graphs)

    @torch.inference_mode()
    def run(self, output: str, **inputs: Any) -> NDArray[np.float32]:
        """Compute ``clean`` ``[c, h / 8, w / 8]``, ``epsilon`` of the same shape, or ``picture`` ``[h, w, 3]``.

        What it does not need is let be. ``epsilon`` of a network that is told text takes ``prompt`` and ``guidance``.
        """
        outputs: dict[str, tuple[Callable[..., Tensor], tuple[str, ...]]] = {
            "clean": (self._clean, ("image", "noise")),
            "epsilon": (self._epsilon, ("latent", "level")),
            "picture": (self._picture, ("clean",)),
        }
        function, names = outputs[output]
        tensors = [torch.from_numpy(np.array(inputs[name])).to(self._device) for name in names]
        if output == "epsilon" and self._tell is not None:
            guidance = torch.from_numpy(inputs["guidance"])
            words = self._tell(inputs["prompt"])
            if guidance != 1:
                words = torch.cat([self._tell(""), words])
            tensors += [words, guidance.to(self._device)]
        made: NDArray[np.float32] = function(*tensors).contiguous().cpu().numpy()
        return made

    def _clean(self, image: Tensor, noise: Tensor) -> Tensor:
        return self.network.latents(image.permute(2, 0, 1)[None].float() / 255, noise[None])[0]

    def _epsilon(self, latent: Tensor, level: Tensor, *told: Tensor) -> Tensor:
        return self.denoise(latent[None], level, *told)[0]

    def _picture(self, clean: Tensor) -> Tensor:
        return self.decode(clean[None])[0].permute(1, 2, 0)


def _about(variant: Variant, network: LatentDiffusion, card: ModelCard) -> LatentAbout:
    config = network.config.autoencoder
    return LatentAbout(
        variant=variant,
        stride=config.stride,
        channels=config.latent_channels,
        denoiser_stride=network.config.denoiser.stride,
        weights_sha256=card.base_sha256 or card.sha256,  # both ends share the autoencoder, which is the base's
    )


def _about_checkpoint(variant: Variant, network: StableDiffusion) -> LatentAbout:
    autoencoder, denoiser = network.autoencoder, network.denoiser
    signs = hashlib.sha256()  # of the first layers: files in half precision have the same
    for layer in (autoencoder.encoder.conv_in, denoiser.conv_in):
        signs.update(np.packbits(layer.weight.detach().float().cpu().numpy() >= 0).tobytes())
    return LatentAbout(
        variant=variant,
        stride=2 ** (len(autoencoder.config.block_out_channels) - 1),
        channels=autoencoder.config.latent_channels,
        denoiser_stride=1,  # it takes odd sides by itself
        text=True,
        weights_sha256=signs.hexdigest(),
    )
