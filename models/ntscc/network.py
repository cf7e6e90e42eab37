"""NTSCC: transform, entropy model and the code over the channel, in the pieces that the two ends run."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deepjscc.adaptive import FLOOR, to_grid
from ..deepjscc.linear import Klt, lmmse_weight
from ..deepjscc.modulated import ModulatedStack
from ..effective_esn0 import effective_esn0_db_of_sent
from ..patch_rates.allocation import counts_on, sent_mask, shares_of
from ..patch_rates.hyperprior import Entropy
from ..patch_rates.rate_map import ETAS, LEVELS, PATCH
from ..patch_rates.told import Told
from .config import NtsccConfig, Part
from .context import ContextPrior

__all__ = ["Analysis", "Code", "Ntscc", "Received", "Synthesis", "part_of"]

TOLD = 3  # Es/N0 as reckoned and as met, and the frame's mean rate
COUNT = LEVELS[-1]


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    """A layer that adds nothing before training."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class Received(NamedTuple):
    """A picture, and what the receiver's networks made it of."""

    picture: Tensor  # [b, 3, H, W], not clipped
    features: tuple[Tensor, ...]  # at 1/4, 1/8 and 1/16 of the resolution, of `NtsccConfig.widths` channels


class Analysis(nn.Module):
    """g_a: what convolutions at 1/4, 1/8 and 1/16 of the resolution add to the components of each patch."""

    def __init__(self, config: NtsccConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.widths
        self.enter = nn.Conv2d(3 * 4 * 4, fine, 1)
        self.stacks = nn.ModuleList(
            ModulatedStack(1, config.condition_width, blocks, width)
            for blocks, width in zip(config.analysis_blocks, config.widths, strict=True)
        )
        self.down = nn.ModuleList([nn.Conv2d(fine, middle, 2, stride=2), nn.Conv2d(middle, coarse, 2, stride=2)])
        self.leave = _silent(nn.Conv2d(coarse, COUNT, 1))

    def forward(self, centred: Tensor, esn0_db: Tensor) -> Tensor:
        """Pictures less their mean ``[b, 3, H, W]`` and Es/N0 in dB ``[b]`` to ``[b, 256, H / 16, W / 16]``."""
        condition = esn0_db[:, None] / 10 - 1
        x = self.stacks[0](self.enter(F.pixel_unshuffle(centred, 4)), condition)
        for down, stack in zip(self.down, self.stacks[1:], strict=True):
            x = stack(down(x), condition)
        out: Tensor = self.leave(x)
        return out


class Code(nn.Module):
    """f_e or f_d, before their last layers: blocks over patches that know each patch's level."""

    def __init__(self, config: NtsccConfig, blocks: int) -> None:
        super().__init__()
        width = config.widths[-1]
        self.token = nn.Parameter(torch.zeros(len(LEVELS), width))
        self.enter = nn.Conv2d(COUNT, width, 1)
        self.stack = ModulatedStack(TOLD, config.condition_width, blocks, width)

    def forward(self, rows: Tensor, told: Told, condition: Tensor) -> Tensor:
        """``[b, n, 256]`` of about unit variance to ``[b, width, h, w]``."""
        x = self.enter(to_grid(rows, *told.levels.shape[1:])) + self.token[told.levels].permute(0, 3, 1, 2)
        out: Tensor = self.stack(x, condition)
        return out


class Synthesis(nn.Module):
    """g_s: what convolutions at 1/8 and 1/4 add to the picture that the basis gives."""

    def __init__(self, config: NtsccConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.widths
        self.up = nn.ModuleList([nn.Conv2d(coarse, 4 * middle, 1), nn.Conv2d(middle, 4 * fine, 1)])
        self.look = nn.ModuleList([nn.Conv2d(3 * 8 * 8, middle, 1), nn.Conv2d(3 * 4 * 4, fine, 1)])
        blocks = config.synthesis_blocks
        self.stacks = nn.ModuleList(
            [
                ModulatedStack(TOLD, config.condition_width, blocks[1], middle),
                ModulatedStack(TOLD, config.condition_width, blocks[0], fine),
            ]
        )
        self.leave = _silent(nn.Conv2d(fine, 3 * 4 * 4, 1))

    def forward(self, x: Tensor, linear: Tensor, condition: Tensor) -> Received:
        """What f_d knows ``[b, width, h, w]`` and the picture ``[b, 3, 16 h, 16 w]`` to what is added to that."""
        features = [x]
        for side, up, look, stack in zip((8, 4), self.up, self.look, self.stacks, strict=True):
            x = stack(F.pixel_shuffle(up(x), 2) + look(F.pixel_unshuffle(linear, side)), condition)
            features.append(x)
        return Received(F.pixel_shuffle(self.leave(x), 4).float() * 0.25, tuple(reversed(features)))


class Ntscc(nn.Module):
    r"""Latents whose entropy sets the rate of each patch, sent over the channel as they are.

    .. math:: y = g_a(x), \quad h_i = -\sum_j \log_2 P(\lceil y_{ij} \rfloor \mid z, c_{ij}), \quad
        k_i = Q(\eta h_i), \quad s_i = f_e(y_i; k_i, \mathrm{SNR}), \quad
        \hat x = g_s(f_d(\hat s; k, \mathrm{SNR}))

    z is the hyperprior, c the context. Neither is sent: the receiver is told the levels alone. Beside each network
    stands a linear code of the patches' KLT, whose power is shared out among all components of all patches by what
    patches of their levels have; before training the networks add nothing to it.

    Args:
        config: Sizes.

    State:   none.
    Source:  Dai et al., Nonlinear transform source-channel coding for semantic communications, IEEE JSAC 2022; Wang
             et al., Improved nonlinear transform source-channel coding, IEEE JSTSP 2023. The linear code beside it is
             this project's.
    """

    log_variance: Tensor

    def __init__(self, config: NtsccConfig) -> None:
        super().__init__()
        self.config = config
        width = config.widths[-1]
        self.klt = Klt(PATCH, COUNT)
        self.register_buffer("log_variance", torch.zeros(len(ETAS), len(LEVELS), COUNT))
        self.analysis = Analysis(config)
        self.prior = ContextPrior(config)
        self.encoder, self.decoder = Code(config, config.encoder_blocks), Code(config, config.decoder_blocks)
        self.sent = _silent(nn.Conv2d(width, COUNT, 1))
        self.understood = _silent(nn.Conv2d(width, COUNT, 1))
        self.synthesis = Synthesis(config)

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Take the basis from sample patches ``[n, 3, 16, 16]`` in [0, 1]."""
        self.klt.fit(patches)

    def latents(self, images: Tensor, esn0_db: Tensor) -> Tensor:
        """Latents ``[b, 256, h, w]`` in quantiser steps, of images ``[b, 3, 16 h, 16 w]`` in [0, 1]."""
        centred, klt = self.klt.centred(images), self.klt
        with torch.autocast(images.device.type, enabled=False):
            components = klt(centred)  # [b, n, 256]
        added = self.analysis(centred, esn0_db).float().flatten(2).transpose(1, 2)
        rows = (components + added * klt.variance.sqrt()) / self.config.step
        y: Tensor = to_grid(rows, images.shape[2] // PATCH, images.shape[3] // PATCH)
        return y

    def entropy(
        self, images: Tensor, esn0_db: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Entropy]:
        """Latents, and what they would cost; the entropy model learns of the cost, the transform does not.

        A frame has as many uses whatever its latents cost, so that only how costs differ among patches matters.
        """
        y = self.latents(images, esn0_db)
        return y, self.prior(y.detach(), generator)

    def _condition(self, told: Told, heard_db: Tensor) -> Tensor:
        mean = counts_on(heard_db.device)[told.levels].float().mean((1, 2))
        return torch.stack([told.esn0_db / 10 - 1, heard_db / 10 - 1, torch.log2(mean / 64)], 1)

    def send(self, y: Tensor, told: Told) -> Tensor:
        """Features by rank ``[b, n, 256]``; those that a patch does not send are zero."""
        variance, power = shares_of(self.log_variance, told)
        mask = sent_mask(told.levels.flatten(1))
        rows = y.flatten(2).transpose(1, 2) * (self.config.step / variance.sqrt())  # about unit variance
        x = self.encoder(rows.clamp(-8, 8), told, self._condition(told, told.esn0_db))
        added = self.sent(x).flatten(2).transpose(1, 2).float()
        features: Tensor = (rows * power.sqrt() + (power + FLOOR).sqrt() * added) * mask
        return features

    def receive(self, received: Tensor, n0: Tensor, told: Told) -> Tensor:
        """Received features, their noise variances at unit power ``[b, n, 256]`` to ``[b, 3, H, W]``, not clipped."""
        return self.receive_with(shares_of(self.log_variance, told), received, n0, told).picture

    def receive_with(self, shares: tuple[Tensor, Tensor], received: Tensor, n0: Tensor, told: Told) -> Received:
        """As `receive`, where `shares_of` is known already; and with features."""
        height, width = told.levels.shape[1:]
        variance, power = shares
        mask = sent_mask(told.levels.flatten(1))
        condition = self._condition(told, effective_esn0_db_of_sent(n0, mask))
        floor = power + FLOOR
        x = self.decoder(received * floor.sqrt() / (floor + n0) * mask, told, condition)
        missed = self.understood(x).flatten(2).transpose(1, 2).float() * variance.sqrt()
        with torch.autocast(received.device.type, enabled=False):
            components = received * lmmse_weight(variance, power, n0) * mask + missed
            linear = self.klt.inverse(components, height * PATCH, width * PATCH)
        added: Received = self.synthesis(x, linear, condition)
        return added._replace(picture=linear + added.picture + self.klt.mean.view(1, 3, 1, 1))


def part_of(name: str) -> Part:
    """Return which part of the network a parameter belongs to."""
    head = name.partition(".")[0]
    return "entropy" if head == "prior" else "basis" if head == "klt" else "code"
