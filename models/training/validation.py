"""What the validations of all systems share: held-out pictures, cropped in their middle, and figures of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..perceptual.build import Perceptual
from .pictures import Pictures, Pixels
from .recipe import Recipe

__all__ = ["Quality", "Scores", "centre_crop", "evenly", "mean_psnr_db", "over_esn0", "psnr_db"]


class Scores(NamedTuple):
    """Of a validation."""

    score: float  # decides which weights are kept: more is better
    figures: dict[str, float]  # all that was measured, by name


def evenly(held: Pictures, count: int) -> list[Pixels]:
    """So many of the held-out pictures, or all of them: the first, the last, and evenly spread ones between."""
    last = len(held.pixels) - 1
    return [held.pixels[index] for index in np.linspace(0, last, min(count, last + 1)).astype(int)]


def centre_crop(whole: Pixels, height: int, width: int, device: torch.device) -> Tensor:
    """The middle of a picture ``[H, W, 3]``: float32 ``[1, 3, height, width]`` in [0, 1]."""
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    crop = np.ascontiguousarray(whole[top : top + height, left : left + width].transpose(2, 0, 1))
    return torch.from_numpy(crop)[None].to(device).float() / 255


def psnr_db(picture: Tensor, image: Tensor) -> float:
    """PSNR in dB of a picture against an image, both in [0, 1], as 8-bit pictures with peak 255; at most 78.1 dB."""
    error = (picture.clamp(0, 1) * 255).round() - (image * 255).round()
    return float(10 * np.log10(255**2 / max(float(error.square().mean()), 1e-3)))


def mean_psnr_db(
    held: Pictures,
    config: Recipe,
    device: torch.device,
    link: Callable[[Tensor, Tensor, torch.Generator], Tensor],
    *,
    esn0_db: float,
    multiple: int,
) -> float:
    """Mean PSNR in dB over centre crops of held-out pictures, with noise that is the same every time.

    Args:
        held: Pictures; what is smaller than the multiple is left out.
        config: The recipe.
        device: Where the network is.
        link: See `over_esn0`.
        esn0_db: In dB.
        multiple: Sides of the crops are multiples of it.
    """
    generator = torch.Generator().manual_seed(config.seed)
    level, found = torch.full((1,), esn0_db, device=device), []
    for whole in evenly(held, config.validation_pictures):
        height, width = (min(config.validation_crop, side) // multiple * multiple for side in whole.shape[:2])
        if height and width:
            image = centre_crop(whole, height, width, device)
            found.append(psnr_db(link(image, level, generator), image))
    return float(np.mean(found))


def over_esn0(
    held: Pictures,
    config: Recipe,
    device: torch.device,
    link: Callable[[Tensor, Tensor, torch.Generator], Tensor],
    *,
    esn0_db: Sequence[float],
    multiple: int = 1,
) -> Scores:
    """Mean PSNR in dB over centre crops of held-out pictures, at some Es/N0, with noise that is the same every time.

    Args:
        held: Pictures.
        config: The recipe.
        device: Where the network is.
        link: Images ``[1, 3, h, w]`` in [0, 1], Es/N0 in dB ``[1]`` and where noise is drawn, to what comes out.
        esn0_db: At which.
        multiple: Sides of the crops are multiples of it.
    """
    quality = Quality(None)
    for level in esn0_db:
        generator = torch.Generator().manual_seed(config.seed)
        for whole in evenly(held, config.validation_pictures):
            height, width = (min(config.validation_crop, side) // multiple * multiple for side in whole.shape[:2])
            image = centre_crop(whole, height, width, device)
            quality.add(f"{level:g} dB", link(image, image.new_tensor([level]), generator), image)
    return Scores(quality.mean_of("PSNR in dB"), quality.means())


class Quality:
    """PSNR in dB of pictures, and their perceptual distance where there is such a loss: means by name."""

    def __init__(self, perceptual: Perceptual | None) -> None:
        self._perceptual = perceptual
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, picture: Tensor, image: Tensor) -> None:
        """Measure a picture ``[1, 3, h, w]`` against an image in [0, 1]."""
        self._values[f"{name}: PSNR in dB"].append(psnr_db(picture, image))
        if self._perceptual is not None:
            distance = self._perceptual(picture.clamp(0, 1).float(), image)
            self._values[f"{name}: perceptual"].append(float(distance.mean()))

    def means(self) -> dict[str, float]:
        """Over the pictures of each name."""
        return {name: float(np.mean(values)) for name, values in self._values.items()}

    def mean_of(self, ending: str) -> float:
        """Over the names that end so."""
        return float(np.mean([mean for name, mean in self.means().items() if name.endswith(ending)]))
