"""The paper's transmitter and receiver: learned latents, and MLLA blocks with a linear layer for each rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..deepjscc.adaptive import to_grid
from ..patch_rates.allocation import sent_mask
from ..patch_rates.rate_map import LEVELS, PATCH
from ..patch_rates.told import Told
from .backbone import Understood
from .config import NtcBackbone
from .mlla import MllaBlock, RateLinear
from .transforms import Analysis, ContextPyramid

__all__ = ["NtcJscc"]


class _Mlp(nn.Sequential):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class NtcJscc(nn.Module):
    """Latents y of a nonlinear transform, sent by f_e, received by f_d, and spread over the scales by g_s.

    There is no estimate before the denoiser: it starts at mid-grey and is spread over the whole range.

    Args:
        config: Sizes.

    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025.
    """

    has_estimate = False

    def __init__(self, config: NtcBackbone) -> None:
        super().__init__()
        self.config = config
        width, rates = config.widths[-1], len(LEVELS)
        if width != LEVELS[-1]:
            raise ValueError(f"backbone: expected {LEVELS[-1]} latents a patch, got {width}")
        self.analysis = Analysis(config.widths)
        self.pyramid = ContextPyramid(config.widths, config.context_width)
        self.context_widths = tuple(reversed(self.pyramid.widths))
        self.enter = _Mlp(width, 8 * width)
        self.snr_in = nn.Linear(1, width)
        self.token_in = nn.Parameter(torch.zeros(rates, width))
        self.encoder = nn.ModuleList(MllaBlock(width, config.heads, config.mlp_ratio) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.rate_out = RateLinear(rates, width, width)
        self.rate_in = RateLinear(rates, width, width)
        self.snr_out = nn.Linear(1, width)
        self.token_out = nn.Parameter(torch.zeros(rates, width))
        self.decoder = nn.ModuleList(MllaBlock(width, config.heads, config.mlp_ratio) for _ in range(config.blocks))
        for told in (self.snr_in, self.snr_out):
            nn.init.zeros_(told.weight)
            nn.init.zeros_(told.bias)

    def stacks(self) -> list[nn.Module]:
        """None: they are told sizes beside tensors."""
        return []

    def latents(self, images: Tensor, esn0_db: Tensor) -> Tensor:
        """The transform of the picture in [-1, 1]."""
        out: Tensor = self.analysis(images * 2 - 1)
        return out

    def send(self, images: Tensor, y: Tensor, told: Told) -> Tensor:
        """f_e: latents to masked features."""
        height, width = told.levels.shape[1:]
        levels = told.levels.flatten(1)
        x = y.flatten(2).transpose(1, 2)
        x = x + self.enter(x) + self.token_in[levels] + self.snr_in(told.esn0_db[:, None, None] / 10 - 1)
        for block in self.encoder:
            x = block(x, height, width)
        features: Tensor = self.rate_out(self.norm(x), levels).float() * sent_mask(levels)
        return features

    def receive(self, received: Tensor, n0: Tensor, told: Told) -> Understood:
        """f_d and g_s: features to context."""
        levels = told.levels.flatten(1)
        mask = sent_mask(levels)
        heard = torch.log10(n0.clamp(min=1e-3)).mul(mask).sum(2, keepdim=True) / mask.sum(2, keepdim=True)
        x = self.rate_in(received / (1 + n0) * mask, levels) + self.token_out[levels] + self.snr_out(-heard - 1)
        for block in self.decoder:
            x = block(x, *told.levels.shape[1:])
        return self.understood(to_grid(x, *told.levels.shape[1:]))

    def understood(self, latents: Tensor) -> Understood:
        """Context of latents, received or handed over."""
        frames, _, height, width = latents.shape
        grey = latents.new_full((frames, 3, height * PATCH, width * PATCH), 0.5, dtype=torch.float32)
        return Understood(grey, grey.new_full((frames, 1, height, width), 0.5), self.pyramid(latents))
