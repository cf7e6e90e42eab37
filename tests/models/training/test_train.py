"""The trainer, with a system made up here: what every system's training can rely on."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from semcom.errors import UsageError, WeightsError
from semcom.models.config import Config
from semcom.models.system import System
from semcom.models.training.batch import Batch, Losses
from semcom.models.training.pictures import Pictures, draw_images, read_pictures
from semcom.models.training.recipe import LearningPhase, Recipe
from semcom.models.training.run import Run
from semcom.models.training.step import take_step
from semcom.models.training.train import Result, train
from semcom.models.training.validation import Quality, Scores, centre_crop, evenly, psnr_db
from semcom.models.weights.file import load_weights
from torch import Tensor, nn

PATCH = 4


class Sizes(Config):
    features: int = 6


class ToyRecipe(Recipe):
    model: Sizes = Sizes()
    variant: str = "small"
    phases: tuple[LearningPhase, ...]


class Toy(nn.Module):
    """A linear code of patches."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.encode = nn.Conv2d(3, features, PATCH, PATCH)
        self.decode = nn.ConvTranspose2d(features, 3, PATCH, PATCH)
        self.drop = nn.Dropout(0.1)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.decode(self.drop(self.encode(images)))
        return found


class ToyRun(Run[ToyRecipe, Toy]):
    system = System(module=__name__, doc="A toy.", paper="Nobody, 2025", numbers={"small": 200})
    recipe = ToyRecipe

    def build(self) -> Toy:
        return Toy(self.config.model.features)

    def start(self, pictures: Pictures) -> None:
        patches = draw_images(pictures, 64, PATCH, np.random.default_rng(self.config.seed), self.device)
        nn.init.constant_(self.model.decode.bias, float(patches.mean()))

    def losses(self, batch: Batch[LearningPhase]) -> Losses:
        images = batch.images()
        sigma = 10 ** (-batch.uniform(self.config.esn0_db) / 20)
        noise = torch.randn(images.shape, generator=batch.generator) * sigma[:, None, None, None]
        mse = (self.model(images + 0.1 * noise) - images).square().mean()
        return {"loss": mse, "level_db": 10 * mse.log10(), "kind": batch.phase.name}

    def validate(self, network: Toy, held: Pictures, phase: LearningPhase) -> Scores:
        quality = Quality(self.perceptual)
        for whole in evenly(held, self.config.validation_pictures):
            image = centre_crop(whole, 32, 32, self.device)
            quality.add("clean", network(image), image)
        return Scores(quality.mean_of("PSNR in dB"), quality.means())


def config(**changes: object) -> ToyRecipe:
    phases = [
        {"name": "large", "until": 0.5, "crop": 16, "batch": 4, "learning_rate": 1e-2},
        {"name": "small", "until": 1, "crop": 8, "batch": 4, "accumulate": 2, "learning_rate": 1e-2},
    ]
    few = {"steps": 8, "phases": phases, "threads": 1, "precision": "float32", "warmup_steps": 2}
    clocks = {"checkpoint_minutes": 1e-9, "validate_minutes": 1e9}
    return ToyRecipe.model_validate({**few, **clocks, **changes})


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return [{name: value for name, value in row.items() if name != "minutes"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert train(ToyRun, config(), pictures, out).steps == 8
    return out


def test_it_learns_and_leaves_weights_with_a_card_and_tables(pictures: Path, tmp_path: Path) -> None:
    result = train(ToyRun, config(steps=120), pictures, tmp_path)
    names = ("last.pt", "best.safetensors", "best.json", "log.csv", "curve-large.csv", "curve-small.csv")
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    first, last = rows(tmp_path / "log.csv")
    assert list(first) == ["step", "phase", "loss", "level_db", "kind", "learning_rate"]
    assert [(row["step"], row["phase"], row["kind"]) for row in (first, last)] == [
        ("50", "large", "large"),
        ("100", "small", "small"),
    ]
    assert float(last["loss"]) < float(first["loss"])
    _, held = read_pictures(pictures, config())
    crops = [centre_crop(whole, 32, 32, torch.device("cpu")) for whole in held.pixels]
    assert result.best_score > np.mean([psnr_db(crop.mean((2, 3), keepdim=True), crop) for crop in crops])
    (curve,) = rows(tmp_path / "curve-small.csv")
    assert (curve["step"], curve["phase"]) == ("120", "small")
    assert float(curve["score"]) == pytest.approx(result.best_score, abs=1e-4)
    card, tensors = load_weights(result.weights)
    assert tensors.keys() == Toy(6).state_dict().keys()
    assert (card.name, card.paper, card.config, card.base) == ("training-small", "Nobody, 2025", {"features": 6}, None)
    training = card.training
    assert training.command == "semcom train training --config CONFIG --data DIR"
    assert (training.steps, training.curve, training.machine) == (120, "curve-small.csv", "CPU, 1 threads")
    assert training.recipe["phases"][1]["accumulate"] == 2
    assert card.metrics == {"validation, clean: PSNR in dB": float(curve["clean: PSNR in dB"])}


@pytest.mark.parametrize("step", [1, 4])
def test_cut_off_and_resumed_is_the_same_as_never_cut_off(
    step: int,
    whole: Path,
    pictures: Path,
    tmp_path: Path,
    cut_and_resume: Callable[..., None],
    assert_same: Callable[[Path, Path], None],
) -> None:
    """Dropout included, which draws from torch's own generator."""
    cut_and_resume(ToyRun, step, config(), pictures, tmp_path)
    assert_same(tmp_path, whole)


def test_rows_after_the_checkpoint_are_dropped_on_resuming(whole: Path, pictures: Path, tmp_path: Path) -> None:
    for path in whole.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "curve-small.csv").open("a") as file:
        file.write("9,9,small,99,99\n")
    train(ToyRun, config(), pictures, tmp_path)
    assert [row["step"] for row in rows(tmp_path / "curve-small.csv")] == ["8"]


def test_what_is_no_checkpoint_of_this_recipe_is_refused(whole: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"last\.pt: is of another recipe; give another folder"):
        train(ToyRun, config(seed=9), pictures, whole)
    with pytest.raises(UsageError, match="a run is there already; give another folder, or go on with it"):
        train(ToyRun, config(), pictures, whole, resume=False)
    state = torch.load(whole / "last.pt", weights_only=True)
    torch.save({name: value for name, value in state.items() if name != "best_score"}, tmp_path / "last.pt")
    with pytest.raises(UsageError, match=r"last\.pt: is of other phases or of another version \('best_score'\); give"):
        train(ToyRun, config(), pictures, tmp_path)
    torch.save({**state, "config": "{}"}, tmp_path / "last.pt")
    with pytest.raises(UsageError, match=r"last\.pt: is of another recipe; give another folder"):
        train(ToyRun, config(), pictures, tmp_path)
    (tmp_path / "last.pt").write_bytes((whole / "last.pt").read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"last\.pt: not a whole checkpoint; remove it to start afresh"):
        train(ToyRun, config(), pictures, tmp_path)


def test_a_batch_that_cannot_be_shared_is_refused(pictures: Path, tmp_path: Path) -> None:
    phases = [{"name": "a", "until": 1, "crop": 16, "batch": 4, "accumulate": 3}]
    with pytest.raises(UsageError, match="phase a: expected a batch that 1 processes share in 3 pieces, got 4; change"):
        train(ToyRun, config(phases=phases), pictures, tmp_path)


class Scored(ToyRun):
    """Keeps its weights under the number of the step; not a number in the second half of either phase."""

    scores: ClassVar = [1.0, 3.0, 2.0, math.nan, 0.5, 0.7, 0.6, math.nan]

    def validate(self, network: Toy, held: Pictures, phase: LearningPhase) -> Scores:
        return Scores(self.scores[self.step - 1], {})

    def files(self, phase: LearningPhase) -> list[str]:
        return [f"kept-{self.step}"]

    def keeps(self, name: str) -> bool:
        return name.startswith("encode.")


def test_the_first_weights_of_a_phase_are_kept_and_those_that_outdo_them(pictures: Path, tmp_path: Path) -> None:
    result = train(Scored, config(validate_minutes=1e-9), pictures, tmp_path)
    assert {path.stem for path in tmp_path.glob("*.safetensors")} == {"kept-1", "kept-2", "kept-5", "kept-6"}
    assert result.best_score == 0.7
    assert load_file(tmp_path / "kept-6.safetensors").keys() == {"encode.weight", "encode.bias"}
    assert json.loads((tmp_path / "kept-2.json").read_text())["training"]["curve"] == "curve-large.csv"


class Weighed(ToyRun):
    """A loss whose gradient is known: of the bias, the weight of each piece."""

    weights: ClassVar = [1.0, 4.0]

    def losses(self, batch: Batch[LearningPhase]) -> Losses:
        batch.images()
        self.pieces = getattr(self, "pieces", 0) + 1
        return {"loss": self.weights[self.pieces - 1] * self.model.encode.bias.sum(), "piece": str(self.pieces)}


def begun(training: type[Run[Any, Any]], ready: Callable[..., Any], **changes: object) -> tuple[Any, Pictures]:
    phases = [{"name": "a", "until": 1, "crop": 8, "batch": 4, "accumulate": 2, "learning_rate": 0.25}]
    run, shown = ready(training, config(phases=phases, warmup_steps=0, **changes))
    return run, shown


def test_gradients_and_losses_are_means_over_the_pieces_and_clipped(ready: Callable[..., Any]) -> None:
    run, shown = begun(Weighed, ready, clip_norm=0.5, weight_decay=0)
    nn.init.ones_(run.model.encode.bias)
    losses = take_step(run, shown, 0.0)
    assert (float(losses["loss"]), losses["piece"]) == (6 * 2.5, "2")
    torch.testing.assert_close(run.model.encode.bias.grad.norm(), torch.tensor(0.5), rtol=1e-4, atol=0)  # it was 6.1
    torch.testing.assert_close(run.model.encode.bias, torch.full((6,), 0.75))  # Adam's first step is the learning rate


class Diverging(Weighed):
    weights: ClassVar = [1.0, math.inf]


def test_a_step_whose_gradient_is_not_finite_is_left_out(ready: Callable[..., Any]) -> None:
    run, shown = begun(Diverging, ready)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    take_step(run, shown, 0.0)
    assert run.step == 1
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())


class Frozen(ToyRun):
    def learns(self, name: str, phase: LearningPhase) -> bool:
        return phase.name in name


def test_what_does_not_learn_in_a_phase_stays(ready: Callable[..., Any]) -> None:
    phases = [{"name": name, "until": end, "crop": 8, "batch": 1} for name, end in (("encode.w", 0.5), ("encode", 1))]
    run, shown = ready(Frozen, config(phases=phases, warmup_steps=0))
    assert [group["name"] for group in run.optimizer.param_groups] == ["encode.weight", "encode.bias"]
    for progress, expected in ((0.0, {"encode.weight"}), (0.75, {"encode.weight", "encode.bias"})):
        before = {name: value.clone() for name, value in run.model.state_dict().items()}
        take_step(run, shown, progress)
        moved = {name for name, value in run.model.state_dict().items() if not torch.equal(value, before[name])}
        assert moved == expected


def test_the_rate_of_learning_warms_up_and_falls_in_each_phase(ready: Callable[..., Any]) -> None:
    run, _ = ready(ToyRun, config(warmup_steps=1))
    phase = run.config.phases[0]
    assert set(run.learning_rates(phase, 0.0, 0.0)) == {0.005}
    run.step = 9
    found = [run.learning_rates(phase, done, 0.0)[0] for done in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([1e-2, 1e-2 * (0.05 + 0.95 / 2), 5e-4])


def test_the_mean_of_the_weights_follows_them(ready: Callable[..., Any]) -> None:
    run, _ = ready(ToyRun, config(ema_decay=0.6))
    name = "encode.bias"
    parameter = run.model.get_parameter(name)
    expected = float(run.ema[name][0])
    for step, value in enumerate([1.0, 2.0, -1.0, 0.5, 3.0, 3.0, 3.0, 7.0], 1):
        nn.init.constant_(parameter, value)
        run.step = step
        run.follow()
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(run.ema[name][0]) == pytest.approx(expected, rel=1e-5)


def test_each_step_has_streams_of_its_own(pictures: Path) -> None:
    recipe = config()
    shown, _ = read_pictures(pictures, recipe)

    def drawn(step: int) -> list[Tensor]:
        batch = Batch(shown, recipe.phases[0], 0.0, size=3, seed=[1, step, 0], device=torch.device("cpu"))
        levels = batch.uniform((4.0, 5.0))
        assert bool(((levels >= 4) & (levels <= 5)).all())
        return [batch.images(), levels, torch.rand(3, generator=batch.generator), torch.rand(3)]

    assert drawn(1)[0].shape == (3, 3, 16, 16)
    assert all(torch.equal(one, other) for one, other in zip(drawn(1), drawn(1), strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(drawn(1), drawn(2), strict=True))


def test_a_budget_in_minutes_counts_over_restarts(pictures: Path, tmp_path: Path) -> None:
    result: Result = train(ToyRun, config(steps=None, minutes=1e-3), pictures, tmp_path)
    assert result.steps >= 1
    assert result.seconds >= 0.06
    assert train(ToyRun, config(steps=None, minutes=1e-3), pictures, tmp_path) == result


def test_a_perceptual_loss_gets_both_pictures_shifted_alike(ready: Callable[..., Any]) -> None:
    run, _ = ready(ToyRun, config())
    image = torch.arange(8.0).view(1, 1, 1, 8).expand(2, 3, 8, 8) / 8
    assert float(run.distance(image, image / 2, np.random.default_rng(0))) == 0  # there is none
    shapes = set()

    def distance(one: Tensor, other: Tensor) -> Tensor:
        shapes.add(tuple(one.shape[2:]))
        return (one - other).abs().flatten(1).mean(1)

    run.perceptual = distance
    for seed in range(40):
        found = run.distance(image + 0.001, image, np.random.default_rng(seed))
        assert float(found) == pytest.approx(1e-3, abs=1e-6)
    assert shapes == {(8 - top, 8 - left) for top in range(4) for left in range(4)}
