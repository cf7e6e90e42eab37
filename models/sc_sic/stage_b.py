"""Stage B: the denoiser of stage A's latents, conditioned on the embedding that arrived."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import StageBConfig
from .schedule import alpha_bar
from .stage_a import STRIDE

__all__ = ["UNHEARD", "Conditioning", "StageB"]

UNHEARD = 1e6
"""Noise variance of an embedding of zeros that stands for none."""


class Conditioning(NamedTuple):
    """What a denoiser knows of a batch of pictures that does not depend on the noise level; computed once."""

    added: Tensor  # [b, width, h, w]: what the embedding adds to the first activations
    text: Tensor  # [b, tokens, text_width]: of the empty text
    level: Tensor  # [b]: how noisy the embedding is, 0 for clean to 1; zeros where the network is not told
    mean: Tensor | None  # [b, c, h, w]: linear estimate of the latents
    variance: Tensor | None  # [b, c, 1, 1]: of its error


class StageB(nn.Module):
    r"""Predicts the noise in noisy latents; around diffusers' `StableCascadeUNet`.

    .. math:: \hat\epsilon = \frac{x_t - \sqrt{\bar\alpha_t}\, \hat x_0}{\sqrt{1 - \bar\alpha_t}}, \quad
        \hat x_0 = \mu + \frac{\sqrt{\bar\alpha_t}\, v}{q} (x_t - \sqrt{\bar\alpha_t}\, \mu)
        + \sqrt{\frac{v (1 - \bar\alpha_t)}{q}}\; F_\theta, \quad q = \bar\alpha_t v + 1 - \bar\alpha_t

    With ``prior: linear``, as above: mu is the least-squares estimate of the latents from the embedding, v its error's
    variance, and the network F corrects the Wiener estimate from both. With ``prior: none`` it is Stable Cascade's own:
    F is the noise.

    Args:
        config: Sizes.
        latent_channels: Of stage A.
        embedding_channels: Of the embedding.
        embedding_stride: Pixels a side that one embedding vector stands for, at full size; for ``prior: linear``.

    Source: Pernias et al., Wuerstchen, ICLR 2024; Karras et al., Elucidating the design space of diffusion-based
        generative models, NeurIPS 2022, section 5 (why a network predicts what a closed form leaves).
    """

    clean_variance: Tensor

    def __init__(
        self, config: StageBConfig, latent_channels: int, embedding_channels: int, embedding_stride: int
    ) -> None:
        from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet

        super().__init__()
        self.config, self.ratio = config, embedding_stride // STRIDE
        blocks = ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock")
        linear = config.prior == "linear"
        self.unet = StableCascadeUNet(
            in_channels=latent_channels * (2 if linear else 1),
            out_channels=latent_channels,
            timestep_ratio_embedding_dim=64,
            patch_size=config.patch,
            conditioning_dim=config.text_width,
            block_out_channels=config.widths,
            num_attention_heads=config.heads,
            down_num_layers_per_block=config.down_layers,
            up_num_layers_per_block=config.up_layers,
            down_blocks_repeat_mappers=(1,) * len(config.widths),
            up_blocks_repeat_mappers=config.up_repeats,
            block_types_per_layer=tuple(blocks if heads > 0 else blocks[:2] for heads in config.heads),
            clip_text_pooled_in_channels=config.text_width,
            clip_seq=config.text_tokens,
            effnet_in_channels=embedding_channels,
            pixel_mapper_in_channels=3,
            kernel_size=3,
            dropout=config.dropout,
            self_attn=True,
            timestep_conditioning_type=("sca",),
        )
        if linear:
            self.mean = nn.Conv2d(embedding_channels, latent_channels * self.ratio**2, 3, padding=1)
            self.register_buffer("clean_variance", torch.full((latent_channels,), 0.5))
            _calm(self.unet)

    @torch.no_grad()
    def fit(self, embedding: Tensor, latents: Tensor, noise_variance: float) -> None:
        """Take the linear estimate and its error by least squares from clean embeddings and latents of crops.

        Args:
            embedding: ``[n, c, h, w]``, of unit variance.
            latents: ``[n, c', ratio h, ratio w]``.
            noise_variance: Per real dimension, for which the estimate is taken; the error is that of clean ones.
        """
        channels = embedding.shape[1]
        columns = F.unfold(embedding, 3, padding=1).transpose(1, 2).flatten(0, 1).double()  # [n h w, 9 c]
        rows = F.pixel_unshuffle(latents, self.ratio).flatten(2).transpose(1, 2).flatten(0, 1).double()
        columns_one = torch.cat([columns, torch.ones_like(columns[:, :1])], 1)
        gram = columns_one.T @ columns_one / len(columns_one)
        gram[:-1, :-1] += noise_variance * torch.eye(9 * channels, dtype=gram.dtype, device=gram.device)
        solution = torch.linalg.solve(gram, columns_one.T @ rows / len(columns_one))  # [9 c + 1, outputs]
        self.mean.weight.copy_((1 + noise_variance) * solution[:-1].T.reshape(self.mean.weight.shape))
        self.mean.bias.copy_(solution[-1])  # type: ignore[union-attr]
        size = latents.shape[2], latents.shape[3]
        error = self._estimate(embedding, torch.zeros_like(embedding), size)[0] - latents
        self.clean_variance.copy_(error.square().mean((0, 2, 3)).clamp(1e-3, 1.0))

    def condition(self, embedding: Tensor, noise_variance: Tensor, size: tuple[int, int]) -> Conditioning:
        """What is computed once for a batch.

        Args:
            embedding: As it arrived, ``[b, c, h, w]``; about unit variance before the channel's noise.
            noise_variance: Of that noise, per real dimension: ``[b, c, h, w]``; `UNHEARD` with zeros for no embedding.
            size: Height and width of the latents.
        """
        batch = embedding.shape[0]
        unet: Any = self.unet  # its parts are used one by one
        told = self.config.told == "noise"
        lost = noise_variance / (1 + noise_variance)  # of each value; a mean of the variances would be that of fades
        level = lost.flatten(1).mean(1) if told else torch.zeros_like(embedding[:, 0, 0, 0])
        mean = variance = None
        heard = embedding
        if self.config.prior == "linear":
            mean, variance = self._estimate(embedding, noise_variance, size)
            heard = embedding / (1 + noise_variance)
        grid = size[0] // self.config.patch, size[1] // self.config.patch
        added = unet.effnet_mapper(F.interpolate(heard, size=grid, mode="bilinear", align_corners=True))
        added = added + F.interpolate(
            unet.pixels_mapper(embedding.new_zeros(batch, 3, 8, 8)), size=grid, mode="bilinear", align_corners=True
        )
        text = unet.get_clip_embeddings(embedding.new_zeros(batch, 1, self.config.text_width))
        return Conditioning(added, text, level, mean, variance)

    def forward(self, noisy: Tensor, t: Tensor, conditioning: Conditioning) -> Tensor:
        """Noise in latents ``[b, c, h, w]`` at times ``[b]``."""
        share = alpha_bar(t)[:, None, None, None]
        if conditioning.mean is None or conditioning.variance is None:
            return self._network(noisy, t, conditioning)
        mean, variance = conditioning.mean, conditioning.variance
        spread = share * variance + 1 - share  # of x_t around its mean
        deviation = noisy - share.sqrt() * mean
        inside = torch.cat([deviation / spread.sqrt(), mean], 1)
        correction = self._network(inside, t, conditioning).float()
        clean = mean + share.sqrt() * variance / spread * deviation
        clean = clean + (variance * (1 - share) / spread).sqrt() * correction
        return (noisy - share.sqrt() * clean) / (1 - share).sqrt()

    def clean(self, noisy: Tensor, epsilon: Tensor, t: Tensor) -> Tensor:
        """Clean latents that noisy ones and their noise speak of."""
        share = alpha_bar(t)[:, None, None, None]
        return (noisy - (1 - share).sqrt() * epsilon) / share.sqrt()

    def _estimate(self, embedding: Tensor, noise_variance: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        grid = size[0] // self.ratio, size[1] // self.ratio
        heard = embedding / (1 + noise_variance)
        if heard.shape[-2:] != grid:
            heard = F.interpolate(heard, size=grid, mode="bilinear", align_corners=False)
        mean = F.pixel_shuffle(self.mean(heard).float(), self.ratio)
        lost = (noise_variance / (1 + noise_variance)).flatten(1).mean(1)[:, None]
        variance = self.clean_variance + (1 - self.clean_variance) * lost
        return mean, variance[:, :, None, None]

    def _network(self, noisy: Tensor, t: Tensor, conditioning: Conditioning) -> Tensor:
        unet: Any = self.unet
        times = [unet.get_timestep_ratio_embedding(part) for part in (t, conditioning.level)]
        time = torch.cat(times, 1)
        x = unet.embedding(noisy) + conditioning.added
        levels = unet._down_encode(x, time, conditioning.text)
        out: Tensor = unet.clf(unet._up_decode(levels, time, conditioning.text))
        return out


def _calm(unet: Any) -> None:
    """Start as the closed form: no output, and residual blocks that add little."""
    from diffusers.models.unets.unet_stable_cascade import SDCascadeResBlock, SDCascadeTimestepBlock

    blocks: list[Any] = [module for module in unet.modules() if isinstance(module, SDCascadeResBlock)]
    with torch.no_grad():
        for block in blocks:
            block.channelwise[-1].weight.mul_(len(blocks) ** -0.5)
        for module in unet.modules():
            if isinstance(module, SDCascadeTimestepBlock):
                for name, value in module.named_parameters():
                    value.zero_() if name.endswith("weight") else None
        last = unet.get_submodule("clf.1")
        last.weight.zero_()
        last.bias.zero_()
