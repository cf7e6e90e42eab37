import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.errors import UsageError
from semcom.models.deepjscc.codec import Receiving, Sending
from semcom.models.deepjscc.engine import TorchEngine, load
from semcom.models.deepjscc.names import SHIPPED
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.training.step import take_step
from semcom.models.training.train import train

FIVE_LAYER = {"network": "five-layer", "variant": "gdn", "filters": [4, 4, 4, 4], "rate": "1/12"}
PHASES = [{"until": 0.5, "crop": 16, "batch": 4}, {"until": 1, "crop": 40, "batch": 2}]
FEW = {"phases": PHASES, "fit_patches": 400, "validation_pictures": 2, "validation_crop": 32, "warmup_steps": 1}


@pytest.fixture
def run(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> Callable[..., Any]:
    """Train the tiny recipe with changes into a folder."""

    def run(folder: str = "out", weights: Path | None = None, **changes: object) -> Any:
        config = recipe(DeepJsccRun, **{**FEW, **changes})
        return train(DeepJsccRun, config, pictures, tmp_path / folder, perceptual_weights=weights)

    return run


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_training_makes_the_error_smaller_and_leaves_weights_that_load(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(model=FIVE_LAYER, steps=99)
    curve, (log,) = rows(tmp_path / "out" / "curve.csv"), rows(tmp_path / "out" / "log.csv")
    assert [row["step"] for row in curve] == ["0", "99"]  # the start is validated too
    assert float(curve[-1]["psnr_db"]) > float(curve[0]["psnr_db"]) + 0.1
    assert result.best_score == pytest.approx(float(curve[-1]["psnr_db"]), abs=1e-3)
    assert (log["step"], log["rate"], log["crop"]) == ("50", "1/12", "16")
    card, codec = TorchEngine(result.weights).card, load(weights=result.weights)
    assert (codec.about.rates, card.name, card.training.steps) == ({"1/12": 8}, "deepjscc-five-layer", 99)
    frame = codec.encode(np.zeros((9, 10, 3), np.uint8), Sending(rate="1/12"))
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (9, 10, 3)


def test_the_linear_code_is_fitted_and_not_trained(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(model={"network": "linear", "patch": 8}, steps=2, linear_learning_rate=0)
    codec = load("linear", result.weights)
    state = torch.load(tmp_path / "out" / "last.pt", weights_only=True)["model"]
    torch.testing.assert_close(state["klt.analysis"], state["klt.synthesis"], rtol=0, atol=0)
    image = np.full((8, 8, 3), 99, np.uint8)
    out = codec.decode(codec.encode(image, Sending(rate="1/6", esn0_db=20)).heard(0.001), Receiving())
    assert abs(out.astype(int) - 99).max() <= 2


def test_bases_do_not_decay_and_learn_at_a_rate_of_their_own(recipe: Callable[..., Any]) -> None:
    config = recipe(DeepJsccRun, learning_rate=1e-2, linear_learning_rate=1e-4, warmup_steps=9, weight_decay=0.1)
    begun = DeepJsccRun(config, torch.device("cpu"))
    others, bases = begun.optimizer.param_groups
    assert (others["weight_decay"], bases["weight_decay"]) == (0.1, 0)
    assert {id(p) for p in bases["params"]} == {id(p) for p in begun.model.klt.parameters()}
    assert sum(len(group["params"]) for group in (others, bases)) == len(list(begun.model.parameters()))
    for step, progress, share in ((0, 0.0, 0.1), (100, 0.5, 0.505), (100, 1.0, 0.01)):
        begun.step = step
        found = begun.learning_rates(config.phases[0], 0.0, progress)
        assert found == pytest.approx((1e-2 * share, 1e-4 * share))


def test_training_on_constellations_starts_from_shipped_weights_and_makes_the_error_smaller(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = run("start", model=FIVE_LAYER, steps=1).weights
    for path in (start, start.with_suffix(".json")):
        path.rename(path.with_stem("adaptive"))
    monkeypatch.setattr(type(SHIPPED), "folder", start.parent)
    recipe = {"start_from": "adaptive", "bits_per_symbol": [2, 8], "model": FIVE_LAYER}
    result = run("q", steps=99, **recipe)
    curve = rows(tmp_path / "q" / "curve.csv")
    assert set(curve[0]) == {"step", "minutes", "psnr_db", "1/12 10dB 4-QAM", "1/12 10dB 256-QAM"}
    assert float(curve[-1]["psnr_db"]) > float(curve[0]["psnr_db"]) + 0.1
    card = TorchEngine(result.weights).card
    assert card.name == "deepjscc-quantised"
    assert "DeepJSCC-Q" in card.paper
    assert card.training.recipe["bits_per_symbol"] == [2, 8]
    assert set(card.metrics) == {f"validation PSNR in dB: 1/12 10dB {order}-QAM" for order in (4, 256)}


def test_weights_of_another_size_are_no_start(run: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=r"start_from: adaptive\.safetensors is of another network than 'model' says"):
        run(start_from="adaptive")


def test_a_perceptual_loss_keeps_the_last_weights(run: Callable[..., Any], tmp_path: Path, squeezenet: Path) -> None:
    """PSNR falls as it is learnt."""
    changes = {"perceptual": "squeezenet", "perceptual_weight": 1.0, "learning_rate": 0.1, "validate_minutes": 1e-9}
    changes["phases"] = PHASES[1:]
    card = TorchEngine(run(weights=squeezenet, steps=3, model=FIVE_LAYER, **changes).weights).card
    psnr = [float(row["psnr_db"]) for row in rows(tmp_path / "out" / "curve.csv")]
    assert psnr[-1] < max(psnr)
    assert (card.name, card.training.steps) == ("deepjscc-perceptual", 3)


def test_an_adversarial_loss_trains_both_sides_and_keeps_the_network_alone(
    run: Callable[..., Any], tmp_path: Path, squeezenet: Path
) -> None:
    changes = {"adversarial": {"widths": [4, 8]}, "perceptual": "squeezenet", "phases": PHASES[1:], "steps": 3}
    engine = TorchEngine(run(weights=squeezenet, **changes).weights)
    assert engine.card.name == "deepjscc-gan"
    assert not [name for name in engine.network.state_dict() if "discriminator" in name]
    state = torch.load(tmp_path / "out" / "last.pt", weights_only=True)
    names = [name for name in state["model"] if name.startswith("discriminator.")]
    assert names
    start = DeepJsccRun(DeepJsccRun.recipe.model_validate_json(state["config"]), torch.device("cpu")).model.state_dict()
    weights = [name for name in names if name.endswith(".original")]
    assert all(not torch.equal(state["model"][name], start[name]) for name in weights)


def test_the_discriminator_sees_a_part_of_each_crop(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    run, shown = ready(
        DeepJsccRun, recipe(DeepJsccRun, **{**FEW, "adversarial": {"widths": [4]}, "phases": PHASES[1:]})
    )
    seen = []
    run.model.discriminator.register_forward_pre_hook(lambda _, given: seen.extend(given))
    take_step(run, shown, 0.0)
    assert {tuple(one.shape) for one in seen} == {(2, 3, 32, 32)}  # of 40
    assert torch.equal(seen[-1], seen[1])  # the photographs beside which both were judged


@pytest.mark.parametrize(("widths", "crop", "least"), [((4, 8), 8, 16), ((4, 8), 20, 16), ((4,) * 5, 32, 40)])
def test_crops_that_no_discriminator_can_judge_are_refused(
    recipe: Callable[..., Any], widths: tuple[int, ...], crop: int, least: int
) -> None:
    phases = [{"until": 1, "crop": crop, "batch": 1}]
    with pytest.raises(ValidationError, match=f"expected crops of multiples of 8 from {least}, got {crop}"):
        recipe(DeepJsccRun, adversarial={"widths": widths}, phases=phases)


def test_a_network_starts_from_a_smaller_one_that_it_grew_from(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first step it scores as that one did."""
    first = run("first", steps=2).weights
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in (first, first.with_suffix(".json")):
        (folder / f"adaptive{file.suffix}").write_bytes(file.read_bytes())
    monkeypatch.setattr(SHIPPED, "home", tmp_path)
    small = TorchEngine(first).card.config
    run("grown", steps=1, start_from="adaptive", model={**small, "encoder_fine_blocks": 1, "decoder_fine_blocks": 1})
    before, after = (rows(tmp_path / name / "curve.csv") for name in ("first", "grown"))
    start, end = float(after[0]["psnr_db"]), float(before[-1]["psnr_db"])
    assert start == pytest.approx(end, abs=0.02)  # weights in half precision
