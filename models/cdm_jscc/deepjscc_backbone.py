"""A DeepJSCC network made rate-adaptive: each patch sends what the rate map says, with power to fit."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deepjscc.adaptive import CONDITIONS, FLOOR, AdaptiveJscc, to_grid
from ..deepjscc.linear import lmmse_weight
from ..deepjscc.rates import RATES
from ..effective_esn0 import effective_esn0_db_of_sent
from ..patch_rates.allocation import counts_on, sent_mask, shares_of
from ..patch_rates.expected_error import expected_rms_error
from ..patch_rates.rate_map import ETAS, LEVELS
from ..patch_rates.told import Told
from .backbone import Understood
from .config import DeepJsccBackbone
from .mlla import MllaBlock, RateLinear

__all__ = ["RateAdaptiveDeepJscc"]


class _Patches(nn.Module):
    """MLLA blocks over patches, between a layer in and a layer of each rate; adds nothing before training."""

    def __init__(self, config: DeepJsccBackbone, inputs: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(len(LEVELS), config.width))
        self.enter = nn.Linear(inputs, config.width)
        self.blocks = nn.ModuleList(
            MllaBlock(config.width, config.heads, config.mlp_ratio) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, rows: Tensor, told: Told) -> Tensor:
        height, width = told.levels.shape[1:]
        x = self.enter(rows) + self.token[told.levels.flatten(1)]
        for block in self.blocks:
            x = block(x, height, width)
        out: Tensor = self.norm(x)
        return out


class RateAdaptiveDeepJscc(nn.Module):
    """Encoder and decoder of a DeepJSCC network with a rate and a power for each patch.

    A patch of level l has variances of its own, known to both ends from training pictures: a busy patch sends more
    components and each with more power. Before training it is the linear code of the KLT with that allocation, plus
    what the DeepJSCC network's own convolutions add.

    Args:
        config: Sizes.

    State:   none.
    """

    has_estimate = True
    log_variance: Tensor

    def __init__(self, config: DeepJsccBackbone) -> None:
        super().__init__()
        self.config, self.step = config, config.step
        self.base = AdaptiveJscc(config.network)
        count, hidden = LEVELS[-1], config.network.width
        if self.base.klt.count != count or config.network.patch != 16:
            raise ValueError(f"backbone: expected patches of 16 pixels and {count} components")
        self.context_widths = (0, hidden, config.width)
        self.register_buffer("log_variance", torch.zeros(len(ETAS), len(LEVELS), count))
        self.look = nn.Conv2d(hidden, config.width, 2, stride=2)
        self.encoder = _Patches(config, count + config.width)
        self.rate_out = RateLinear(len(LEVELS), config.width, count, start="zero")
        self.rate_in = RateLinear(len(LEVELS), count, config.width)
        self.decoder = _Patches(config, config.width)
        self.widen = nn.Linear(config.width, 4 * hidden)
        nn.init.zeros_(self.widen.weight)
        nn.init.zeros_(self.widen.bias)

    def stacks(self) -> list[nn.Module]:
        """Those of the DeepJSCC network."""
        return [self.base.encoder.stack, self.base.decoder.stack]

    def latents(self, images: Tensor, esn0_db: Tensor) -> Tensor:
        """KLT components in quantiser steps."""
        klt = self.base.klt
        with torch.autocast(images.device.type, enabled=False):
            rows = klt(klt.centred(images)) / self.step
        return to_grid(rows, images.shape[2] // klt.patch, images.shape[3] // klt.patch)

    def _condition(self, told: Told, heard_db: Tensor) -> Tensor:
        """As `deepjscc.adaptive.condition_vector`; a mean rate between two of the four is a mixture of both."""
        mean = counts_on(told.levels.device)[told.levels].float().mean((1, 2))
        place = torch.log2(mean / 32).clamp(0, len(RATES) - 1)  # 32, 64, 128, 256 values a patch
        which = (1 - (place[:, None] - torch.arange(len(RATES), device=place.device)).abs()).clamp(min=0)
        condition = torch.cat([told.esn0_db[:, None] / 10 - 1, heard_db[:, None] / 10 - 1, which], 1)
        assert condition.shape[1] == CONDITIONS
        return condition

    def send(self, images: Tensor, y: Tensor, told: Told) -> Tensor:
        """Components scaled by their power, plus what the networks add to them."""
        base = self.base.encoder
        variance, power = shares_of(self.log_variance, told)
        mask = sent_mask(told.levels.flatten(1))
        rows = y.flatten(2).transpose(1, 2) * (self.step / variance.sqrt())  # about unit variance
        x = base.look(self.base.klt.centred(images), self._condition(told, told.esn0_db))
        seen = self.look(x).flatten(2).transpose(1, 2)
        tokens = self.encoder(torch.cat([rows.clamp(-8, 8).to(seen.dtype), seen], 2), told)
        added = base.leave(x).flatten(2).transpose(1, 2) + self.rate_out(tokens, told.levels.flatten(1))
        features: Tensor = (rows * power.sqrt() + (power + FLOOR).sqrt() * added.float()) * mask
        return features

    def receive(self, received: Tensor, n0: Tensor, told: Told) -> Understood:
        """LMMSE estimate of the components, plus what the networks add to the picture."""
        base, klt = self.base.decoder, self.base.klt
        height, width = told.levels.shape[1:]
        levels = told.levels.flatten(1)
        variance, power = shares_of(self.log_variance, told)
        mask = sent_mask(levels)
        with torch.autocast(received.device.type, enabled=False):
            weighted = received * lmmse_weight(variance, power, n0) * mask
            linear = klt.inverse(weighted, height * klt.patch, width * klt.patch)
        floor = power + FLOOR
        likely = received * floor.sqrt() / (floor + n0) * mask
        tokens = self.decoder(self.rate_in(likely, levels), told)
        grid = to_grid(likely, height, width).contiguous(memory_format=torch.channels_last)
        x = base.enter_features(grid) + to_grid(self.widen(tokens), height, width)
        heard_db = effective_esn0_db_of_sent(n0, mask)
        better, x = base.improve(linear, F.pixel_shuffle(x, 2), self._condition(told, heard_db))
        estimate = better + klt.mean.view(1, 3, 1, 1)
        spread = expected_rms_error(variance, power, n0, told)
        return Understood(estimate, spread, (None, x, to_grid(tokens, height, width)))
