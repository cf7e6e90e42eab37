"""Stable Diffusion, loaded from a checkpoint in diffusers' layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..weights.file import read_tensors
from ..weights.find import find_parts
from ..weights.fit import require_fit
from .checkpoint import Prediction, read_checkpoint
from .names import SHIPPED, Full
from .published import PUBLICATION, SD_15
from .schedule import LEVELS, LOG_RATIOS
from .text import Text

__all__ = ["StableDiffusion", "load_checkpoint"]

_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # of attention, until 2023


class StableDiffusion(nn.Module):
    r"""Latents of pictures, and the noise in noisy ones, which is told words.

    .. math:: \hat\epsilon = \epsilon_\theta(z_t, t, \varnothing) + g\,
        (\epsilon_\theta(z_t, t, c) - \epsilon_\theta(z_t, t, \varnothing))

    Args:
        autoencoder: diffusers' `AutoencoderKL`.
        denoiser: diffusers' `UNet2DConditionModel`.
        prediction: What the denoiser gives; of a velocity the noise is
            :math:`\sqrt{\bar\alpha_t}\, v + \sqrt{1 - \bar\alpha_t}\, z_t`.

    Source: Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR 2022; Ho & Salimans,
        Classifier-free diffusion guidance, 2022; Salimans & Ho, Progressive distillation, ICLR 2022 (the velocity).
    """

    log_ratios: Tensor

    def __init__(self, autoencoder: Any, denoiser: Any, prediction: Prediction = "epsilon") -> None:
        super().__init__()
        self.autoencoder, self.denoiser, self.prediction = autoencoder, denoiser, prediction
        self.scale = float(autoencoder.config.scaling_factor)
        self.register_buffer("log_ratios", torch.tensor(LOG_RATIOS, dtype=torch.float32))

    def latents(self, images: Tensor, noise: Tensor) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1] to clean latents, so many deviations from the mean."""
        posterior = self.autoencoder.encode((2 * images - 1).to(self.autoencoder.dtype)).latent_dist
        latents: Tensor = posterior.mean.float() + posterior.std.float() * noise
        return self.scale * latents

    def pictures(self, latents: Tensor) -> Tensor:
        """Clean latents to images in [0, 1], not clipped."""
        images: Tensor = self.autoencoder.decode((latents / self.scale).to(self.autoencoder.dtype)).sample
        return (images.float() + 1) / 2

    def epsilon(self, latents: Tensor, level: Tensor, words: Tensor, guidance: Tensor) -> Tensor:
        """Noise in latents ``[b, c, h, w]`` at a level ``[1]``, 0 to 999.

        Args:
            latents: float32.
            level: Likewise.
            words: Of the prompt, ``[b, n, width]``; with guidance ``[2 b, n, width]``, behind those of no words.
            guidance: g, ``[1]``; it is not looked at where words are of the prompt alone.
        """
        branches = words.shape[0] // latents.shape[0]
        inside, dtype = latents.repeat(branches, 1, 1, 1), self.denoiser.dtype
        found: Tensor = self.denoiser(inside.to(dtype), level, encoder_hidden_states=words.to(dtype)).sample.float()
        if branches == 2:
            untold, told = found.chunk(2)
            found = untold + guidance * (told - untold)
        if self.prediction == "epsilon":
            return found
        share = self._share(level)
        return share.sqrt() * found + (1 - share).sqrt() * latents

    def _share(self, level: Tensor) -> Tensor:
        """As `schedule.alpha_bar`."""
        below = level.floor().clamp(0, LEVELS - 2)
        low, high = self.log_ratios[below.long()], self.log_ratios[below.long() + 1]
        return torch.sigmoid(-torch.lerp(low, high, level - below))


def load_checkpoint(variant: Full, weights: str | Path | None) -> tuple[StableDiffusion, Text]:
    """Load a checkpoint from this machine; the network is never touched.

    Args:
        variant: ``sd-1.5``, or ``sd``, which must be told its weights.
        weights: A folder, or a repository ``owner/name`` in the hub's cache; None: Stable Diffusion 1.5 in that cache.

    Raises:
        UsageError: ``sd`` was told no weights, or a file was given.
        WeightsError: files are missing or do not fit, or the checkpoint is of another layout.
        MissingExtra: transformers is not installed.
    """
    if variant == "sd" and weights is None:
        raise UsageError(
            f"{SHIPPED.system}: variant sd: expected weights, since it is any checkpoint of Stable Diffusion's layout, "
            "got none; give its folder or its repository, or take variant sd-1.5"
        )
    paths = find_parts(PUBLICATION, tuple(PUBLICATION.parts), weights, variant=SD_15)
    checkpoint = read_checkpoint(paths)
    from diffusers import AutoencoderKL, UNet2DConditionModel

    kinds: tuple[Any, Any] = AutoencoderKL, UNet2DConditionModel
    with torch.device("meta"):  # no random weights that are thrown away
        autoencoder = kinds[0].from_config(checkpoint.autoencoder)
        denoiser = kinds[1].from_config(checkpoint.denoiser)
    for part, module in (("autoencoder", autoencoder), ("denoiser", denoiser)):
        _fill(part, paths[part], module)
    return StableDiffusion(autoencoder, denoiser, checkpoint.prediction), Text(paths, checkpoint.text_encoder)


def _fill(part: str, path: Path, module: nn.Module) -> None:
    read = read_tensors(path, PUBLICATION.parts[part], memory="mapped")
    tensors = {_name(key): value for key, value in read.items()}
    require_fit(path, PUBLICATION.parts[part], module.state_dict(), tensors)
    # copies: what was read is mapped from the file
    made = {key: value.to(torch.float32, copy=True) for key, value in tensors.items()}
    module.load_state_dict(made, assign=True)


def _name(key: str) -> str:
    names = key.split(".")
    if "attentions" in names:
        names[-2] = _OLD_NAMES.get(names[-2], names[-2])
    return ".".join(names)
