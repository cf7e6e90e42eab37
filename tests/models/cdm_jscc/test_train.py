import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import semcom.models.cdm_jscc
import torch
from semcom.errors import UsageError, WeightsError
from semcom.models.cdm_jscc import train as module
from semcom.models.cdm_jscc.codec import CdmJsccCodec
from semcom.models.cdm_jscc.config import TrainConfig
from semcom.models.cdm_jscc.train import Run, learning_rate, part_of, phase_at, take_step, train
from semcom.models.perceptual.build import build_perceptual
from semcom.models.training.pictures import Pictures, read_pictures

CONFIGS = Path(semcom.models.cdm_jscc.__file__).parent / "configs"
EVERY_STEP = {"checkpoint_minutes": 1e-9, "validate_minutes": 1e9}
EIGHT = {"steps": 8, "fit_crops": 8, "validation_pictures": 1, **EVERY_STEP}


def recipe(name: str = "tiny", **changes: object) -> TrainConfig:
    found = TrainConfig.read(CONFIGS / f"{name}.yaml").model_dump()
    return TrainConfig.model_validate({**found, **changes})


def ready(config: TrainConfig, pictures: Path) -> tuple[Run, Pictures]:
    torch.set_num_threads(1)
    run, (shown, _) = Run(config, torch.device("cpu")), read_pictures(pictures, config)
    module._start(run, shown)
    run.start_ema()
    return run, shown


def saved(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "last.pt", weights_only=True)
    return {**state["model"], **{f"ema.{name}": value for name, value in state["ema"].items()}}


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, msg=name)


def squeezenet(path: Path) -> Path:
    """Random arrays of SqueezeNet v1.0's shapes."""
    rng, arrays = np.random.default_rng(0), {}
    shapes = {"conv1": (96, 3, 7), "conv_final": (1000, 512, 1)}
    sizes = [(96, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
    sizes += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
    for number, (channels, squeeze, expand) in enumerate(sizes, 2):
        shapes[f"fire{number}.conv1x1_1"] = (squeeze, channels, 1)
        shapes[f"fire{number}.conv1x1_2"] = (expand, squeeze, 1)
        shapes[f"fire{number}.conv3x3_2"] = (expand, squeeze, 3)
    for name, (out, channels, side) in shapes.items():
        scale = (2 / (channels * side * side)) ** 0.5 / (60 if name == "conv1" else 1)
        arrays[f"{name}.weight"] = rng.normal(0, scale, (out, channels, side, side)).astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def whole(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert train(recipe(**EIGHT), pictures, out).steps == 8
    return out


@pytest.mark.parametrize("name", ["tiny", "tiny-ntc"])
def test_each_phase_moves_its_own_parts_and_lowers_its_loss(name: str, pictures: Path) -> None:
    """The same batch with the same noise, again and again."""
    config = recipe(name, warmup_steps=0, end_share=0.5)
    run, shown = ready(config, pictures)
    begin = 0.0
    for phase in config.phases:
        if not run.fitted and "entropy" not in phase.trains:
            module.fit_variances(run, shown)
        before = {key: value.detach().clone() for key, value in run.model.state_dict().items()}
        losses = []
        for _ in range(8):
            run.step = 0
            losses.append(take_step(run, shown, None, begin).loss)
        begin = phase.until
        assert losses[-1] < losses[0], phase.name
        parameters = {key for key, _ in run.model.named_parameters()}
        moved = {key for key, value in run.model.state_dict().items() if not torch.equal(value, before[key])}
        assert moved <= parameters
        assert {part_of(key) for key in moved} == set(phase.trains), phase.name


def test_a_recipe_runs_to_its_end_and_its_weights_code_pictures(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    curves = {f"curve-{name}.csv" for name in ("entropy", "jscc", "denoiser", "joint")}
    assert names == {"last.pt", "best.safetensors", "best.json", *curves}  # the log has a row every 50 steps
    for curve in curves:
        with (whole / curve).open() as file:
            row = next(csv.DictReader(file))
        assert all(np.isfinite(float(value)) for key, value in row.items() if key != "phase")
    codec = CdmJsccCodec(whole / "best.safetensors")
    assert codec.card.name == "cdm-jscc-tiny"
    assert codec.card.training.steps == 8
    image = np.random.default_rng(1).integers(0, 256, (21, 50, 3), dtype=np.uint8)
    frame = codec.encode(image, esn0_db=10, eta=0.1)
    told = {"levels": frame.levels, "eta_index": frame.eta_index, "esn0_db": 10, "height": 21, "width": 50}
    noise = np.random.default_rng(2).standard_normal((32, 64, 3), np.float32)
    for steps in (1, 3):
        assert codec.decode(frame.features, 0.1, steps=steps, noise=noise, **told).shape == (21, 50, 3)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_cut_off_and_resumed_is_the_same_as_never_cut_off(
    whole: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Cut in a phase, between two phases where the variances are fitted, and late."""
    real = module.take_step

    def cut(run: Run, *rest: object) -> object:
        if run.step == step:
            raise KeyboardInterrupt
        return real(run, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "take_step", cut)
    with pytest.raises(KeyboardInterrupt):
        train(recipe(**EIGHT), pictures, tmp_path)
    monkeypatch.undo()
    assert train(recipe(**EIGHT), pictures, tmp_path).steps == 8
    assert_same(saved(tmp_path), saved(whole))


@pytest.mark.slow
def test_killed_and_resumed_is_the_same_as_never_killed(whole: Path, pictures: Path, tmp_path: Path) -> None:
    program = tmp_path / "run.py"
    program.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from semcom.models.cdm_jscc import train as module\n"
        "from semcom.models.cdm_jscc.config import TrainConfig\n"
        "real = module.take_step\n"
        "def slow(run, *rest):\n"
        "    time.sleep(30 if run.step == 4 else 0)\n"
        "    return real(run, *rest)\n"
        "module.take_step = slow\n"
        "config = TrainConfig.model_validate_json(Path(sys.argv[3]).read_text())\n"
        "module.train(config, Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    config, out = recipe(**EIGHT), tmp_path / "out"
    (tmp_path / "recipe.json").write_text(config.model_dump_json())
    process = subprocess.Popen([sys.executable, program, pictures, out, tmp_path / "recipe.json"])
    try:
        end = time.monotonic() + 100
        while not (out / "last.pt").exists() or torch.load(out / "last.pt", weights_only=True)["step"] < 4:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert train(config, pictures, out).steps == 8
    assert_same(saved(out), saved(whole))


def test_rows_after_the_checkpoint_are_dropped_on_resuming(whole: Path, pictures: Path, tmp_path: Path) -> None:
    for path in whole.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "curve-joint.csv").open("a") as file:
        file.write("9,9,joint,99\n")
    train(recipe(**EIGHT), pictures, tmp_path)
    with (tmp_path / "curve-joint.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["8"]


def test_another_recipe_is_not_resumed(whole: Path, pictures: Path) -> None:
    with pytest.raises(UsageError, match=r"last\.pt: is of another recipe; give another folder"):
        train(recipe(**EIGHT, seed=9), pictures, whole)
    with pytest.raises(UsageError, match="a run is there already; give another folder, or go on with it"):
        train(recipe(**EIGHT), pictures, whole, resume=False)


def test_a_truncated_checkpoint_says_so(whole: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes((whole / "last.pt").read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"last\.pt: not a whole checkpoint; remove it to start afresh"):
        train(recipe(**EIGHT), pictures, tmp_path)


def test_weights_of_another_size_are_no_start(whole: Path, pictures: Path, tmp_path: Path) -> None:
    name = str(whole / "best.safetensors")
    model = recipe().model.model_dump() | {"clip": 5.0}
    with pytest.raises(UsageError, match="is of another network than 'model' says; give model its card's sizes"):
        train(recipe(**EIGHT, start_from=name, model=model), pictures, tmp_path / "a")
    with pytest.raises(UsageError, match="start_from: deepjscc: expected a backbone of kind deepjscc with the shipped"):
        train(recipe(**EIGHT, start_from="deepjscc"), pictures, tmp_path / "b")
    run, _ = ready(recipe(start_from=name), pictures)
    expected = CdmJsccCodec(Path(name)).network.state_dict()
    assert_same(dict(run.model.state_dict()), dict(expected))


def test_the_mean_of_the_weights_follows_them(pictures: Path) -> None:
    run, _ = ready(recipe(ema_decay=0.6), pictures)
    name = "unet.leave.bias"
    parameter, expected = run.model.get_parameter(name), 0.0
    for step, value in enumerate([1.0, 2.0, -1.0, 0.5, 3.0, 3.0, 3.0, 7.0], 1):
        with torch.no_grad():
            parameter.fill_(value)
        run.step = step
        run.follow()
        decay = min(0.6, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(run.ema[name][0]) == pytest.approx(expected, rel=1e-5)


def test_the_perceptual_loss_is_what_the_recipe_names(pictures: Path, tmp_path: Path) -> None:
    config = recipe(
        perceptual="squeezenet",
        phases=[
            {"name": "p", "until": 1, "trains": ["denoiser"], "crop": 48, "batch": 1, "perceptual_weight": 1.0},
        ],
        start_from=None,
        warmup_steps=0,
    )
    with pytest.raises(UsageError, match="perceptual loss 'squeezenet' needs weights and ships none"):
        train(config, pictures, tmp_path)
    distance = build_perceptual("squeezenet", squeezenet(tmp_path / "s.npz"))
    run, shown = ready(config, pictures)
    module.fit_variances(run, shown)
    torch.nn.init.normal_(run.model.unet.leave.weight, std=0.05)
    losses = []
    for _ in range(4):
        run.step = 0
        losses.append(take_step(run, shown, distance, 0.0))
    assert losses[0].perceptual == pytest.approx(losses[0].loss)  # all of the weight is on it
    assert losses[-1].perceptual < losses[0].perceptual


def test_phases_follow_each_other_and_the_rate_of_learning_falls_in_each() -> None:
    config = recipe()
    assert [phase_at(config, share)[0].name for share in (0, 0.24, 0.25, 0.5, 0.99, 1.0)] == [
        "entropy",
        "entropy",
        "jscc",
        "denoiser",
        "joint",
        "joint",
    ]
    phase, done = phase_at(config, 0.375)
    assert done == pytest.approx(0.5)
    assert learning_rate(config, phase, 0.0, 99) == pytest.approx(1e-2)
    assert learning_rate(config, phase, 0.5, 99) == pytest.approx(1e-2 * (0.05 + 0.95 / 2))
    assert learning_rate(config, phase, 1.0, 99) == pytest.approx(5e-4)
    assert learning_rate(config, phase, 0.0, 0) == pytest.approx(5e-3)  # one step of warm-up


def papers_parameters() -> int:
    """Counted from the paper's layers: convolutions with their biases, gains, tokens."""

    def conv(i: int, o: int, side: int = 1) -> int:
        return i * o * side * side + o

    def block(i: int, o: int, told: int = 0, side: int = 3) -> int:
        shortcut = conv(i, o) if i != o else 0
        return conv(i, o, side) + conv(o, o, 3) + 4 * o + shortcut + (conv(told, 2 * o) if told else 0)

    def attention(c: int) -> int:
        return 2 * c + c * 96 + conv(32, c)

    w, u, context = (64, 128, 192, 256), (64, 128, 192, 256, 320, 384), (64, 64, 128, 192, 0, 0)
    analysis = sum(block(i, o, side=7 if i == 3 else 3) + conv(o, o, 3) for i, o in zip((3, *w[:-1]), w, strict=True))
    pyramid = sum(block(i, o) + conv(o, o, 4) for i, o in zip((256, 192, 128, 64), (192, 128, 64, 64), strict=True))
    depthwise, mlp = 4 * (9 * 256 + 256), conv(256, 1024) + conv(1024, 256)
    mlla = depthwise + mlp + 3 * conv(256, 256) + conv(256, 512) + 4 * 256
    per_rate = 16 * (256 * 256 + 256) + 16 * 256
    jscc = 6 * mlla + 2 * per_rate + conv(256, 2048) + conv(2048, 256) + 2 * 512 + 512
    hyper = conv(256, 256, 3) + 4 * conv(256, 256, 5) + conv(256, 512, 3)
    prior = 256 * ((3 + 9 + 9 + 3) + (3 + 3 + 3 + 1) + 9)
    unet = conv(3, 64, 7) + conv(64, 3, 7) + 2 * 64 + conv(3, 256) + conv(256, 64)
    before = 64
    for o, extra in zip(u, context, strict=True):
        unet += block(before + extra, o, 64) + block(o, o, 64) + attention(o)
        before = o
    unet += 2 * block(384, 384, 64) + attention(384) + sum(conv(o, o, 3) for o in u[:-1])
    for o in reversed(u[:-1]):
        unet += conv(before, 4 * o) + block(2 * o, o, 64) + block(o, o, 64) + attention(o)
        before = o
    return analysis + pyramid + jscc + hyper + prior + unet


@pytest.mark.slow
def test_the_papers_configuration_builds_and_learns_in_every_phase(pictures: Path) -> None:
    found = TrainConfig.read(CONFIGS / "paper.yaml").model_dump()
    phases = [{**phase, "crop": 32, "batch": 1, "perceptual_weight": 0.0} for phase in found["phases"]]
    config = TrainConfig.model_validate({**found, "phases": phases, "perceptual": "none", "precision": "float32"})
    run, shown = ready(config, pictures)
    assert sum(p.numel() for p in run.model.parameters()) == papers_parameters()
    begin = 0.0
    for phase in config.phases:
        assert np.isfinite(take_step(run, shown, None, begin).loss)
        begin = phase.until
    assert all(bool(torch.isfinite(p).all()) for p in run.model.parameters())
