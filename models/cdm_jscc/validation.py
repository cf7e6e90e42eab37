"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..deepjscc.frames import Fading
from ..training.pictures import Pictures
from .config import Phase, TrainConfig
from .forward import pass_through
from .network import CdmJscc
from .rate_map import PATCH, eta_near_cbr

__all__ = ["POINTS", "validate"]

POINTS: tuple[tuple[str, float, Fading], ...] = (
    ("1/48", 10.0, "none"),
    ("1/24", 10.0, "none"),
    ("1/12", 10.0, "none"),
    ("1/12", 1.0, "none"),
    ("1/24", 10.0, "block"),
)


@torch.no_grad()
def validate(
    model: CdmJscc,
    weights: dict[str, Tensor],
    held: Pictures,
    config: TrainConfig,
    phase: Phase,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
) -> dict[str, float]:
    """Figures over centre crops of held-out pictures at a few points of payload CBR, SNR and channel.

    ``score`` is what decides which weights are kept: mean PSNR in dB; less the perceptual distance, where the phase
    trains for one.
    """
    model.load_state_dict(weights)
    model.eval()
    device = next(model.parameters()).device
    few = np.linspace(0, len(held.pixels) - 1, min(config.validation_pictures, len(held.pixels))).astype(int)
    steps = () if not phase.denoise else (1, 4) if phase.perceptual_weight else (1,)
    scores: dict[str, list[float]] = {}
    bits: list[float] = []
    for name, esn0_db, fading in POINTS:
        generator = torch.Generator().manual_seed(config.seed)
        for index in few:
            image = _crop(held.pixels[index], config.validation_crop).to(device)
            pixels = image.shape[2] * image.shape[3]
            patch_bits = model.entropy(image)[1].patch_bits
            bits.append(float(patch_bits.sum()) / pixels)
            if phase.trains == ("entropy",):
                continue
            uses = 3 * pixels / int(name.removeprefix("1/"))
            eta = torch.tensor([eta_near_cbr(patch_bits.cpu().numpy(), uses)], dtype=torch.float32, device=device)
            level = torch.full((1,), esn0_db, device=device)
            passed = pass_through(model, image, eta, level, [fading], generator, channel=phase.channel)
            start = torch.randn(image.shape, generator=generator).to(device)
            pictures = {"estimate": passed.understood.estimate}
            for count in steps:
                pictures[f"{count} steps"] = model.sample(passed.understood, start, passed.told, passed.heard_db, count)
            for kind, picture in pictures.items():
                where = f"{name} {esn0_db:g}dB {fading} {kind}"
                error = (picture.clamp(0, 1) * 255).round() - (image * 255).round()
                psnr = 10 * np.log10(255**2 / max(float(error.square().mean()), 1e-3))
                scores.setdefault(f"{where}: PSNR in dB", []).append(float(psnr))
                if perceptual is not None:
                    distance = float(perceptual(picture.clamp(0, 1).float(), image).mean())
                    scores.setdefault(f"{where}: perceptual", []).append(distance)
    mean = {name: float(np.mean(values)) for name, values in scores.items()}
    mean["bits per pixel"] = float(np.mean(bits))
    wanted = f"{steps[-1]} steps" if steps else "estimate"
    if not scores:
        score = -mean["bits per pixel"]
    elif phase.perceptual_weight:
        score = -float(np.mean([v for n, v in mean.items() if n.endswith(f"{wanted}: perceptual")]))
    else:
        score = float(np.mean([v for n, v in mean.items() if n.endswith(f"{wanted}: PSNR in dB")]))
    return {"score": score, **mean}


def _crop(whole: np.ndarray, most: int) -> Tensor:
    height, width = (max(PATCH, min(most, side) // PATCH * PATCH) for side in whole.shape[:2])
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    crop = np.ascontiguousarray(whole[top : top + height, left : left + width].transpose(2, 0, 1))
    return torch.from_numpy(crop)[None].float() / 255
