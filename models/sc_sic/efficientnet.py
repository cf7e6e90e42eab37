"""EfficientNet-V2-S and the head that makes of it the semantic encoder of Stable Cascade."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import SignalError, UsageError

__all__ = ["EfficientNetEncoder", "FusedMBConv", "MBConv", "SqueezeExcitation", "efficientnet_features"]

STRIDE = 32  # pixels of the downscaled picture per row of the embedding
BN_EPS = 1e-3  # not torch's 1e-5
STEM, FEATURES = 24, 1280  # channels at the beginning and at the end
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class _Stage(NamedTuple):
    block: Literal["fused", "mb"]
    expand: int
    stride: int
    width: int
    depth: int


# Table 4 of the paper; every kernel is 3 x 3.
_STAGES = (
    _Stage("fused", 1, 1, 24, 2),
    _Stage("fused", 4, 2, 48, 4),
    _Stage("fused", 4, 2, 64, 4),
    _Stage("mb", 4, 2, 128, 6),
    _Stage("mb", 6, 1, 160, 9),
    _Stage("mb", 6, 2, 256, 15),
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
    """Adds its input where the shape stays. Stochastic depth of training is left out: published weights stay frozen."""

    block: nn.Sequential

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``[b, inputs, h, w]`` to ``[b, outputs, h / stride, w / stride]``."""
        y: Tensor = self.block(x)
        return y + x if self.adds else y


def _eights(channels: float) -> int:
    """The nearest multiple of eight, at least eight, and no less than 0.9 of ``channels``."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


class FusedMBConv(_Residual):
    """Convolution 3 x 3 that expands, and one 1 x 1 that projects; a single 3 x 3 where nothing is expanded."""

    def __init__(self, inputs: int, outputs: int, expand: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        hidden = inputs * expand
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
        hidden = inputs * expand
        layers: list[nn.Module] = [] if hidden == inputs else [_conv_norm(inputs, hidden)]
        layers += [
            _conv_norm(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            SqueezeExcitation(hidden, max(1, inputs // 4)),
            _conv_norm(hidden, outputs, activation="none"),
        ]
        self.block = nn.Sequential(*layers)


def efficientnet_features(*, width: float = 1.0, depth: float = 1.0) -> nn.Sequential:
    """Feature extractor of EfficientNet-V2-S; below 1, width and depth give small ones of the same classes.

    The names in its state dict are those of ``torchvision.models.efficientnet_v2_s().features``.

    Args:
        width: Times the channels of every stage, rounded to multiples of eight.
        depth: Times the blocks of every stage, rounded up.

    Returns:
        A module from normalised pictures ``[b, 3, h, w]`` to ``[b, 1280 width, h / 32, w / 32]``, fractions rounded up.

    Raises:
        UsageError: a factor is not above 0 and at most 1.

    Source: Tan, Le: EfficientNetV2: Smaller Models and Faster Training, 2021, Table 4.
    """
    if not (0 < width <= 1 and 0 < depth <= 1):
        raise UsageError(f"efficientnet: expected width and depth above 0, at most 1, got {width} and {depth}")
    inputs = _eights(STEM * width)
    layers: list[nn.Module] = [_conv_norm(3, inputs, kernel=3, stride=2)]
    for stage in _STAGES:
        make = FusedMBConv if stage.block == "fused" else MBConv
        outputs, blocks = _eights(stage.width * width), list[nn.Module]()
        for index in range(math.ceil(stage.depth * depth)):
            blocks.append(make(inputs, outputs, stage.expand, stage.stride if index == 0 else 1))
            inputs = outputs
        layers.append(nn.Sequential(*blocks))
    layers.append(_conv_norm(inputs, _eights(FEATURES * width)))
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

    The published one is frozen in this system. Also one that learns stays in evaluation mode, whatever `train` says, so
    that the statistics of its normalisations never move.

    Args:
        channels: Of the embedding.
        downscale: Factor that the sides of the picture are multiplied with before it is encoded, at most 1.
        width: See `efficientnet_features`.
        depth: See there.

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
        width: float = 1.0,
        depth: float = 1.0,
    ) -> None:
        super().__init__()
        if channels < 1:
            raise UsageError(f"efficientnet: expected at least 1 channel, got {channels}")
        self.channels, self.downscale = channels, downscale
        _ratio(downscale)
        self.backbone = efficientnet_features(width=width, depth=depth)
        features = _eights(FEATURES * width)
        self.mapper = nn.Sequential(
            nn.Conv2d(features, channels, 1, bias=False), nn.BatchNorm2d(channels, affine=False)
        )
        self.set_constants()
        self.train()

    def set_constants(self) -> None:
        """Make what no file holds: for a network that was built on the device meta."""
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> EfficientNetEncoder:  # noqa: FBT001, FBT002 - nn.Module's signature
        """Stay in evaluation mode; ``mode`` changes nothing."""
        super().train(mode=False)
        return self

    def grid(self, height: int, width: int, downscale: float | None = None) -> tuple[int, int]:
        """Rows and columns of the embedding of a picture of so many pixels.

        Args:
            height: Of the picture.
            width: Of the picture.
            downscale: In place of the encoder's own.

        Raises:
            SignalError: the picture is too small for one row and one column.
            UsageError: ``downscale`` is out of range.
        """
        factor = self.downscale if downscale is None else downscale
        top, bottom = _ratio(factor)
        rows, columns = (side * top // (bottom * STRIDE) for side in (height, width))
        if rows < 1 or columns < 1:
            least = -(-STRIDE * bottom // top)
            raise SignalError(
                f"efficientnet: a picture of {height} x {width} pixels is too small for an embedding; "
                f"expected at least {least} x {least} where pictures are scaled by {factor:g}"
            )
        return rows, columns

    def forward(self, images: Tensor, downscale: float | None = None) -> Tensor:
        """Embed pictures.

        Args:
            images: Floating ``[b, 3, h, w]``, 0 to 1, RGB.
            downscale: In place of the encoder's own; see `grid`.

        Returns:
            ``[b, channels, rows, columns]``; see `grid`.

        Raises:
            SignalError: another shape or type, or a picture that is too small. UsageError: see `grid`.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise SignalError(
                f"efficientnet: expected floating [b, 3, h, w] in 0 to 1, got {images.dtype} {list(images.shape)}"
            )
        height, width = images.shape[-2:]
        rows, columns = self.grid(height, width, downscale)
        size = (STRIDE * rows, STRIDE * columns)
        if size != (height, width):
            images = F.interpolate(images, size=size, mode="nearest")
        embedding: Tensor = self.mapper(self.backbone((images - self.mean) / self.std))
        return embedding


def _ratio(downscale: float) -> tuple[int, int]:
    """Numerator and denominator: an exporter can follow whole numbers where height and width are unknown."""
    if not 0 < downscale <= 1:
        raise UsageError(f"efficientnet: expected a downscale above 0, at most 1, got {downscale}")
    return Fraction(downscale).limit_denominator(1000).as_integer_ratio()
