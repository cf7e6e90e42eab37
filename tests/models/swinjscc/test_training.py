"""The recipe trains, resumes, and leaves weights that load."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError, WeightsError
from semcom.models.model_card import ModelCard, card_path
from semcom.models.swinjscc.codec import Receiving, Sending
from semcom.models.swinjscc.engine import load
from semcom.models.swinjscc.names import SHIPPED
from semcom.models.swinjscc.network import SwinJscc
from semcom.models.swinjscc.sizes import SwinConfig
from semcom.models.swinjscc.step import link
from semcom.models.swinjscc.system import SYSTEM
from semcom.models.swinjscc.training import SwinJsccRun
from semcom.models.training.step import take_step
from semcom.models.training.train import train

from .conftest import PUBLIC, TINY

FEW = {"fit_patches": 400, "validation_pictures": 2, "validation_crop": 32, "warmup_steps": 1}


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_training_leaves_weights_that_load(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    result = train(SwinJsccRun, recipe(SwinJsccRun, **FEW, steps=6), pictures, tmp_path)
    curve = rows(tmp_path / "curve-large.csv")
    points = {"1/12 1dB none", "1/12 10dB none", "1/12 10dB fast", "1/6 13dB none"}
    assert set(curve[0]) - {"step", "minutes", "phase", "psnr_db"} == points
    card, codec = ModelCard.read(card_path(result.weights)), load(weights=result.weights)
    assert (card.name, codec.about.rates) == ("swinjscc-mini", {"1/12": 8, "1/6": 16})
    assert len(card.metrics) == 4
    frame = codec.encode(np.zeros((9, 10, 3), np.uint8), Sending())
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (9, 10, 3)


def test_a_network_of_one_rate_is_validated_at_that(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    """Whichever rate it is: without a score no weights would be kept."""
    config = recipe(SwinJsccRun, **FEW, steps=2)
    model = config.model.model_dump() | {"rates": ["1/8"], "head": 12}
    one = config.model_copy(update={"model": SwinConfig.model_validate(model)})
    result = train(SwinJsccRun, one, pictures, tmp_path)
    assert set(ModelCard.read(card_path(result.weights)).metrics) == {"validation PSNR in dB: 1/8 10dB none"}


def test_beside_the_linear_code_the_windows_lower_its_loss(
    recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    """The same batch with the same noise, again and again."""
    run, shown = ready(SwinJsccRun, recipe(SwinJsccRun, **{**FEW, "warmup_steps": 0}))
    found = []
    for _ in range(12):
        run.step = 0
        found.append(float(take_step(run, shown, 0.2)["mse"]))
    assert found[-1] < 0.98 * found[0]


def test_the_linear_code_stays_and_all_else_learns(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    run, shown = ready(SwinJsccRun, recipe(SwinJsccRun, **FEW))
    before = {name: value.clone() for name, value in run.model.named_parameters()}
    for _ in range(3):
        take_step(run, shown, 0.2)
    for name, value in run.model.named_parameters():
        assert torch.equal(value, before[name]) is name.startswith("klt."), name


@pytest.mark.parametrize("config", [TINY, PUBLIC])
def test_a_link_is_differentiable_whatever_is_chosen(network: Callable[..., SwinJscc], config: Any) -> None:
    net = network(config).train().requires_grad_()
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, 3, 16, 16)
    out, n0 = link(net, images, "1/12", torch.tensor([5.0, 9.0, 20.0]), ["none", "block", "fast"], generator)
    assert out.shape == images.shape
    assert n0.shape == (3, 4 * 4 * 8)
    out.square().mean().backward()
    without = {name for name, value in net.named_parameters() if value.grad is None}
    assert without == set()


def test_noise_of_an_awgn_frame_is_what_it_should_be(network: Callable[..., SwinJscc]) -> None:
    """Es/N0 per complex symbol: a decoder that gives its features back shows it."""
    net = network(PUBLIC)
    kept: list[torch.Tensor] = []
    net.decode = lambda *given: kept.append(given[0]) or torch.zeros(1)  # type: ignore[method-assign,assignment,func-returns-value]
    images, generator = torch.rand(1, 3, 64, 64), torch.Generator().manual_seed(1)
    level = torch.tensor([6.0])
    link(net, images, "1/6", level, ["none"], generator)
    encoded = net.encode(images, torch.tensor([16.0]), level)
    channels = net.chosen(encoded, 16)
    sent, came = (net.sent(one, channels) for one in (encoded.features, kept[0]))
    ratio = float(sent.square().mean() / (came - sent).square().mean())
    deviation = (2 / sent.numel()) ** 0.5  # of a mean of so many squares
    assert 10 * np.log10(ratio) == pytest.approx(6, abs=10 * np.log10(1 + 5 * deviation))


def test_cut_off_and_resumed_is_the_same(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    config = recipe(SwinJsccRun, **FEW, steps=6, checkpoint_minutes=1e-9, validate_minutes=1e9)

    class Killed(SwinJsccRun):
        def losses(self, batch: Any) -> Any:
            if self.step == 4:
                raise KeyboardInterrupt
            return super().losses(batch)

    with pytest.raises(KeyboardInterrupt):
        train(Killed, config, pictures, tmp_path / "cut")
    found = train(SwinJsccRun, config, pictures, tmp_path / "cut").weights
    whole = train(SwinJsccRun, config, pictures, tmp_path / "whole").weights
    assert found.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", sorted(SYSTEM.recipes))
def test_every_recipe_is_one_of_a_variant(name: str) -> None:
    config = SwinJsccRun.recipe.read(SYSTEM.recipes[name])
    assert config.variant in SYSTEM.numbers


def test_weights_that_are_not_shipped_say_where_to_get_them() -> None:
    assert not (SHIPPED.folder / "base.safetensors").exists()
    with pytest.raises(UsageError) as caught:
        load("base")
    assert str(caught.value) == (
        "swinjscc: no weights are shipped for base; give `weights`: what `semcom train swinjscc --config base` wrote, "
        "or a file of the public code (github.com/semcomm/SwinJSCC)"
    )


def test_a_card_of_another_system(tmp_path: Path) -> None:
    from semcom.models.deepjscc.names import SHIPPED as OTHERS

    with pytest.raises(WeightsError, match="its card describes no network of swinjscc"):
        load("mini", OTHERS.path("linear"))
