import csv
from pathlib import Path

import numpy as np
import pytest
import semcom.models.sc_sic
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from semcom.errors import UsageError, WeightsError
from semcom.models.model_card import ModelCard
from semcom.models.perceptual.build import build_perceptual
from semcom.models.sc_sic import train as module
from semcom.models.sc_sic.codec import ScSicCodec
from semcom.models.sc_sic.config import ScSicConfig, StageBConfig, TrainConfig
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.shipped import WEIGHTS
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.train import Run, learning_rate, phase_at, take_step, train
from semcom.models.sc_sic.validation import _crop
from semcom.models.training.pictures import Pictures, read_pictures
from semcom.models.weights import sha256_of

CONFIGS = Path(semcom.models.sc_sic.__file__).parent / "configs"
EVERY_STEP = {"checkpoint_minutes": 1e-9, "validate_minutes": 1e9}
FIVE = {"steps": 5, "fit_crops": 16, "validation_pictures": 1, "validation_esn0_db": (10.0,), **EVERY_STEP}
SMALL = {  # the miniature's kind of network, as small as it gets
    "semantic": {"kind": "small", "channels": 8, "width": 8, "blocks": 1},
    "stage_a": {"width": 16, "blocks": 1, "codebook": 16, "scale": 1.0},
    "stage_b": {
        **{"widths": [16, 32], "heads": [0, 2], "down_layers": [1, 1], "up_layers": [1, 1], "up_repeats": [1, 1]},
        **{"dropout": [0, 0], "text_width": 16, "text_tokens": 1, "prior": "linear", "told": "noise"},
    },
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty smooth pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for n in range(20):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((160, 128), Image.Resampling.BICUBIC).save(folder / f"smooth_{n:03d}.png")
    return folder


def recipe(name: str = "tiny", **changes: object) -> TrainConfig:
    found = TrainConfig.read(CONFIGS / f"{name}.yaml").model_dump()
    return TrainConfig.model_validate({**found, "threads": 1, **changes})


def small(**changes: object) -> TrainConfig:
    phases = [
        {"name": "joint", "until": 0.5, "trains": ["encoder", "stage_b"], "crop": 64, "batch": 4, "noise": "white"},
        {"name": "channel", "until": 1, "trains": ["stage_b"], "crop": 64, "batch": 4, "downscale": [1, 0.5]},
    ]
    for phase in phases:
        phase.update(end_share=0.5, pixel_weight=0.5)
    return recipe(**{"model": SMALL, "phases": phases, **changes})


def ready(config: TrainConfig, pictures: Path) -> tuple[Run, Pictures]:
    torch.set_num_threads(1)
    run, (shown, _) = Run(config, torch.device("cpu")), read_pictures(pictures, config)
    module._start(run)
    run.start_ema()
    return run, shown


def saved(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "last.pt", weights_only=True)
    ema = {f"ema.{name}": value for name, value in state["ema"].items()}
    return {**state["model"], **ema, **state["weight"]}


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert train(recipe(**FIVE), pictures, out).steps == 5
    return out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tiny", "small"])
def test_each_phase_moves_its_own_parts_and_lowers_its_loss(kind: str, pictures: Path) -> None:
    """The same batch with the same noise, again and again."""
    config = recipe(warmup_steps=0) if kind == "tiny" else small(warmup_steps=0)
    run, shown = ready(config, pictures)
    begin = 0.0
    for phase in config.phases:
        middle, begin = (begin + phase.until) / 2, phase.until
        before = {name: value.clone() for name, value in run.model.state_dict().items()}
        losses = []
        for _ in range(12):
            run.step = 0
            if len(run.fitted) < 2:
                module._fit(run, shown, phase)
                before = {name: value.clone() for name, value in run.model.state_dict().items()}
            losses.append(take_step(run, shown, None, middle))
        assert losses[-1].error < losses[0].error, phase.name
        moved = {key for key, value in run.model.state_dict().items() if not torch.equal(value, before[key])}
        expected = set(phase.trains)
        assert {key.partition(".")[0] for key in moved} == expected, phase.name
        assert not any("vquantizer" in key for key in moved)


def test_a_recipe_runs_to_its_end_and_its_weights_carry_pictures(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    phases = ("autoencoder", "joint", "channel")
    expected = {f"{name}.{kind}" for name in (*phases, "best") for kind in ("safetensors", "json")}
    assert names == {"last.pt", *expected, *(f"curve-{name}.csv" for name in phases)}
    for name in phases:
        with (whole / f"curve-{name}.csv").open() as file:
            row = next(csv.DictReader(file))
        assert all(np.isfinite(float(value)) for key, value in row.items() if key != "phase")
    codec = ScSicCodec.shipped("tiny", whole / "best.safetensors")
    image = np.random.default_rng(1).integers(0, 256, (128, 256, 3), dtype=np.uint8)
    embedding = codec.encode(image)
    assert embedding.shape == (16, 3, 6)
    rng = np.random.default_rng(2)
    assert codec.decode(embedding, 0.1, height=128, width=256, rng=rng, steps=2).shape == (128, 256, 3)


@pytest.mark.parametrize("step", [1, 3])
def test_cut_off_and_resumed_is_the_same_as_never_cut_off(
    whole: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Dropout and embedding dropout included: each step has its own streams."""
    real = module.take_step

    def cut(run: Run, *rest: object) -> object:
        if run.step == step:
            raise KeyboardInterrupt
        return real(run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "take_step", cut)
    with pytest.raises(KeyboardInterrupt):
        train(recipe(**FIVE), pictures, tmp_path)
    monkeypatch.undo()
    assert train(recipe(**FIVE), pictures, tmp_path).steps == 5
    found, expected = saved(tmp_path), saved(whole)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, msg=name)


def test_another_recipe_is_not_resumed(whole: Path, pictures: Path) -> None:
    with pytest.raises(UsageError, match=r"last\.pt: is of another recipe; give another folder"):
        train(recipe(**FIVE, seed=9), pictures, whole)


def test_checkpointed_activations_give_the_same_step(pictures: Path) -> None:
    steps = []
    for checkpointing in (True, False):
        run, shown = ready(recipe(checkpointing=checkpointing, precision="float32"), pictures)
        run.fitted = ["encoder", "stage_b"]
        losses = take_step(run, shown, None, 0.9)
        steps.append((losses.loss, run.model.stage_b.state_dict()))
    assert steps[0][0] == pytest.approx(steps[1][0], rel=1e-5)
    for name, value in steps[0][1].items():
        torch.testing.assert_close(steps[1][1][name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_a_start_takes_the_parts_that_fit_and_trains_the_others_afresh(
    whole: Path, pictures: Path, tmp_path: Path
) -> None:
    start = str(whole / "best.safetensors")
    model = SIZES["tiny"].model_dump() | {"stage_b": {**SIZES["tiny"].stage_b.model_dump(), "widths": [8, 32]}}
    model["semantic"] = recipe().model.semantic.model_dump()
    model["stage_a"] = recipe().model.stage_a.model_dump()
    run, _ = ready(recipe(start_from=start, model=model), pictures)
    assert run.loaded == ["encoder", "stage_a"]
    told = load_file(start)
    for name, value in run.model.stage_a.state_dict().items():
        torch.testing.assert_close(value, told[f"stage_a.{name}"].to(value), msg=name)
    with pytest.raises(UsageError, match="none of its parts has the sizes of 'model'; give model its card's sizes"):
        train(
            small(**FIVE, start_from=start, model={**SMALL, "stage_a": {**SMALL["stage_a"], "width": 8}}),
            pictures,
            tmp_path,
        )
    with pytest.raises(UsageError, match="no weights 'nothing' are shipped; expected one of"):
        train(recipe(**FIVE, start_from="nothing"), pictures, tmp_path)
    with pytest.raises(UsageError, match=r"start_from: no/folder: .* `semcom fetch sc-sic --out no/folder`"):
        train(recipe(**FIVE, start_from="no/folder"), pictures, tmp_path)


def test_fine_tuning_starts_from_a_folder_of_published_files_and_keeps_stage_b_alone(
    pictures: Path, tmp_path: Path
) -> None:
    config = recipe(**FIVE)
    torch.manual_seed(3)
    network = ScSic(config.model)
    folder = tmp_path / "published"
    folder.mkdir()
    save_file(network.encoder.state_dict(), folder / "effnet_encoder.safetensors")
    save_file(network.stage_a.vqgan.state_dict(), folder / "stage_a.safetensors")
    save_file(network.stage_b.unet.state_dict(), folder / "stage_b_lite_bf16.safetensors")
    phases = [{"name": "channel", "until": 1, "trains": ["stage_b"], "crop": 128, "batch": 2}]
    out = tmp_path / "out"
    train(recipe(**{**FIVE, "steps": 2}, start_from=str(folder), phases=phases), pictures, out)
    tuned = load_file(out / "best.safetensors")
    assert {name.split(".")[0] for name in tuned} == {"stage_b"}
    (folder / "stage_b_lite_bf16.safetensors").write_bytes((out / "best.safetensors").read_bytes())
    run, _ = ready(recipe(start_from=str(folder)), pictures)  # what came out goes in again
    for name, value in run.model.stage_b.state_dict().items():
        torch.testing.assert_close(value, tuned[f"stage_b.{name}"].to(value), msg=name)
    (folder / "stage_a.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"stage_a\.safetensors"):
        train(recipe(**FIVE, start_from=str(folder)), pictures, tmp_path / "other")


def test_a_batch_that_cannot_be_shared_is_refused(pictures: Path, tmp_path: Path) -> None:
    phases = [{"name": "a", "until": 1, "trains": ["stage_a"], "crop": 128, "batch": 3, "accumulate": 2}]
    with pytest.raises(UsageError, match="phase a: expected a batch that 1 processes share in 2 pieces, got 3; change"):
        train(recipe(**FIVE, phases=phases), pictures, tmp_path)


def test_the_papers_recipe_is_the_papers() -> None:
    """Section 4.1; sizes of D-SIC's configuration of the lite network."""
    config = recipe("paper")
    (phase,) = config.phases
    assert config.model == SIZES["lite"] == ScSicConfig()
    assert (config.steps, phase.batch, phase.crop, config.esn0_db) == (15000, 4, 1024, (1.0, 20.0))
    assert phase.trains == ("stage_b",)
    assert (phase.noise, phase.embedding_dropout, config.precision) == ("pyramid", 0.1, "bfloat16")
    assert [learning_rate(config, phase, done, 100) for done in (0.0, 0.5, 1.0)] == [1e-4] * 3


@pytest.mark.parametrize("name", ["mini-48", "mini-341"])
def test_the_miniature_has_at_most_12_million_parameters_and_its_phases_follow_each_other(name: str) -> None:
    config = recipe(name)
    with torch.device("meta"):
        network = ScSic(config.model)
    assert sum(value.numel() for value in network.parameters()) < 12e6
    shares = [0.0, *(phase.until for phase in config.phases)]
    for begin, phase in zip(shares, config.phases, strict=False):
        assert phase_at(config, begin) == (phase, 0.0)
    assert phase_at(config, 1.0) == (config.phases[-1], 1.0)


def test_the_perceptual_loss_reaches_stage_a(pictures: Path) -> None:
    """Any function of two batches will do here; that of a recipe has weights that are not shipped."""
    phases = [{"name": "a", "until": 1, "trains": ["stage_a"], "crop": 64, "batch": 2, "perceptual_weight": 1.0}]
    run, shown = ready(small(phases=phases, perceptual_scale=2.0), pictures)
    asked = []

    def distance(picture: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        asked.append((picture.requires_grad, picture.shape == image.shape))
        return (picture - image).abs().flatten(1).mean(1)

    losses = take_step(run, shown, distance, 0.0)
    assert asked == [(True, True)]
    assert losses.loss == pytest.approx(100 * losses.error + 2 * losses.perceptual, rel=1e-4)
    with pytest.raises(UsageError, match="needs weights and ships none"):
        build_perceptual("squeezenet", None)


@pytest.mark.parametrize("variant", ["mini-48", "mini-341"])
def test_shipped_weights_fit_their_recipe(variant: str) -> None:
    codec = ScSicCodec.shipped(variant)
    assert codec.network.config == recipe(variant).model
    assert (WEIGHTS / f"{variant}.csv").is_file()


def test_a_phase_says_what_it_cannot_be() -> None:
    with pytest.raises(UsageError, match="trains: expected stage_a alone, or others without it"):
        TrainConfig.read(_written(recipe().model_dump(mode="json"), trains=["stage_a", "stage_b"]))


def test_a_crop_that_the_network_does_not_take_is_said_before_any_step() -> None:
    with pytest.raises(UsageError, match="phase a: crop: expected a multiple of 32, got 100"):
        TrainConfig.read(_written(recipe().model_dump(mode="json"), trains=["stage_b"], crop=100))


def test_small_pictures_are_mirrored_for_validation() -> None:
    small = np.random.default_rng(1).integers(0, 256, (100, 300, 3), dtype=np.uint8)
    crop = _crop(small, 256)
    assert crop.shape == (1, 3, 128, 256)
    torch.testing.assert_close(crop[..., 100:, :], crop[..., 72:100, :].flip(2))


def test_a_part_that_was_trained_anew_takes_nothing_from_the_weights_it_began_with(tmp_path: Path) -> None:
    config = recipe().model
    smaller = config.model_copy(
        update={"stage_b": StageBConfig(**{**config.stage_b.model_dump(), "up_repeats": (1, 1)})}
    )
    one, other = (tmp_path / f"{name}.safetensors" for name in ("one", "other"))
    tensors = {key: value.contiguous() for key, value in ScSic(config).state_dict().items()}
    save_file(tensors, one)
    save_file({k: v.contiguous() for k, v in ScSic(smaller).state_dict().items() if k.startswith("stage_b.")}, other)
    card = ModelCard.read(WEIGHTS / "mini-48.json")
    for path, sizes, base in ((one, config, None), (other, smaller, one.name)):
        changes = {"config": sizes.model_dump(mode="json"), "sha256": sha256_of(path), "base": base}
        path.with_suffix(".json").write_text(card.model_copy(update=changes).model_dump_json())
    assert ScSicCodec.shipped("any", other).network.config == smaller


def _written(config: dict[str, object], **phase: object) -> Path:
    import tempfile

    import yaml

    config["phases"] = [{"name": "a", "until": 1, "crop": 64, "batch": 1, **phase}]
    path = Path(tempfile.mkdtemp()) / "recipe.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
