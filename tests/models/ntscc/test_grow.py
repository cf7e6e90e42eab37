"""A larger network begins as the smaller one, and a recipe goes on from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from semcom.errors import UsageError, WeightsError
from semcom.models.ntscc.config import NtsccConfig
from semcom.models.ntscc.grow import grow
from semcom.models.ntscc.network import Ntscc
from semcom.models.ntscc.training import NtsccRun
from semcom.models.patch_rates.told import Told
from torch import Tensor

from .conftest import TINY

WIDER = tuple(width + 5 for width in TINY.widths)
DEEPER = {
    "analysis_blocks": tuple(count + 1 for count in TINY.analysis_blocks),
    "encoder_blocks": TINY.encoder_blocks + 1,
    "decoder_blocks": TINY.decoder_blocks + 2,
    "synthesis_blocks": tuple(count + 1 for count in TINY.synthesis_blocks),
}


def larger(**sizes: Any) -> NtsccConfig:
    return TINY.model_copy(update=sizes)


@torch.no_grad()
def made_by(network: Ntscc) -> dict[str, Tensor]:
    """Of one picture: its patches' bits, features and picture received."""
    images = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(4))
    levels = torch.arange(12).view(1, 3, 4)
    told = Told(levels, torch.tensor([5]), torch.tensor([12.0]))
    y, entropy = network.entropy(images, told.esn0_db)
    features = network.send(y, told)
    picture = network.receive(features, torch.full_like(features, 0.1), told)
    return {"bits": entropy.patch_bits, "features": features, "picture": picture}


@pytest.mark.parametrize("sizes", [{}, {"widths": WIDER}], ids=["itself", "wider"])
def test_further_channels_change_nothing_at_first(network: Callable[..., Ntscc], sizes: dict[str, Any]) -> None:
    small = network()
    large = Ntscc(larger(**sizes)).eval()
    grow(large, small.state_dict())
    for name, found in made_by(small).items():
        torch.testing.assert_close(made_by(large)[name], found, atol=2e-4, rtol=2e-4)


def test_further_blocks_change_little_at_first(network: Callable[..., Ntscc]) -> None:
    """Beside what the networks add to the linear code."""
    small, linear = network(), network(loud=False)
    large = Ntscc(larger(widths=WIDER, **DEEPER)).eval()
    grow(large, small.state_dict())
    before, after, without = (made_by(net)["picture"] for net in (small, large, linear))
    assert 0 < (after - before).square().mean() < 0.03 * (before - without).square().mean()


def test_what_leads_to_further_channels_stays_as_it_was_made(network: Callable[..., Ntscc]) -> None:
    """And what leads from there to those that were has a gradient in the first step, so that they come into use."""
    large = Ntscc(larger(widths=WIDER))
    made = {name: value.clone() for name, value in large.named_parameters()}
    grow(large, network().state_dict())
    images = torch.rand(1, 3, 48, 64)
    told = Told(torch.full((1, 3, 4), 7), torch.tensor([5]), torch.tensor([12.0]))
    features = large.send(large.latents(images, told.esn0_db), told)
    large.receive(features, torch.full_like(features, 0.1), told).sub(images).square().sum().backward()
    found = 0
    for name, value in large.named_parameters():
        if name.endswith("first.weight"):
            width = TINY.widths[WIDER.index(value.shape[0])]
            assert torch.equal(value[width:], made[name][width:]), name
            assert not value[:width, width:].any(), name
            assert value.grad is not None
            assert value.grad[:width, width:].abs().amin() > 0, name
            found += 1
    assert found == len([name for name in made if name.endswith("second.weight")]) > 0


@pytest.mark.parametrize(
    "sizes",
    [{"widths": (1, *WIDER[1:])}, {"encoder_blocks": 0}, {"context": "none"}],
    ids=["narrower", "less", "other"],
)
def test_what_is_no_larger_network_is_refused(
    recipe: Callable[..., Any], weights: Path, pictures: Path, tmp_path: Path, sizes: dict[str, Any]
) -> None:
    from semcom.models.training.train import train

    phases = [{"name": "code", "until": 1, "trains": ["code"], "crop": 32, "batch": 1}]
    config = recipe(NtsccRun, model=larger(**sizes).model_dump(), phases=phases, steps=1, start_from=str(weights))
    with pytest.raises(UsageError, match=r"start_from: .*expected a network of the sizes of 'model' or smaller ones"):
        train(NtsccRun, config, pictures, tmp_path / "run")


def test_a_recipe_goes_on_from_weights(
    recipe: Callable[..., Any], ready: Callable[..., Any], weights: Path, network: Callable[..., Ntscc]
) -> None:
    phases = [{"name": "entropy", "until": 1, "trains": ["entropy"], "crop": 32, "batch": 1}]
    model = larger(widths=WIDER).model_dump()
    run, _ = ready(NtsccRun, recipe(NtsccRun, model=model, phases=phases, steps=1, start_from=str(weights)))
    half = {name: value.half().float() if value.ndim > 1 else value for name, value in network().state_dict().items()}
    small = network()
    small.load_state_dict(half)
    torch.testing.assert_close(made_by(run.model)["picture"], made_by(small)["picture"], atol=2e-4, rtol=2e-4)


def test_weights_of_another_system_are_refused(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    from semcom.models.deepjscc.names import SHIPPED as OTHERS
    from semcom.models.training.train import train

    phases = [{"name": "code", "until": 1, "trains": ["code"], "crop": 32, "batch": 1}]
    config = recipe(NtsccRun, phases=phases, steps=1, start_from=str(OTHERS.path("adaptive")))
    with pytest.raises(WeightsError, match="its card describes no network of ntscc"):
        train(NtsccRun, config, pictures, tmp_path / "run")
