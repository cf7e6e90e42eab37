"""One frame on a finite constellation over a channel, differentiable: hard points forward, soft assignment backward."""

from __future__ import annotations

import torch
from torch import Tensor

from ...sim.constellations.assignment import frame_scale, nearest_level
from ...sim.constellations.gaussian import GaussianGrid, effective_esn0_db, gaussian_grid
from ...sim.constellations.spreading import despread, spread
from ..training.frames import Fading, Received, cross, over_channel

__all__ = ["over_constellation", "posterior", "send", "soft_assignment", "told_esn0_db"]

_SMALLEST_SHARE = 1e-3  # of a feature's variance that a receiver is taken to know at least: bounds the division by it


def soft_assignment(u: Tensor, grid: GaussianGrid, softness: float) -> Tensor:
    r"""Weighted mean of the levels' centroids, by closeness; hard assignment as ``softness`` grows.

    .. math:: \tilde u = \frac{1}{1 - D} \sum_i \mu_i\,
              \mathrm{softmax}_i\!\left(-\sigma_q \frac{(u - \ell_i)^2}{\Delta^2}\right)

    Square QAM is a product of two dimensions, and so are the weights. D is the quantiser's distortion: dividing by
    1 - D makes the estimate unbiased.

    Args:
        u: real ``[...]``: features over the frame's scale.
        grid: Of the constellation.
        softness: sigma_q in units of the squared distance of levels.

    Source: Tung et al., DeepJSCC-Q, IEEE J. Sel. Areas Inf. Theory 3(4), 2022, section III (soft-to-hard).
    """
    levels, centroids = u.new_tensor(grid.levels), u.new_tensor(grid.centroid)
    weights = torch.softmax((u[..., None] - levels).square() * (-softness / grid.step**2), -1)
    return (weights @ centroids) / (1 - grid.distortion)


def posterior(z: Tensor, n0: Tensor, grid: GaussianGrid) -> Received:
    """Posterior mean and variance of features; `sim.constellations.gaussian.posterior_mean` for tensors.

    Args:
        z: real ``[...]``: received values, where the sent ones have unit energy per real dimension.
        n0: ``[...]`` noise variance.
        grid: Of the constellation.
    """
    sent = z.new_tensor(grid.levels * grid.gain)
    metric = z.new_tensor(grid.probability).log() - (z[..., None] - sent).square() / (
        2 * n0[..., None].clamp(min=1e-12)
    )
    weights = torch.softmax(metric, -1)
    mean = weights @ z.new_tensor(grid.centroid)
    return mean, (weights @ z.new_tensor(grid.second_moment) - mean.square()).clamp(min=0)


def over_constellation(
    features: Tensor,
    n0: Tensor,
    fading: list[Fading],
    generator: torch.Generator,
    *,
    bits_per_symbol: int,
    softness: float,
) -> Received:
    """Spread frames, put them on points, send and equalise them, estimate and despread.

    Forward it is what the blocks ``mappers/to_constellation`` and ``mappers/from_constellation`` do. Backward the
    gradient is that of the soft assignment, straight through rounding, channel and estimate, and of the scale.

    Args:
        features: real ``[b, n]``, ``n`` even, of any scale.
        n0: ``[b]`` noise variance per complex symbol; the mean over fading.
        fading: The channel of each frame.
        generator: Where noise and gains are drawn.
        bits_per_symbol: Of the QAM.
        softness: See `soft_assignment`.

    Returns:
        Received features ``[b, n]`` in the scale of the sent ones, and for each of them the effective noise variance
        per complex symbol of unit energy.
    """
    grid = gaussian_grid(bits_per_symbol)
    mixed = spread(features)
    rms = mixed.square().mean(-1, keepdim=True).clamp(min=1e-12).sqrt()
    with torch.no_grad():
        load = frame_scale(mixed / rms, grid).clamp(min=1e-6)
    scale = rms * load  # more power of one feature is more noise on all: the gradient has to know
    u = mixed / scale
    soft = soft_assignment(u, grid, softness)
    with torch.no_grad():
        sent = (nearest_level(u, grid) - (grid.levels.size - 1) / 2) * (grid.step * grid.gain)
        pairs = sent.reshape(*sent.shape[:-1], -1, 2) * 0.5**0.5
        y, variance = cross(torch.complex(pairs[..., 0], pairs[..., 1]), n0, fading, generator)
        received = torch.stack([y.real, y.imag], 2).flatten(1) * 2**0.5
        estimate, error = posterior(received, variance.repeat_interleave(2, dim=1), grid)
        error = error.mean(1, keepdim=True).clamp(max=1 - _SMALLEST_SHARE)
    straight = soft + (estimate / (1 - error) - soft).detach()
    return despread(straight * scale), (error / (1 - error)).expand_as(features)


def told_esn0_db(esn0_db: Tensor, bits_per_symbol: int | None) -> Tensor:
    """What an encoder reckons with: the Es/N0 in dB of the channel and the constellation together.

    Args:
        esn0_db: ``[b]`` mean Es/N0 of the channel in dB.
        bits_per_symbol: Of the QAM; ``None`` without a constellation.
    """
    if bits_per_symbol is None:
        return esn0_db
    levels = [effective_esn0_db(bits_per_symbol, value) for value in esn0_db.tolist()]
    return esn0_db.new_tensor(levels).clamp(0, 20)


def send(
    features: Tensor,
    esn0_db: Tensor,
    fading: list[Fading],
    generator: torch.Generator,
    bits_per_symbol: int | None,
    softness: float,
) -> Received:
    """Send frames on a constellation, or unconstrained without one: `over_constellation` or `over_channel`."""
    n0 = 10 ** (-esn0_db / 10)
    if bits_per_symbol is None:
        return over_channel(features, n0, fading, generator)
    with torch.autocast(features.device.type, enabled=False):
        return over_constellation(features, n0, fading, generator, bits_per_symbol=bits_per_symbol, softness=softness)
