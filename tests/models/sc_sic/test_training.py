from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from semcom.errors import UsageError, WeightsError
from semcom.models.model_card import ModelCard
from semcom.models.sc_sic.assemble import assemble
from semcom.models.sc_sic.codec import Receiving, Sending
from semcom.models.sc_sic.config import ScSicConfig, StageBConfig, TrainConfig
from semcom.models.sc_sic.engine import load
from semcom.models.sc_sic.names import SHIPPED
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.sc_sic.validation import _crop
from semcom.models.training.step import take_step
from semcom.models.training.train import train
from semcom.models.weights.file import sha256_of

FIVE = {"steps": 5, "fit_crops": 16, "validation_pictures": 1, "validation_esn0_db": (10.0,)}
SMALL = {  # the miniature's kind of network, as small as it gets
    "semantic": {"kind": "small", "channels": 8, "width": 8, "blocks": 1},
    "stage_a": {"width": 16, "blocks": 1, "codebook": 16, "scale": 1.0},
    "stage_b": {
        **{"widths": [16, 32], "heads": [0, 2], "down_layers": [1, 1], "up_layers": [1, 1], "up_repeats": [1, 1]},
        **{"dropout": [0, 0], "text_width": 16, "text_tokens": 1, "prior": "linear", "told": "noise"},
    },
}


@pytest.fixture(scope="module")
def whole(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five steps."""
    out = tmp_path_factory.mktemp("whole")
    assert train(ScSicRun, recipe(ScSicRun, **FIVE), pictures, out).steps == 5
    return out


def test_a_recipe_runs_to_its_end_and_its_weights_carry_pictures(whole: Path) -> None:
    phases = ("autoencoder", "joint", "channel")
    expected = {f"{name}.{kind}" for name in (*phases, "best") for kind in ("safetensors", "json")}
    assert {path.name for path in whole.iterdir()} == {"last.pt", *expected, *(f"curve-{name}.csv" for name in phases)}
    for name in phases:
        head, row = (line.split(",") for line in (whole / f"curve-{name}.csv").read_text().splitlines())
        assert all(np.isfinite(float(value)) for key, value in zip(head, row, strict=True) if key != "phase")
    codec = load("tiny", whole / "best.safetensors")
    image = np.random.default_rng(1).integers(0, 256, (128, 256, 3), dtype=np.uint8)
    frame = codec.encode(image, Sending())
    assert frame.features.shape == (16 * 3 * 6,)
    assert codec.decode(frame.heard(0.1), Receiving(steps=2)).shape == (128, 256, 3)


@pytest.mark.slow
def test_a_small_encoder_is_fitted_learns_and_is_then_frozen(
    recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    """The same batch with the same noise, again and again; of pictures too, where samples are drawn at t = 1."""
    phases: list[dict[str, object]] = [
        {"name": "joint", "until": 0.5, "trains": ["encoder", "stage_b"], "crop": 64, "batch": 4, "noise": "white"},
        {"name": "channel", "until": 1, "trains": ["stage_b"], "crop": 64, "batch": 4, "downscale": [1, 0.5]},
    ]
    for phase in phases:
        phase.update(end_share=0.5, pixel_weight=0.5)
    run, shown = ready(ScSicRun, recipe(ScSicRun, model=SMALL, phases=phases, warmup_steps=0))
    for progress, phase in zip((0.25, 0.75), run.config.phases, strict=True):
        run.prepare(phase, shown)
        before = {name: value.clone() for name, value in run.model.state_dict().items()}
        losses = []
        for _ in range(12):
            run.step = 0
            losses.append(float(take_step(run, shown, progress)["error"]))
        assert losses[-1] < losses[0], phase.name
        moved = {key for key, value in run.model.state_dict().items() if not torch.equal(value, before[key])}
        assert {key.partition(".")[0] for key in moved} == set(phase.trains), phase.name


def test_checkpointed_activations_give_the_same_step(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    steps = []
    for checkpointing in (True, False):
        run, shown = ready(ScSicRun, recipe(ScSicRun, checkpointing=checkpointing, precision="float32"))
        run.fitted = ["encoder", "stage_b"]
        steps.append((float(take_step(run, shown, 0.9)["loss"]), run.model.stage_b.state_dict()))
    assert steps[0][0] == pytest.approx(steps[1][0], rel=1e-5)
    for name, value in steps[0][1].items():
        torch.testing.assert_close(steps[1][1][name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_a_start_takes_the_parts_that_fit_and_trains_the_others_afresh(
    whole: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    start = str(whole / "best.safetensors")
    model = recipe(ScSicRun).model.model_dump()
    other = {**model, "stage_b": {**model["stage_b"], "widths": [8, 32]}}
    run, _ = ready(ScSicRun, recipe(ScSicRun, start_from=start, model=other))
    assert (run.loaded, run.fitted) == (["encoder", "stage_a"], ["encoder"])
    told = load_file(start)
    for name, value in run.model.stage_a.state_dict().items():
        torch.testing.assert_close(value, told[f"stage_a.{name}"].to(value), msg=name)
    none = {**SMALL, "stage_a": {**SMALL["stage_a"], "width": 8}}
    phases = [{"name": "a", "until": 1, "trains": ["stage_b"], "crop": 64, "batch": 2}]
    for name, sizes, message in (
        (start, none, "none of its parts has the sizes of 'model'; give model its card's sizes"),
        ("nothing", model, "no weights 'nothing' are shipped; expected one of"),
        ("no/folder", model, r"start_from: no/folder: .* `semcom fetch sc-sic --out no/folder`"),
    ):
        with pytest.raises(UsageError, match=message):
            ready(ScSicRun, recipe(ScSicRun, start_from=name, model=sizes, phases=phases))


def test_fine_tuning_starts_from_a_folder_of_published_files_and_keeps_stage_b_alone(
    recipe: Callable[..., Any], ready: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    config = recipe(ScSicRun)
    torch.manual_seed(3)
    network = ScSic(config.model)
    folder = tmp_path / "published"
    folder.mkdir()
    save_file(network.encoder.state_dict(), folder / "effnet_encoder.safetensors")
    save_file(network.stage_a.vqgan.state_dict(), folder / "stage_a.safetensors")
    save_file(network.stage_b.unet.state_dict(), folder / "stage_b_lite_bf16.safetensors")
    phases = [{"name": "channel", "until": 1, "trains": ["stage_b"], "crop": 128, "batch": 2}]
    out = tmp_path / "out"
    train(ScSicRun, recipe(ScSicRun, **{**FIVE, "steps": 2}, start_from=str(folder), phases=phases), pictures, out)
    tuned = load_file(out / "best.safetensors")
    assert {name.split(".")[0] for name in tuned} == {"stage_b"}
    (folder / "stage_b_lite_bf16.safetensors").write_bytes((out / "best.safetensors").read_bytes())
    run, _ = ready(ScSicRun, recipe(ScSicRun, start_from=str(folder)))  # what came out goes in again
    for name, value in run.model.stage_b.state_dict().items():
        torch.testing.assert_close(value, tuned[f"stage_b.{name}"].to(value), msg=name)
    (folder / "stage_a.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"stage_a\.safetensors"):
        ready(ScSicRun, recipe(ScSicRun, start_from=str(folder)))


def test_the_papers_recipe_is_the_papers(recipe: Callable[..., Any]) -> None:
    """Section 4.1; sizes of D-SIC's configuration of the lite network."""
    config = recipe(ScSicRun, "paper")
    (phase,) = config.phases
    assert config.model == SIZES["lite"] == ScSicConfig()
    assert (config.steps, phase.batch, phase.crop, config.esn0_db) == (15000, 4, 1024, (1.0, 20.0))
    assert phase.trains == ("stage_b",)
    assert (phase.noise, phase.embedding_dropout, config.precision) == ("pyramid", 0.1, "bfloat16")
    assert (phase.learning_rate, phase.final_share) == (1e-4, 1)  # it stays


@pytest.mark.parametrize("name", ["mini-48", "mini-341"])
def test_the_miniature_has_at_most_12_million_parameters(name: str, recipe: Callable[..., Any]) -> None:
    config = recipe(ScSicRun, name)
    with torch.device("meta"):
        network = ScSic(config.model)
    assert sum(value.numel() for value in network.parameters()) < 12e6


def test_the_perceptual_loss_reaches_stage_a(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    """Any function of two batches will do here; that of a recipe has weights that are not shipped."""
    phases = [{"name": "a", "until": 1, "trains": ["stage_a"], "crop": 64, "batch": 2, "perceptual_weight": 1.0}]
    run, shown = ready(ScSicRun, recipe(ScSicRun, model=SMALL, phases=phases, perceptual_scale=2.0))
    asked = []

    def distance(picture: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        asked.append((picture.requires_grad, picture.shape == image.shape))
        return (picture - image).abs().flatten(1).mean(1)

    run.perceptual = distance
    losses = {name: float(value) for name, value in take_step(run, shown, 0.0).items()}
    assert asked == [(True, True)]
    assert losses["loss"] == pytest.approx(100 * losses["error"] + 2 * losses["perceptual"], rel=1e-4)


@pytest.mark.parametrize("variant", ["mini-48", "mini-341"])
def test_shipped_weights_fit_their_recipe(variant: str, recipe: Callable[..., Any]) -> None:
    assert assemble(variant).config == recipe(ScSicRun, variant).model
    assert (SHIPPED.folder / f"{variant}.csv").is_file()


@pytest.mark.parametrize(
    ("phase", "message"),
    [
        ({"trains": ["stage_a", "stage_b"]}, "trains: expected stage_a alone, or others without it"),
        ({"trains": ["stage_b"], "crop": 100}, "phase a: crop: expected a multiple of 32, got 100"),
    ],
)
def test_a_phase_says_what_it_cannot_be(
    phase: dict[str, object], message: str, recipe: Callable[..., Any], tmp_path: Path
) -> None:
    config = recipe(ScSicRun).model_dump(mode="json")
    config["phases"] = [{"name": "a", "until": 1, "crop": 64, "batch": 1, **phase}]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(UsageError, match=message):
        TrainConfig.read(path)


def test_small_pictures_are_mirrored_for_validation() -> None:
    small = np.random.default_rng(1).integers(0, 256, (100, 300, 3), dtype=np.uint8)
    crop = _crop(small, 256, torch.device("cpu"))
    assert crop.shape == (1, 3, 128, 256)
    torch.testing.assert_close(crop[..., 100:, :], crop[..., 72:100, :].flip(2))


def test_a_part_that_was_trained_anew_takes_nothing_from_the_weights_it_began_with(
    recipe: Callable[..., Any], tmp_path: Path
) -> None:
    config = recipe(ScSicRun).model
    smaller = config.model_copy(
        update={"stage_b": StageBConfig(**{**config.stage_b.model_dump(), "up_repeats": (1, 1)})}
    )
    one, other = (tmp_path / f"{name}.safetensors" for name in ("one", "other"))
    tensors = {key: value.contiguous() for key, value in ScSic(config).state_dict().items()}
    save_file(tensors, one)
    save_file({k: v.contiguous() for k, v in ScSic(smaller).state_dict().items() if k.startswith("stage_b.")}, other)
    card = ModelCard.read(SHIPPED.folder / "mini-48.json")
    for path, sizes, base in ((one, config, None), (other, smaller, one.name)):
        changes = {"config": sizes.model_dump(mode="json"), "sha256": sha256_of(path), "base": base}
        path.with_suffix(".json").write_text(card.model_copy(update=changes).model_dump_json())
    assert assemble("any", other).config == smaller
