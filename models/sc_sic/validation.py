"""Validation on held-out files, with noise that is the same every time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..training.pictures import Pictures
from .config import Phase, TrainConfig
from .forward import send
from .network import ScSic
from .sampler import sample

__all__ = ["validate"]

_STEPS = (1, 10)
_MULTIPLE = 128


@torch.no_grad()
def validate(
    model: ScSic,
    weights: dict[str, Tensor],
    held: Pictures,
    config: TrainConfig,
    phase: Phase,
    perceptual: Callable[[Tensor, Tensor], Tensor] | None,
) -> dict[str, float]:
    """Figures over centre crops of held-out pictures: stage A's alone while it learns, else at a few Es/N0.

    ``score`` is what decides which weights are kept: mean PSNR in dB, of DDIM with 10 steps from the mean.
    """
    model.load_state_dict(weights)
    model.eval()
    device = next(model.parameters()).device
    few = np.linspace(0, len(held.pixels) - 1, min(config.validation_pictures, len(held.pixels))).astype(int)
    scores: dict[str, list[float]] = {}

    def keep(name: str, picture: Tensor, image: Tensor) -> None:
        error = (picture.clamp(0, 1) * 255).round() - (image * 255).round()
        psnr = 10 * np.log10(255**2 / max(float(error.square().mean()), 1e-3))
        scores.setdefault(f"{name}: PSNR in dB", []).append(float(psnr))
        if perceptual is not None:
            distance = perceptual(picture.clamp(0, 1).float(), image)
            scores.setdefault(f"{name}: perceptual", []).append(float(distance.mean()))

    side = config.validation_crop
    for index in few:
        image = _crop(held.pixels[index], side).to(device)
        latents = model.stage_a.encode(image)
        keep("stage A", model.stage_a.decode(latents), image)
        if "stage_a" in phase.trains:
            continue
        embedding = model.embed(image)
        levels: tuple[float | None, ...] = config.validation_esn0_db if phase.channel else (None,)
        for esn0_db in levels:
            generator = torch.Generator().manual_seed(config.seed)
            level = None if esn0_db is None else torch.full((1,), esn0_db, device=device)
            received, variance = send(embedding, level, ["none"], generator)
            conditioning = model.stage_b.condition(received, variance, (latents.shape[2], latents.shape[3]))
            where = "clean" if esn0_db is None else f"{esn0_db:g} dB"
            if conditioning.mean is not None:
                keep(f"{where} linear estimate", model.stage_a.decode(conditioning.mean), image)

            def draw(generator: torch.Generator = generator, like: Tensor = latents) -> Tensor:
                return torch.randn(like.shape, generator=generator).to(like.device)

            for steps in _STEPS:
                out = sample(model.stage_b, conditioning, draw, steps=steps, eta=0.0, temperature=0.0)
                keep(f"{where} {steps} steps", model.stage_a.decode(out), image)
            out = sample(model.stage_b, conditioning, draw, steps=10)
            keep(f"{where} 10 steps sampled", model.stage_a.decode(out), image)
    mean = {name: float(np.mean(values)) for name, values in scores.items()}
    wanted = "stage A" if "stage_a" in phase.trains else "10 steps"
    score = float(np.mean([value for name, value in mean.items() if name.endswith(f"{wanted}: PSNR in dB")]))
    return {"score": score, **mean}


def _crop(whole: np.ndarray, side: int) -> Tensor:
    """The middle, of sides that every network of this system takes; a smaller picture is mirrored at two edges."""
    missing = [max(0, _MULTIPLE - n) for n in whole.shape[:2]]
    if any(missing):
        whole = np.pad(whole, ((0, missing[0]), (0, missing[1]), (0, 0)), "symmetric")
    height, width = (min(side, n) // _MULTIPLE * _MULTIPLE for n in whole.shape[:2])
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    crop = np.ascontiguousarray(whole[top : top + height, left : left + width].transpose(2, 0, 1))
    return torch.from_numpy(crop)[None].float() / 255
