from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError
from semcom.models.cdm_jscc.codec import Receiving, Sending
from semcom.models.cdm_jscc.engine import TorchEngine, load
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.perceptual.build import build_perceptual
from semcom.models.training.step import take_step
from semcom.models.training.train import train

EIGHT = {"steps": 8, "fit_crops": 8, "validation_pictures": 1}


@pytest.fixture(scope="module")
def whole(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight steps."""
    out = tmp_path_factory.mktemp("whole")
    assert train(CdmJsccRun, recipe(CdmJsccRun, **EIGHT), pictures, out).steps == 8
    return out


def test_a_recipe_runs_to_its_end_and_its_weights_code_pictures(whole: Path) -> None:
    curves = {f"curve-{name}.csv" for name in ("entropy", "jscc", "denoiser", "joint")}
    assert {path.name for path in whole.iterdir()} == {"last.pt", "best.safetensors", "best.json", *curves}
    for curve in curves:
        head, row = (line.split(",") for line in (whole / curve).read_text().splitlines())
        assert all(np.isfinite(float(value)) for name, value in zip(head, row, strict=True) if name != "phase")
    path = whole / "best.safetensors"
    card, codec = TorchEngine(path).card, load(weights=path)
    assert (card.name, card.training.steps) == ("cdm-jscc-tiny", 8)
    image = np.random.default_rng(1).integers(0, 256, (21, 50, 3), dtype=np.uint8)
    frame = codec.encode(image, Sending(eta=0.1))
    for steps in (1, 3):
        assert codec.decode(frame.heard(0.1), Receiving(steps=steps)).shape == (21, 50, 3)


def test_weights_of_another_size_are_no_start(
    whole: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    name = str(whole / "best.safetensors")
    model = recipe(CdmJsccRun).model.model_dump() | {"clip": 5.0}
    with pytest.raises(UsageError, match="is of another network than 'model' says; give model its card's sizes"):
        ready(CdmJsccRun, recipe(CdmJsccRun, start_from=name, model=model))
    with pytest.raises(UsageError, match="start_from: deepjscc: expected a backbone of kind deepjscc with the shipped"):
        ready(CdmJsccRun, recipe(CdmJsccRun, start_from="deepjscc"))
    run, _ = ready(CdmJsccRun, recipe(CdmJsccRun, start_from=name))
    expected, found = TorchEngine(Path(name)).network.state_dict(), run.model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_the_perceptual_loss_is_what_the_recipe_names(
    recipe: Callable[..., Any], ready: Callable[..., Any], pictures: Path, squeezenet: Path, tmp_path: Path
) -> None:
    phase = {"name": "p", "until": 1, "trains": ["denoiser"], "crop": 48, "batch": 1, "perceptual_weight": 1.0}
    config = recipe(CdmJsccRun, perceptual="squeezenet", phases=[phase], warmup_steps=0)
    with pytest.raises(UsageError, match="perceptual loss 'squeezenet' needs weights and ships none"):
        train(CdmJsccRun, config, pictures, tmp_path)
    run, shown = ready(CdmJsccRun, config)
    run.perceptual = build_perceptual("squeezenet", squeezenet)
    torch.nn.init.normal_(run.model.unet.leave.weight, std=0.05)
    losses = []
    for _ in range(4):
        run.step = 0
        losses.append({name: float(value) for name, value in take_step(run, shown, 0.0).items()})
    assert losses[0]["perceptual"] == pytest.approx(losses[0]["loss"])  # all of the weight is on it
    assert losses[-1]["perceptual"] < losses[0]["perceptual"]


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
def test_the_papers_configuration_builds_and_learns_in_every_phase(
    recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    found = recipe(CdmJsccRun, "paper").model_dump()["phases"]
    phases = [{**phase, "crop": 32, "batch": 1, "perceptual_weight": 0.0} for phase in found]
    config = recipe(CdmJsccRun, "paper", phases=phases, perceptual="none", precision="float32")
    run, shown = ready(CdmJsccRun, config)
    assert sum(p.numel() for p in run.model.parameters()) == papers_parameters()
    begin = 0.0
    for phase in config.phases:
        assert np.isfinite(float(take_step(run, shown, begin)["loss"]))
        begin = phase.until
    assert all(bool(torch.isfinite(p).all()) for p in run.model.parameters())
