"""LPIPS on VGG16, from two files of weights that the user has."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import MissingExtra, SignalError, WeightsError

__all__ = ["SMALLEST_SIDE", "Lpips"]

SMALLEST_SIDE = 16  # of the picture: four pools by 2
_STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # convolutions, as torchvision numbers them
_CHANNELS = (64, 128, 256, 512, 512)
_MEAN, _DEVIATION = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of pictures in [-1, 1]


class Lpips(nn.Module):
    r"""Learned perceptual image patch similarity, version 0.1, on VGG16.

    .. math:: d(a, b) = \sum_{l=1}^5 \frac{1}{H_l W_l} \sum_{i,j} \sum_c
              w_{lc} \left( \hat\phi_{lc}(a)_{ij} - \hat\phi_{lc}(b)_{ij} \right)^2

    Features are those after relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3, at unit length over channels. 0 for equal
    pictures; larger is farther. Frozen; gradients flow into ``a`` alone.

    Args:
        vgg16: torchvision's state dict of VGG16 (``features.0.weight`` and so on), ``.pth`` or ``.safetensors``.
        linear: LPIPS's linear weights for VGG (``lin0.model.1.weight`` and so on); those that torchmetrics brings if
            not said.

    Raises:
        WeightsError: a file is missing, is no file of weights, or lacks an array.
        MissingExtra: torchmetrics is not installed, and no linear weights are given.

    Source: Zhang, Isola, Efros, Shechtman & Wang, CVPR 2018.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, vgg16: Path, linear: Path | None = None) -> None:
        super().__init__()
        found, channels = _read(vgg16), 3
        for stage, width in zip(_STAGES, _CHANNELS, strict=True):
            for index in stage:
                weight = _take(vgg16, found, f"features.{index}.weight", (width, channels, 3, 3))
                bias = _take(vgg16, found, f"features.{index}.bias", (width,))
                weight = weight.contiguous(memory_format=torch.channels_last)
                self.register_buffer(f"weight{index}", weight, persistent=False)
                self.register_buffer(f"bias{index}", bias, persistent=False)
                channels = width
        path = _torchmetrics_linear() if linear is None else linear
        found = _read(path)
        for number, width in enumerate(_CHANNELS):
            row = _take(path, found, f"lin{number}.model.1.weight", (1, width, 1, 1))
            self.register_buffer(f"lin{number}", row, persistent=False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def features(self, images: Tensor) -> list[Tensor]:
        """Activations at the end of each stage, of RGB pictures ``[b, 3, h, w]`` in [0, 1]."""
        x = ((images * 2 - 1 - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        found = []
        for number, stage in enumerate(_STAGES):
            x = F.max_pool2d(x, 2) if number else x
            for index in stage:
                x = F.relu(F.conv2d(x, self.get_buffer(f"weight{index}"), self.get_buffer(f"bias{index}"), padding=1))
            found.append(x)
        return found

    def unit_features(self, images: Tensor) -> list[Tensor]:
        """`features` at unit length."""
        return [_unit(x) for x in self.features(images)]

    def apart(self, a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Distances ``[b]`` of two batches of `unit_features`."""
        terms = []
        for stage, (x, y) in enumerate(zip(a, b, strict=True)):
            terms.append(((x - y).square() * self.get_buffer(f"lin{stage}")).sum(1).mean((1, 2)))
        return torch.stack(terms).sum(0)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances ``[b]`` of two batches of pictures.

        Args:
            a: float ``[b, 3, h, w]``, RGB in [0, 1], h and w at least 16; gradients flow into it.
            b: The same, the reference.

        Raises:
            SignalError: not two such batches of one shape.
        """
        if a.ndim != 4 or a.shape != b.shape or a.shape[1] != 3 or min(a.shape[2:]) < SMALLEST_SIDE:
            raise SignalError(
                f"lpips: expected two batches [b, 3, h, w] of one shape, sides at least {SMALLEST_SIDE}, "
                f"got {list(a.shape)} and {list(b.shape)}"
            )
        with torch.no_grad():
            reference = self.unit_features(b)
        return self.apart(self.unit_features(a), reference)


def _unit(x: Tensor) -> Tensor:
    """Feature vectors at unit length."""
    x = x.float()
    return x * (x.square().sum(1, keepdim=True) + 1e-8).rsqrt()


def _torchmetrics_linear() -> Path:
    """The linear weights inside torchmetrics, without the seconds of its import."""
    spec = importlib.util.find_spec("torchmetrics")
    if spec is None or spec.origin is None:
        raise MissingExtra("LPIPS", "torchmetrics", "models")
    return Path(spec.origin).parent / "functional" / "image" / "lpips_models" / "vgg.pth"


def _read(path: Path) -> dict[str, Tensor]:
    """A state dict; of pickles only tensors are let in."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return dict(load(path.read_bytes()))
        with path.open("rb") as file:
            return dict(torch.load(file, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, ValueError, TypeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"{path}: expected a state dict, .pth or .safetensors: {reason}") from None
    except Exception as error:
        if type(error).__name__ == "SafetensorError":  # safetensors' own class derives from Exception alone
            raise WeightsError(f"{path}: expected a state dict, .pth or .safetensors: {error}") from None
        raise


def _take(path: Path, found: dict[str, Tensor], name: str, shape: tuple[int, ...]) -> Tensor:
    """An array of a state dict."""
    value = found.get(name)
    if not isinstance(value, Tensor) or value.shape != shape:
        got = f"{list(value.shape)}" if isinstance(value, Tensor) else "none"
        raise WeightsError(
            f"{path}: {name}: expected {list(shape)}, got {got}; give torchvision's VGG16 and LPIPS's weights for it"
        )
    return value.detach().float()
