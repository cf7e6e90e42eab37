"""The receiver's sampling loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .schedule import alpha_bar
from .stage_b import Conditioning, StageB

__all__ = ["guided", "sample", "step_back"]


def step_back(noisy: Tensor, epsilon: Tensor, noise: Tensor, *, now: float, then: float, eta: float = 1.0) -> Tensor:
    r"""Go from time ``now`` to the earlier time ``then``.

    .. math:: x_s = \sqrt{\bar\alpha_s}\, \hat x_0 + \sqrt{1 - \bar\alpha_s - \sigma^2}\, \hat\epsilon + \sigma z, \quad
        \sigma^2 = \eta^2\, \frac{1 - \bar\alpha_s}{1 - \bar\alpha_t} \left(1 - \frac{\bar\alpha_t}{\bar\alpha_s}\right)

    eta = 1 is DDPM with the posterior's variance, 0 is DDIM. At ``then`` = 0 no noise is added.

    Source: Song et al., Denoising diffusion implicit models, ICLR 2021, eqs. 12 and 16.
    """
    share, before = (alpha_bar(torch.tensor(t, dtype=torch.float64)).item() for t in (now, then))
    clean = (noisy - (1 - share) ** 0.5 * epsilon) / share**0.5
    variance = eta**2 * (1 - before) / (1 - share) * (1 - share / before)
    back: Tensor = before**0.5 * clean + max(1 - before - variance, 0.0) ** 0.5 * epsilon
    return back if then == 0 else back + variance**0.5 * noise


@torch.no_grad()
def sample(
    stage_b: StageB,
    conditioning: Conditioning,
    draw: Callable[[], Tensor],
    *,
    steps: int = 10,
    eta: float = 1.0,
    temperature: float = 1.0,
    guidance: float = 1.0,
    unconditional: Conditioning | None = None,
    rescale: float = 0.7,
) -> Tensor:
    r"""Draw latents that fit an embedding.

    .. math:: \hat\epsilon = \epsilon_u + g (\epsilon_c - \epsilon_u), \quad
        \hat\epsilon \leftarrow \left(\rho \frac{\mathrm{std}(\epsilon_c)}{\mathrm{std}(\hat\epsilon)} + 1 - \rho\right)
        \hat\epsilon

    Args:
        stage_b: The denoiser.
        conditioning: Of the embedding that arrived.
        draw: Returns standard normal latents ``[b, c, h, w]``, new ones at each call: at the start, and for each step
            but the last where ``eta`` is not 0. The caller draws, so the same draws give the same latents.
        steps: 1 to 50.
        eta: 1 for DDPM, 0 for DDIM.
        temperature: Standard deviation of all noise; below 1 pictures come nearer to their mean, and blurred.
        guidance: g; at 1 the unconditional branch is not computed.
        unconditional: Of the zero embedding; needed where ``guidance`` is not 1.
        rescale: rho.

    Returns:
        Latents ``[b, c, h, w]``.

    Source: Ho & Salimans, Classifier-free diffusion guidance, 2022; Lin et al., Common diffusion noise schedules and
        sample steps are flawed, WACV 2024, eq. 16 (rescaling).
    """
    if not 1 <= steps <= 50:
        raise ValueError(f"steps: expected 1 to 50, got {steps}")
    if guidance != 1 and unconditional is None:
        raise ValueError("guidance: expected an unconditional conditioning where it is not 1")
    x = temperature * draw()
    for index in range(steps):
        now, then = 1 - index / steps, 1 - (index + 1) / steps
        t = torch.full((x.shape[0],), now, device=x.device)
        epsilon = stage_b(x, t, conditioning)
        if guidance != 1 and unconditional is not None:
            epsilon = guided(epsilon, stage_b(x, t, unconditional), guidance, rescale)
        noise = temperature * draw() if eta and index + 1 < steps else torch.zeros_like(x)
        x = step_back(x, epsilon, noise, now=now, then=max(then, 0.0) if index + 1 < steps else 0.0, eta=eta)
    return x


def guided(conditional: Tensor, unconditional: Tensor, guidance: float | Tensor, rescale: float | Tensor) -> Tensor:
    """Noise ``[b, c, h, w]`` from both branches, see `sample`."""
    mixed = unconditional + guidance * (conditional - unconditional)
    wide = mixed.flatten(1).std(1) / conditional.flatten(1).std(1).clamp(min=1e-6)
    factor = rescale / wide.clamp(min=1e-6) + 1 - rescale
    return mixed * factor[:, None, None, None]
