"""The shipped network: one model for every rate and SNR, a linear code with residual networks beside it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..effective_esn0 import effective_esn0_db
from .config import AdaptiveConfig
from .fine import FineIn, FineOut
from .linear import Klt, allot_power, lmmse_weight
from .modulated import ModulatedStack
from .rates import RATES, Rate, features_per_patch

__all__ = ["AdaptiveDecoder", "AdaptiveEncoder", "AdaptiveJscc", "condition_vector", "to_grid"]

FLOOR = 0.1  # power that a component counts as having at least, where the network scales by it
CONDITIONS = 2 + len(RATES)


def condition_vector(rate: Rate, first_db: Tensor, second_db: Tensor) -> Tensor:
    """What the networks are told: two SNRs around zero, and which rate."""
    which = torch.zeros(first_db.shape[0], len(RATES), dtype=first_db.dtype, device=first_db.device)
    which[:, RATES.index(rate)] = 1
    return torch.cat([first_db[:, None] / 10 - 1, second_db[:, None] / 10 - 1, which], 1)  # [b, CONDITIONS]


def to_grid(rows: Tensor, height: int, width: int) -> Tensor:
    """``[b, h * w, c]`` to ``[b, c, h, w]``."""
    return rows.transpose(1, 2).reshape(rows.shape[0], -1, height, width)


class AdaptiveEncoder(nn.Module):
    """KLT components scaled by their power, plus what a residual network adds to them."""

    def __init__(self, config: AdaptiveConfig, count: int) -> None:
        super().__init__()
        width, half = config.width, config.patch // 2
        self.patch, self.half_patch = config.patch, half
        self.enter = nn.Conv2d(3 * half * half, width, 1)
        self.fine = FineIn(config, CONDITIONS) if config.encoder_fine_blocks else None
        self.stack = ModulatedStack(CONDITIONS, config.condition_width, config.encoder_blocks, width)
        self.leave = nn.Conv2d(width, count, 2, stride=2)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, klt: Klt, images: Tensor, rate: Rate, esn0_db: Tensor) -> Tensor:
        """``[b, 3, h, w]`` in [0, 1] to features ``[b, n, k]``: ``k`` per patch, of about unit mean power."""
        k = features_per_patch(rate, self.patch)
        centred = klt.centred(images)
        with torch.autocast(images.device.type, enabled=False):
            components = klt(centred)[:, :, :k]
        variance = klt.variance[:k]
        power = allot_power(variance, 10 ** (-esn0_db / 10))[:, None]  # [b, 1, k]
        features: Tensor = components * (power / variance).sqrt()
        x = self.look(centred, condition_vector(rate, esn0_db, esn0_db))
        added = F.conv2d(x, self.leave.weight[:k].to(x.dtype), self.leave.bias[:k].to(x.dtype), stride=2)  # type: ignore[index]
        return features + (power + FLOOR).sqrt() * added.flatten(2).transpose(1, 2).float()

    def look(self, centred: Tensor, condition: Tensor) -> Tensor:
        """What the networks see in pictures less their mean: ``[b, width, h / half, w / half]``."""
        x: Tensor = self.enter(
            F.pixel_unshuffle(centred, self.half_patch).contiguous(memory_format=torch.channels_last)
        )
        if self.fine is not None:
            x = x + self.fine(centred, condition)
        out: Tensor = self.stack(x, condition)
        return out


class AdaptiveDecoder(nn.Module):
    """LMMSE estimate of the KLT components, plus what a residual network adds to the picture."""

    def __init__(self, config: AdaptiveConfig, count: int) -> None:
        super().__init__()
        width, half = config.width, config.patch // 2
        self.patch, self.half_patch = config.patch, half
        self.enter_picture = nn.Conv2d(3 * half * half, width, 1)
        self.enter_features = nn.Conv2d(count, 4 * width, 1)
        self.stack = ModulatedStack(CONDITIONS, config.condition_width, config.decoder_blocks, width)
        self.leave = nn.Conv2d(width, 3 * half * half, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]
        self.fine = FineOut(config, CONDITIONS) if config.decoder_fine_blocks else None

    def forward(
        self,
        klt: Klt,
        received: Tensor,
        n0: Tensor,
        rate: Rate,
        esn0_db: Tensor,
        height: int,
        width: int,
    ) -> Tensor:
        """Received features ``[b, n, k]`` and noise variances (at unit power) to images ``[b, 3, height, width]``.

        ``esn0_db`` is what the encoder was told: it fixes how the power was shared out.
        """
        variance = klt.variance[: received.shape[2]]
        power = allot_power(variance, 10 ** (-esn0_db / 10))[:, None]  # [b, 1, k]
        with torch.autocast(received.device.type, enabled=False):
            linear = klt.inverse(received * lmmse_weight(variance, power, n0), height, width)
        floor = power + FLOOR
        likely = received * floor.sqrt() / (floor + n0)  # about unit variance, less where the noise is strong
        grid = to_grid(likely, height // self.patch, width // self.patch).contiguous(memory_format=torch.channels_last)
        weight = self.enter_features.weight[:, : received.shape[2]]
        x = F.pixel_shuffle(F.conv2d(grid, weight, self.enter_features.bias), 2)  # [b, width, h / half, w / half]
        estimate, _ = self.improve(linear, x, condition_vector(rate, esn0_db, effective_esn0_db(n0.flatten(1))))
        return estimate + klt.mean.view(1, 3, 1, 1)

    def improve(self, linear: Tensor, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """What the networks make of a linear estimate.

        Args:
            linear: Pictures less their mean ``[b, 3, h, w]``, as LMMSE has them.
            features: What was received, spread to ``[b, width, h / half, w / half]``.
            condition: See `condition_vector`.

        Returns:
            Pictures of the same shape, and what the networks know of them, of the shape of ``features``.
        """
        picture = F.pixel_unshuffle(linear, self.half_patch).contiguous(memory_format=torch.channels_last)
        x = (self.enter_picture(picture) + features).contiguous(memory_format=torch.channels_last)
        x = self.stack(x, condition)
        estimate = linear + F.pixel_shuffle(self.leave(x), self.half_patch).float() * 0.25
        if self.fine is not None:
            estimate = estimate + self.fine(estimate, x, condition)
        return estimate, x


class AdaptiveJscc(nn.Module):
    """Encoder and decoder around one KLT.

    Each rate sends the first ``k`` feature channels of every patch; a feature's place in the frame is patch by patch,
    strongest first. Before training it is the linear code of the same KLT.

    Args:
        config: Sizes.

    State:   none.
    """

    def __init__(self, config: AdaptiveConfig) -> None:
        super().__init__()
        self.config = config
        self.rates: tuple[Rate, ...] = config.rates
        self.multiple = config.patch
        count = max(features_per_patch(rate, config.patch) for rate in config.rates)
        self.klt = Klt(config.patch, count)
        self.encoder = AdaptiveEncoder(config, count)
        self.decoder = AdaptiveDecoder(config, count)

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Start at the closed-form optimum for these sample patches ``[n, 3, patch, patch]`` in [0, 1]."""
        self.klt.fit(patches)
        half = self.config.patch // 2
        small = Klt(half, min(self.config.width, 3 * half * half))
        small.fit(patches[:, :, :half, :half])
        start = (
            small.analysis / (small.variance[:, None] * small.variance.mean()) ** 0.25
        )  # flattens the spectrum half-way
        for convolution in (self.encoder.enter, self.decoder.enter_picture):
            convolution.weight[: small.count, :, 0, 0] = start

    def encode(self, images: Tensor, rate: Rate, esn0_db: Tensor) -> Tensor:
        """Images ``[b, 3, h, w]`` to flat features ``[b, n]``; the caller brings each frame to unit power."""
        features: Tensor = self.encoder(self.klt, images, rate, esn0_db)
        return features.flatten(1)

    def decode(
        self,
        received: Tensor,
        n0: Tensor,
        rate: Rate,
        esn0_db: Tensor,
        height: int,
        width: int,
    ) -> Tensor:
        """Flat received features and noise variances ``[b, n]`` to images ``[b, 3, height, width]``, not clipped."""
        k = features_per_patch(rate, self.config.patch)
        out: Tensor = self.decoder(
            self.klt,
            received.reshape(received.shape[0], -1, k),
            n0.reshape(n0.shape[0], -1, k),
            rate,
            esn0_db,
            height,
            width,
        )
        return out
