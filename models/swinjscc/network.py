"""SwinJSCC: windows at several levels of resolution, and gates that know the Es/N0 and the rate.

Source: Yang et al., SwinJSCC: taming Swin Transformer for deep joint source-channel coding, IEEE TCCN 2024, with the
layers of the public code (semcomm/SwinJSCC, KeYang8/WITT). The linear code beside it is this project's.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deepjscc.linear import Klt, allot_power, lmmse_weight
from .modnet import ModNet
from .resolution import Merge, Spread
from .sizes import SwinConfig
from .swin_block import SwinStack

__all__ = ["Encoded", "SwinDecoder", "SwinEncoder", "SwinJscc"]

FLOOR = 0.1  # power that a component counts as having at least, where the windows scale by it
_DB, _COUNT = 10.0, 100.0  # units of what ModNets are told


class Encoded(NamedTuple):
    """What an encoder made of pictures.

    Attributes:
        features: ``[b, h, w, features]``, of which some channels are sent.
        strength: ``[b, features]``, the sum of each channel's gates.
    """

    features: Tensor
    strength: Tensor


class SwinEncoder(nn.Module):
    """Pictures to features, from the finest level to the coarsest."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        widths, last = config.widths, config.widths[-1]
        self.embed = nn.Conv2d(3, widths[0], config.patch, config.patch)
        self.merges = nn.ModuleList(Merge(a, b) for a, b in itertools.pairwise(widths))
        self.stacks = nn.ModuleList(
            SwinStack(width, depth, config.window, width // config.head_width, config.expansion)
            for width, depth in zip(widths, config.encoder_depths, strict=True)
        )
        self.norm = nn.LayerNorm(last)
        sizes = last, config.modnet_width, config.modnet_stages
        self.snr_modnet = ModNet(*sizes) if config.snr_modnet else None
        self.rate_modnet = ModNet(*sizes) if config.rate_modnet else None
        self.head = nn.Linear(last, config.head) if config.head else None

    def forward(self, images: Tensor, count: Tensor, esn0_db: Tensor) -> Encoded:
        """``[b, 3, h, w]``, features that a position sends ``[b]`` and Es/N0 in dB ``[b]``."""
        x = self.embed(images).permute(0, 2, 3, 1)
        x = self.stacks[0](x)
        for merge, stack in zip(self.merges, self.stacks[1:], strict=True):
            x = stack(merge(x))
        x = self.norm(x)
        if self.snr_modnet is not None:
            x = x * self.snr_modnet(x, esn0_db / _DB)
        strength = x.new_ones(x.shape[0], x.shape[3])
        if self.rate_modnet is not None:
            gates = self.rate_modnet(x, count / _COUNT)
            x, strength = x * gates, gates.float().sum((1, 2))
        if self.head is not None:
            x = self.head(x)
            strength = strength.new_ones(x.shape[0], x.shape[3])  # behind a layer the gates say nothing of features
        return Encoded(x, strength)


class SwinDecoder(nn.Module):
    """Features to pictures, from the coarsest level to the finest."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        widths = config.widths[::-1]
        self.head = nn.Linear(config.features, widths[0]) if config.head else None
        self.snr_modnet = ModNet(widths[0], config.modnet_width, config.modnet_stages) if config.snr_modnet else None
        self.stacks = nn.ModuleList(
            SwinStack(width, depth, config.window, width // config.head_width, config.expansion)
            for width, depth in zip(widths, config.decoder_depths[::-1], strict=True)
        )
        self.spreads = nn.ModuleList(Spread(a, b, 2) for a, b in itertools.pairwise(widths))
        self.leave = Spread(widths[-1], 3, config.patch)
        self.enter_picture = nn.Conv2d(3, widths[-1], config.patch, config.patch) if config.bypass == "klt" else None

    def forward(self, features: Tensor, esn0_db: Tensor, linear: Tensor | None = None) -> Tensor:
        """``[b, h, w, features]`` and Es/N0 in dB ``[b]``, perhaps a first picture, to ``[b, 3, H, W]``."""
        x = features if self.head is None else self.head(features)
        if self.snr_modnet is not None:
            x = x * self.snr_modnet(x, esn0_db / _DB)
        for stack, spread in zip(self.stacks[:-1], self.spreads, strict=True):
            x = spread(stack(x))
        if self.enter_picture is not None and linear is not None:
            x = x + self.enter_picture(linear).permute(0, 2, 3, 1)
        out: Tensor = self.leave(self.stacks[-1](x)).permute(0, 3, 1, 2)
        return out


class SwinJscc(nn.Module):
    """Both ends.

    With a linear code beside them, the windows add to its components before it sends them, and to its picture behind;
    before training they add nothing.

    Args:
        config: Sizes.

    State:   none.
    """

    mean: Tensor

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = SwinEncoder(config), SwinDecoder(config)
        self.klt = Klt(config.stride, config.features) if config.bypass == "klt" else None
        self.register_buffer("mean", torch.zeros(3))
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear) and "modnet" not in name:
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.encoder.head is not None and self.klt is not None:
            nn.init.zeros_(self.encoder.head.weight)
            nn.init.zeros_(self.decoder.leave.increase.weight)

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Take what has a closed form from sample patches ``[n, 3, stride, stride]`` in [0, 1]."""
        self.mean.copy_(patches.mean((0, 2, 3)))
        if self.klt is not None:
            self.klt.fit(patches)

    def encode(self, images: Tensor, count: Tensor, esn0_db: Tensor) -> Encoded:
        """Encode ``[b, 3, h, w]`` in [0, 1], sides multiples of the stride.

        Args:
            images: Those.
            count: Features that a position sends, ``[b]``.
            esn0_db: What the encoder reckons with, in dB, ``[b]``.
        """
        known_db = esn0_db.clamp(*self.config.esn0_db)
        centred = images - self.mean.view(1, 3, 1, 1)
        features, strength = self.encoder(centred, count, known_db)
        if self.klt is None:
            return Encoded(features.float(), strength)
        with torch.autocast(images.device.type, enabled=False):
            components = self.klt(self.klt.centred(images)).view(features.shape)
        power = self._power(count, esn0_db)
        whole = components * (power / self.klt.variance).sqrt() + (power + FLOOR).sqrt() * features.float()
        return Encoded(whole, strength)

    def chosen(self, encoded: Encoded, count: int) -> Tensor:
        """Channels that each frame sends, ``[b, count]``, rising: the first, or those of the greatest gates."""
        strength = encoded.strength
        if self.config.channels == "first":
            return torch.arange(count, device=strength.device).expand(strength.shape[0], count)
        order = strength.sort(dim=1, descending=True, stable=True).indices
        return order[:, :count].sort(1).values

    @staticmethod
    def sent(features: Tensor, channels: Tensor) -> Tensor:
        """Flat features of frames ``[b, n]``, position by position, of these channels of ``[b, h, w, features]``."""
        rows = features.flatten(1, 2)
        return rows.gather(2, channels[:, None].expand(-1, rows.shape[1], -1)).flatten(1)

    def placed(self, values: Tensor, channels: Tensor, rows: int, columns: int, fill: float) -> Tensor:
        """Undo `sent`: ``[b, n]`` to ``[b, rows, columns, features]``; what was not sent is ``fill``."""
        b, k = channels.shape
        whole = values.new_full((b, rows * columns, self.config.features), fill)
        whole = whole.scatter(2, channels[:, None].expand(-1, rows * columns, -1), values.view(b, -1, k))
        return whole.view(b, rows, columns, -1)

    def decode(self, features: Tensor, n0: Tensor, count: Tensor, told_db: Tensor, met_db: Tensor) -> Tensor:
        """Decode features as they came; what was not sent is zero.

        Args:
            features: ``[b, h, w, features]`` in the encoder's scale.
            n0: Noise variance per complex symbol, of the same shape; any positive number where nothing was sent.
            count: Features that a position sent, ``[b]``.
            told_db: What the encoder reckoned with, in dB, ``[b]``.
            met_db: What the receiver found, in dB, ``[b]``.

        Returns:
            ``[b, 3, H, W]`` about 0 to 1, not clipped.
        """
        known_db = met_db.clamp(*self.config.esn0_db)
        if self.klt is None:
            out: Tensor = self.decoder(features, known_db) + self.mean.view(1, 3, 1, 1)
            return out
        power = self._power(count, told_db)
        with torch.autocast(features.device.type, enabled=False):
            weighted = features * lmmse_weight(self.klt.variance, power, n0)
            linear = (weighted @ self.klt.synthesis).permute(0, 3, 1, 2)
            linear = F.pixel_shuffle(linear, self.config.stride)
        floor = power + FLOOR
        added = self.decoder(features * floor.sqrt() / (floor + n0), known_db, linear)
        out = linear + added.float() + self.klt.mean.view(1, 3, 1, 1)
        return out

    def _power(self, count: Tensor, esn0_db: Tensor) -> Tensor:
        """Of every component, ``[b, 1, 1, features]``, zero where it is not sent."""
        assert self.klt is not None
        return allot_power(self.klt.variance, 10 ** (-esn0_db / 10), count)[:, None, None]
