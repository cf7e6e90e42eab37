"""What latents cost: closed forms, and what each context may know."""

from __future__ import annotations

import math

import pytest
import torch
from semcom.models.ntscc.config import NtsccConfig
from semcom.models.ntscc.context import SLICES, ContextPrior, anchors
from torch import Tensor


class _Known(torch.nn.Module):
    """A hyperprior that says the same of all latents."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def predicted(self, y: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
        return torch.zeros_like(y), torch.full_like(y, self.scale), y.new_zeros(y.shape[0])


def prior(context: str, *, scale: float, spoken: bool) -> ContextPrior:
    torch.manual_seed(1)
    made = ContextPrior(NtsccConfig.model_validate({"context": context, "context_width": 8}))
    made.hyper = _Known(scale)  # type: ignore[assignment]
    if spoken:
        for look in made.looks:
            torch.nn.init.normal_(look[2].weight, std=0.2)
    return made.eval()


@pytest.mark.parametrize("context", ["none", "checkerboard", "channels"])
def test_before_training_gaussian_latents_cost_their_entropy(context: str) -> None:
    """h = log2(scale sqrt(2 pi e)) bits where the scale is many steps; its variance is log2(e)^2 / 2 a latent."""
    y = 20 * torch.randn(1, 256, 12, 12, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found = float(prior(context, scale=20.0, spoken=False)(y).patch_bits.sum())
    expected = y.numel() * math.log2(20 * math.sqrt(2 * math.pi * math.e))
    deviation = math.log2(math.e) * math.sqrt(y.numel() / 2)
    assert abs(found - expected) < 5 * deviation


def changed(context: str, channel: int) -> Tensor:
    """Patches whose price changes, where one latent of the patch at row 4, column 4 does: ``[9, 9]``."""
    y = 6 * torch.randn(1, 256, 9, 9, generator=torch.Generator().manual_seed(2))
    other = y.clone()
    other[0, channel, 4, 4] += 40
    made = prior(context, scale=6.0, spoken=True)
    with torch.inference_mode():
        return (made(y).patch_bits != made(other).patch_bits)[0]


def test_a_checkerboard_prices_every_other_patch_by_its_neighbours() -> None:
    """An anchor (even row plus column) is seen by the others within two patches, and by no other anchor."""
    expected = torch.zeros(9, 9, dtype=torch.bool)
    expected[2:7, 2:7] = anchors(torch.zeros(1, 1, 9, 9))[0, 0, 2:7, 2:7] == 0
    expected[4, 4] = True
    assert torch.equal(changed("checkerboard", 0), expected)


def test_a_patch_that_is_no_anchor_is_seen_by_none() -> None:
    y = 6 * torch.randn(1, 256, 9, 9, generator=torch.Generator().manual_seed(2))
    other = y.clone()
    other[0, :, 4, 5] += 40
    made = prior("checkerboard", scale=6.0, spoken=True)
    with torch.inference_mode():
        found = (made(y).patch_bits != made(other).patch_bits)[0].nonzero().tolist()
    assert found == [[4, 5]]


def test_slices_see_the_slices_before_them_alone() -> None:
    """Of the last but one slice the last ones of all patches beside it learn something; of the last slice, nobody."""
    around = torch.zeros(9, 9, dtype=torch.bool)
    around[3:6, 3:6] = True
    assert torch.equal(changed("channels", SLICES[-2]), around)
    assert changed("channels", SLICES[-1]).nonzero().tolist() == [[4, 4]]


def test_without_context_patches_are_priced_alone() -> None:
    assert changed("none", 0).nonzero().tolist() == [[4, 4]]
