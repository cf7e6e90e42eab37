"""A distance of pictures in the features of SqueezeNet: a perceptual loss for training. It is not LPIPS."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import SignalError, WeightsError

__all__ = ["SMALLEST_SIDE", "TAPS", "SqueezeNetDistance"]

SMALLEST_SIDE = 32  # of the picture: 13, 6, 3 and 1 features after conv1 and the three pools
TAPS = ("conv1", "fire3", "fire5", "fire7", "fire9")
_FIRES = {  # channels of the squeeze, and of each of the two expands
    "fire2": (96, 16, 64),
    "fire3": (128, 16, 64),
    "fire4": (128, 32, 128),
    "fire5": (256, 32, 128),
    "fire6": (256, 48, 192),
    "fire7": (384, 48, 192),
    "fire8": (384, 64, 256),
    "fire9": (512, 64, 256),
}
_POOL_AFTER = ("conv1", "fire4", "fire8")
_MEAN_BGR = (104.0, 117.0, 123.0)
_FLOOR = 1.0  # energy a feature vector counts as having at least: where all channels are near 0, noise would rule


class _Fire(nn.Module):
    """1 x 1 squeeze, then 1 x 1 and 3 x 3 expands side by side."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.conv1x1_1 = nn.Conv2d(channels, squeeze, 1)
        self.conv1x1_2 = nn.Conv2d(squeeze, expand, 1)
        self.conv3x3_2 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1x1_1(x))
        return F.relu(torch.cat([self.conv1x1_2(x), self.conv3x3_2(x)], 1))


class SqueezeNetDistance(nn.Module):
    r"""Mean squared distance of unit-length SqueezeNet features, at five depths.

    .. math:: d(a, b) = \frac15 \sum_l \frac{1}{H_l W_l} \sum_{i,j}
              \left\| \frac{\phi_l(a)_{ij}}{\|\phi_l(a)_{ij}\|} - \frac{\phi_l(b)_{ij}}{\|\phi_l(b)_{ij}\|} \right\|^2

    phi_l are the activations after the ReLU of conv1, fire3, fire5, fire7 and fire9. Nothing is weighted by what people
    see: this is no LPIPS, whose layers and weights are others. 0 for equal pictures, at most 2. The network is frozen;
    gradients flow into ``a`` alone. Runs under autocast; norms are taken in float32.

    Args:
        weights: npz file of SqueezeNet v1.0: arrays ``conv1.weight`` (OIHW), ``conv1.bias``, ``fire2.conv1x1_1.weight``
            and so on; Caffe's convention of BGR, 0 to 255, less (104, 117, 123).

    Raises:
        WeightsError: no such file, or not these arrays.

    Source: Iandola et al., "SqueezeNet", arXiv:1602.07360, 2016 (network); Zhang et al., CVPR 2018, eq. 1 (unit-length
        features).
    """

    mean: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2)
        for name, sizes in _FIRES.items():
            self.add_module(name, _Fire(*sizes))
        self.register_buffer("mean", torch.tensor(_MEAN_BGR[::-1]).view(1, 3, 1, 1) / 255, persistent=False)
        state = _read(weights)
        try:
            self.load_state_dict({name: state[name] for name in self.state_dict()})
        except (KeyError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise WeightsError(
                f"{weights}: expected the arrays of SqueezeNet v1.0, got others ({reason}); give its npz file"
            ) from None
        with torch.no_grad():  # RGB in [0, 1] in place of BGR in 0 to 255
            self.conv1.weight.copy_(self.conv1.weight.flip(1) * 255)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.eval().requires_grad_(requires_grad=False)

    def features(self, images: Tensor) -> list[Tensor]:
        """Activations at the taps, of RGB pictures ``[b, 3, h, w]`` in [0, 1]."""
        x = (images - self.mean).contiguous(memory_format=torch.channels_last)
        found = []
        for name in ("conv1", *_FIRES):
            x = self.get_submodule(name)(x)
            x = F.relu(x) if name == "conv1" else x
            if name in TAPS:
                found.append(x)
            if name in _POOL_AFTER:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        return found

    def unit_features(self, images: Tensor) -> list[Tensor]:
        """`features` at unit length."""
        return [_unit(x) for x in self.features(images)]

    @staticmethod
    def apart(a: list[Tensor], b: list[Tensor]) -> Tensor:
        """Distances ``[b]`` of two batches of `unit_features`."""
        terms = [(x - y).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]
        return torch.stack(terms).mean(0)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances ``[b]`` of two batches of pictures.

        Args:
            a: float ``[b, 3, h, w]``, RGB in [0, 1], h and w at least 32; gradients flow into it.
            b: The same, the reference.

        Raises:
            SignalError: not two such batches of one shape.
        """
        if a.ndim != 4 or a.shape != b.shape or a.shape[1] != 3 or min(a.shape[2:]) < SMALLEST_SIDE:
            raise SignalError(
                f"squeezenet distance: expected two batches [b, 3, h, w] of one shape, sides at least "
                f"{SMALLEST_SIDE}, got {list(a.shape)} and {list(b.shape)}"
            )
        with torch.no_grad():
            reference = self.unit_features(b)
        return self.apart(self.unit_features(a), reference)


def _unit(x: Tensor) -> Tensor:
    """Feature vectors at unit length."""
    x = x.float()
    return x * (x.square().sum(1, keepdim=True) + _FLOOR).rsqrt()


def _read(path: Path) -> dict[str, Tensor]:
    """Arrays of an npz file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]).float() for name in arrays.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: expected an npz file of SqueezeNet v1.0's arrays: {error}") from None
