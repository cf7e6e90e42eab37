"""The recipe trains, resumes, and leaves weights that load."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.models.model_card import ModelCard, card_path
from semcom.models.ntscc.codec import Receiving, Sending
from semcom.models.ntscc.cost import cost
from semcom.models.ntscc.engine import load
from semcom.models.ntscc.network import part_of
from semcom.models.ntscc.system import SYSTEM
from semcom.models.ntscc.training import NtsccRun
from semcom.models.ntscc.validation import POINTS
from semcom.models.training.step import take_step
from semcom.models.training.train import train

FEW = {"fit_crops": 48, "validation_pictures": 2, "validation_crop": 48, "warmup_steps": 1}


@pytest.fixture
def small(recipe: Callable[..., Any]) -> Callable[..., Any]:
    def made(**changes: Any) -> Any:
        phases = [
            {"name": "entropy", "until": 0.4, "trains": ["entropy"], "crop": 32, "batch": 2, "learning_rate": 1e-2},
            {"name": "all", "until": 0.8, "trains": ["entropy", "code"], "crop": 48, "batch": 2, "learning_rate": 3e-3},
            {"name": "code", "until": 1, "trains": ["code"], "crop": 48, "batch": 2, "learning_rate": 3e-3},
        ]
        return recipe(NtsccRun, **{**FEW, "phases": phases, **changes})

    return made


def test_a_training_leaves_weights_that_load(small: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    result = train(NtsccRun, small(steps=6, eta=(0.01, 0.1)), pictures, tmp_path)
    row = next(csv.DictReader((tmp_path / "curve-code.csv").read_text().splitlines()))
    assert {f"{cbr} {esn0_db:g}dB {fading}" for cbr, esn0_db, fading in POINTS} < set(row)
    card, codec = ModelCard.read(card_path(result.weights)), load(weights=result.weights)
    assert (card.name, len(card.metrics)) == ("ntscc-mini", len(POINTS) + 1)
    frame = codec.encode(np.zeros((9, 40, 3), np.uint8), Sending(eta=0.1))
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (9, 40, 3)


def test_the_entropy_model_learns_first_and_the_basis_never(
    small: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    """And variances by level are taken once for each phase of the code."""
    run, shown = ready(NtsccRun, small(steps=6))
    fits = []

    def moved(progress: float) -> set[str]:
        before = {name: value.clone() for name, value in run.model.named_parameters()}
        for _ in range(3):
            take_step(run, shown, progress)
        return {part_of(name) for name, value in run.model.named_parameters() if not torch.equal(value, before[name])}

    assert moved(0.2) == {"entropy"}
    fits.append(run.model.log_variance.clone())
    assert moved(0.5) == {"entropy", "code"}
    fits.append(run.model.log_variance.clone())
    assert moved(0.7) == {"entropy", "code"}
    fits.append(run.model.log_variance.clone())
    assert moved(0.9) == {"code"}
    fits.append(run.model.log_variance.clone())
    assert not fits[0].any()
    assert [torch.equal(a, b) for a, b in itertools.pairwise(fits)] == [False, True, False]


@pytest.mark.parametrize(("progress", "figure", "most"), [(0.2, "bits_per_pixel", 0.9), (0.9, "mse", 0.98)])
def test_what_a_phase_is_for_falls(
    small: Callable[..., Any], ready: Callable[..., Any], progress: float, figure: str, most: float
) -> None:
    """The same batch with the same noise, again and again."""
    run, shown = ready(NtsccRun, small(steps=6, warmup_steps=0))
    found = []
    for _ in range(15):
        run.step = 0
        found.append(float(take_step(run, shown, progress)[figure]))
    assert found[-1] < most * found[0]


def test_cut_off_and_resumed_is_the_same(small: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    config = small(steps=6, checkpoint_minutes=1e-9, validate_minutes=1e9)

    class Killed(NtsccRun):
        def losses(self, batch: Any) -> Any:
            if self.step == 4:
                raise KeyboardInterrupt
            return super().losses(batch)

    with pytest.raises(KeyboardInterrupt):
        train(Killed, config, pictures, tmp_path / "cut")
    found = train(NtsccRun, config, pictures, tmp_path / "cut").weights
    whole = train(NtsccRun, config, pictures, tmp_path / "whole").weights
    assert found.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", sorted(SYSTEM.recipes))
def test_every_recipe_is_one_of_a_variant(name: str) -> None:
    config = NtsccRun.recipe.read(SYSTEM.recipes[name])
    assert config.variant in SYSTEM.numbers


def block_kmac(width: int, stride: int) -> float:
    """Of a pixel: two convolutions of 3 x 3."""
    return 18 * width**2 / stride**2 / 1000


def test_the_small_size_is_what_two_cores_do_in_a_second() -> None:
    found = cost(NtsccRun.recipe.read(SYSTEM.recipes["small"]).model)
    blocks = (1 + 4) * block_kmac(96, 4) + (1 + 4) * block_kmac(128, 8) + (2 + 2 + 4) * block_kmac(192, 16)
    whole = found.encode_kmac_per_pixel + found.decode_kmac_per_pixel
    assert found.parameters < 10e6
    assert blocks < whole < 1.1 * blocks
    assert 100 < whole < 150
