"""EfficientNet-V2-S and the head that makes of it the semantic encoder of Stable Cascade."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import SignalError, UsageError

__all__ = ["EfficientNetEncoder", "FusedMBConv", "MBConv", "SqueezeExcitation", "efficientnet_features"]

STRIDE = 32  # pixels of the downscaled picture per row of the embedding
BN_EPS = 1e-3  # not torch's 1e-5
WIDTHS = (24, 24, 48, 64, 128, 160, 256)  # of the stem, then of each stage
DEPTHS = (2, 4, 4, 6, 9, 15)
FEATURES = 1280
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class _Stage(NamedTuple):
    block: Literal["fused", "mb"]
    expand: int
    stride: int


# Table 4 of the paper, without the widths and depths; every kernel is 3 x 3.
_STAGES = (
    _Stage("fused", 1, 1),
    _Stage("fused", 4, 2),
    _Stage("fused", 4, 2),
    _Stage("mb", 4, 2),
    _Stage("mb", 6, 1),
    _Stage("mb", 6, 2),
)


def _conv_norm(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: Literal["silu", "none"] = "silu",
) -> nn.Sequential:
    """Convolution, batch normalisation, activation; modules 0, 1 and 2 of the state dict."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=BN_EPS),
    ]
    if activation == "silu":
        layers.append(nn.SiLU(inplace=True))
    return nn.Sequential(*layers)


class SqueezeExcitation(nn.Module):
    """Weighs the channels by what the whole picture holds.

    Args:
        channels: Of the tensor.
        squeezed: Of the bottleneck.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``[b, channels, h, w]`` to the same."""
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(self.avgpool(x)))))


class _Residual(nn.Module):
    """Adds its input where the shape stays. Stochastic depth of training is left out: the encoder is never trained."""

    block: nn.Sequential

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``[b, inputs, h, w]`` to ``[b, outputs, h / stride, w / stride]``."""
        y: Tensor = self.block(x)
        return y + x if self.adds else y


def _expanded(channels: int, expand: int) -> int:
    """``channels * expand`` to the nearest multiple of eight, at least eight."""
    return max(8, (channels * expand + 4) // 8 * 8)


class FusedMBConv(_Residual):
    """Convolution 3 x 3 that expands, and one 1 x 1 that projects; a single 3 x 3 where nothing is expanded."""

    def __init__(self, inputs: int, outputs: int, expand: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        hidden = _expanded(inputs, expand)
        if hidden == inputs:
            self.block = nn.Sequential(_conv_norm(inputs, outputs, kernel=3, stride=stride))
        else:
            self.block = nn.Sequential(
                _conv_norm(inputs, hidden, kernel=3, stride=stride),
                _conv_norm(hidden, outputs, activation="none"),
            )


class MBConv(_Residual):
    """Expansion 1 x 1, depthwise convolution 3 x 3, squeeze and excitation, projection 1 x 1."""

    def __init__(self, inputs: int, outputs: int, expand: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        hidden = _expanded(inputs, expand)
        layers: list[nn.Module] = [] if hidden == inputs else [_conv_norm(inputs, hidden)]
        layers += [
            _conv_norm(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            SqueezeExcitation(hidden, max(1, inputs // 4)),
            _conv_norm(hidden, outputs, activation="none"),
        ]
        self.block = nn.Sequential(*layers)


def efficientnet_features(
    *, widths: Sequence[int] = WIDTHS, depths: Sequence[int] = DEPTHS, features: int = FEATURES
) -> nn.Sequential:
    """Feature extractor of EfficientNet-V2-S; other widths and depths give small ones of the same classes.

    The names in its state dict are those of ``torchvision.models.efficientnet_v2_s().features``.

    Args:
        widths: Channels of the stem and of the six stages.
        depths: Blocks of the six stages.
        features: Channels at the end.

    Returns:
        A module from normalised pictures ``[b, 3, h, w]`` to ``[b, features, h / 32, w / 32]``, fractions rounded up.

    Raises:
        UsageError: the numbers are not seven widths and six depths, all positive.

    Source: Tan, Le: EfficientNetV2: Smaller Models and Faster Training, 2021, Table 4.
    """
    stages = len(_STAGES)
    if len(widths) != stages + 1 or len(depths) != stages or min(*widths, *depths, features) < 1:
        raise UsageError(
            f"efficientnet: expected {stages + 1} widths, {stages} depths and features, all at least 1, "
            f"got widths {tuple(widths)}, depths {tuple(depths)}, features {features}"
        )
    layers: list[nn.Module] = [_conv_norm(3, widths[0], kernel=3, stride=2)]
    inputs = widths[0]
    for stage, outputs, depth in zip(_STAGES, widths[1:], depths, strict=True):
        make = FusedMBConv if stage.block == "fused" else MBConv
        blocks: list[nn.Module] = []
        for index in range(depth):
            blocks.append(make(inputs, outputs, stage.expand, stage.stride if index == 0 else 1))
            inputs = outputs
        layers.append(nn.Sequential(*blocks))
    layers.append(_conv_norm(inputs, features))
    for module in layers:
        module.apply(_initialise)
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class EfficientNetEncoder(nn.Module):
    """Semantic encoder: a picture to the embedding that is sent.

    The picture is made smaller, goes through EfficientNet-V2-S, and a linear head with a fixed normalisation brings
    every channel to zero mean and unit variance over the pictures it was trained on. The names in the state dict are
    those of the file ``effnet_encoder.safetensors`` of Stable Cascade.

    It is frozen in this system: it stays in evaluation mode whatever `train` says, so that the statistics of its
    normalisations never move.

    Args:
        channels: Of the embedding.
        downscale: Factor that the sides of the picture are multiplied with before it is encoded, at most 1.
        widths: See `efficientnet_features`.
        depths: See there.
        features: See there.

    Raises:
        UsageError: a size is out of range.

    Source: Stability-AI/StableCascade, modules/effnet.py; the factor 0.75: abilalk02/D-SIC, train_dsic.py.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        channels: int = 16,
        downscale: float = 0.75,
        widths: Sequence[int] = WIDTHS,
        depths: Sequence[int] = DEPTHS,
        features: int = FEATURES,
    ) -> None:
        super().__init__()
        if channels < 1 or not 0 < downscale <= 1:
            raise UsageError(
                f"efficientnet: expected at least 1 channel and a downscale above 0, at most 1, "
                f"got {channels} channels, downscale {downscale}"
            )
        self.channels = channels
        self.downscale = Fraction(downscale).limit_denominator(1000)
        self.backbone = efficientnet_features(widths=widths, depths=depths, features=features)
        self.mapper = nn.Sequential(
            nn.Conv2d(features, channels, 1, bias=False), nn.BatchNorm2d(channels, affine=False)
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.train()

    def train(self, mode: bool = True) -> EfficientNetEncoder:  # noqa: FBT001, FBT002 - nn.Module's signature
        """Stay in evaluation mode; ``mode`` changes nothing."""
        super().train(mode=False)
        return self

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the embedding of a picture of so many pixels.

        Raises:
            SignalError: the picture is too small for one row and one column.
        """
        # in whole numbers, which an exporter can follow where height and width are unknown
        top, bottom = self.downscale.as_integer_ratio()
        rows, columns = (side * top // (bottom * STRIDE) for side in (height, width))
        if rows < 1 or columns < 1:
            least = -(-STRIDE * bottom // top)
            raise SignalError(
                f"efficientnet: a picture of {height} x {width} pixels is too small for an embedding; "
                f"expected at least {least} x {least} where pictures are scaled by {float(self.downscale):g}"
            )
        return rows, columns

    def forward(self, images: Tensor) -> Tensor:
        """Embed pictures.

        Args:
            images: Floating ``[b, 3, h, w]``, 0 to 1, RGB.

        Returns:
            ``[b, channels, rows, columns]``; see `grid`.

        Raises:
            SignalError: another shape or type, or a picture that is too small.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise SignalError(
                f"efficientnet: expected floating [b, 3, h, w] in 0 to 1, got {images.dtype} {list(images.shape)}"
            )
        height, width = images.shape[-2:]
        rows, columns = self.grid(height, width)
        size = (STRIDE * rows, STRIDE * columns)
        if size != (height, width):
            images = F.interpolate(images, size=size, mode="nearest")
        embedding: Tensor = self.mapper(self.backbone((images - self.mean) / self.std))
        return embedding
