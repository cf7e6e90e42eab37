"""The training of a coder's diffusion receiver, and the receiver of what comes out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from semcom.errors import UsageError
from semcom.models.codec_diffusion.coded_crops import read_coded
from semcom.models.codec_diffusion.coding import coded_pixels, coder_of
from semcom.models.codec_diffusion.engine import load
from semcom.models.codec_diffusion.receiver import Receiver, Receiving
from semcom.models.codec_diffusion.training import CodecDiffusionRun
from semcom.models.training.batch import Batch
from semcom.models.training.checkpoint import checkpoint_of
from semcom.models.training.train import train

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def weights(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hevc")
    return train(CodecDiffusionRun, recipe(CodecDiffusionRun), pictures, out).weights


@pytest.fixture(scope="module")
def receiver(weights: Path) -> Receiver:
    torch.set_num_threads(1)
    return load(weights=weights)


def picture(height: int = 33, width: int = 51) -> np.ndarray:
    return RNG(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_batch_again_and_again_is_learnt(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    config = recipe(CodecDiffusionRun, end_share=1.0, own_share=0.0)
    run, shown = ready(CodecDiffusionRun, config)
    optimizer, errors = torch.optim.Adam(run.model.parameters(), 5e-3), []
    for _ in range(30):
        batch = Batch(shown, config.phases[0], 0.5, size=4, seed=[1], device=torch.device("cpu"))
        losses = run.losses(batch)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
        errors.append(float(losses["error"].detach()))
    assert errors[0] == pytest.approx(1, abs=1e-3)  # it begins as HEVC's picture
    assert errors[-1] < 0.97


def test_a_resumed_run_is_an_unbroken_one(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    whole, broken = recipe(CodecDiffusionRun), recipe(CodecDiffusionRun)
    train(CodecDiffusionRun, whole, pictures, tmp_path / "whole")
    train(CodecDiffusionRun, broken, pictures, tmp_path / "broken", seconds=0)
    train(CodecDiffusionRun, broken, pictures, tmp_path / "broken")
    one, other = (checkpoint_of(whole, tmp_path / name, resume=True) for name in ("whole", "broken"))
    assert one is not None
    assert other is not None
    assert all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])


def coded_beforehand(recipe: Callable[..., Any], folder: Path, **changes: Any) -> Any:
    model = recipe(CodecDiffusionRun).model.model_copy(update={"coder": "vvc"})
    crops = {"preset": "faster", "coded_crops": 4, "coded_side": 48, "qp": (20.0, 40.0), "coded_folder": str(folder)}
    return recipe(CodecDiffusionRun, **{"model": model.model_dump(), "steps": 1, **crops, **changes})


def test_crops_of_a_slow_coder_are_coded_once_and_kept(
    recipe: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    def read(config: Any) -> tuple[list[np.ndarray], dict[Path, int]]:
        shown, _ = CodecDiffusionRun(config, torch.device("cpu")).read(pictures)
        return shown.pixels, {file: file.stat().st_mtime_ns for file in (tmp_path / "kept").iterdir()}

    config = coded_beforehand(recipe, tmp_path / "kept")
    (shown, before), (again, after) = read(config), read(config)
    assert after == before
    assert len(before) == len(shown) == 4
    assert np.array_equal(shown, again)
    _, more = read(coded_beforehand(recipe, tmp_path / "kept", qp=(30.0, 40.0)))
    assert len(more) == 8
    for file in before:
        file.write_bytes(file.read_bytes()[:-9])
    repaired, _ = read(config)
    assert np.array_equal(shown, repaired)


def test_crops_that_are_kept_are_no_other_trainings(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    """Of the same files, which the other halves first."""

    def read(folder: str, **changes: Any) -> list[np.ndarray]:
        config = coded_beforehand(recipe, tmp_path / folder, **changes)
        return CodecDiffusionRun(config, torch.device("cpu")).read(pictures)[0].pixels

    first, halved = read("shared"), read("shared", halve=["walk"])
    assert not np.array_equal(first, halved)
    assert np.array_equal(halved, read("another", halve=["walk"]))


def test_kept_crops_are_what_the_coder_makes_of_them(
    recipe: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    config = coded_beforehand(recipe, tmp_path, halved_share=0.5, coded_crops=8)
    shown, _ = CodecDiffusionRun(config, torch.device("cpu")).read(pictures)
    planes = torch.from_numpy(np.stack(shown.pixels)).permute(0, 3, 1, 2).float() / 255
    images, coded = read_coded(planes)
    assert set(coded.scale_eighths.tolist()) == {4.0, 8.0}
    for image, picture, qp, eighths in zip(images, *coded[:3], strict=True):
        assert 20 <= qp <= 40
        pixels = np.ascontiguousarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
        near = [coded_pixels(pixels, float(qp) + eighth / 8, int(eighths), coder_of(config)) for eighth in range(-4, 5)]
        was = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        assert any(np.array_equal(was, one) for one in near)


def test_a_training_of_crops_coded_beforehand_makes_a_receiver_of_that_coder(
    recipe: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    weights = train(CodecDiffusionRun, coded_beforehand(recipe, tmp_path / "kept"), pictures, tmp_path).weights
    assert load(weights=weights).engine.coder == "vvc"
    assert any("QP 30, 8/8, VVC" in name for name in json.loads(weights.with_suffix(".json").read_text())["metrics"])


def test_perceptual_training_measures_its_distance(
    recipe: Callable[..., Any], pictures: Path, squeezenet: Path, tmp_path: Path
) -> None:
    tiny = recipe(CodecDiffusionRun)
    phase = tiny.phases[0].model_copy(update={"perceptual_weight": 0.5, "crop": 48})
    config = recipe(CodecDiffusionRun, variant="hevc-p", perceptual="squeezenet", phases=[phase.model_dump()], steps=1)
    found = train(CodecDiffusionRun, config, pictures, tmp_path, perceptual_weights=squeezenet)
    metrics = json.loads((tmp_path / "best.json").read_text())["metrics"]
    distances = [value for name, value in metrics.items() if name.endswith("1 steps: perceptual")]
    assert len(distances) == 2  # whole and halved
    assert found.best_score == pytest.approx(-np.mean(distances), abs=1e-4)
    assert "validation, QP 30, 8/8, 4 steps: perceptual" in metrics


def test_the_score_is_the_psnr_of_one_step(weights: Path) -> None:
    card = json.loads(weights.with_suffix(".json").read_text())
    curve = list(csv.DictReader(weights.with_name("curve-denoiser.csv").read_text().splitlines()))[-1]
    psnrs = [value for name, value in card["metrics"].items() if name.endswith("1 steps: PSNR in dB")]
    assert float(curve["score"]) == pytest.approx(np.mean(psnrs), abs=1e-3)


def test_weights_of_other_sizes_are_no_start(
    weights: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    tiny = recipe(CodecDiffusionRun, start_from=str(weights))
    run, _ = ready(CodecDiffusionRun, tiny)
    file = load_file(weights)
    assert all(torch.equal(value.to(file[name].dtype), file[name]) for name, value in run.model.state_dict().items())
    wider = tiny.model.model_copy(update={"unet": tiny.model.unet.model_copy(update={"widths": (8, 16)})})
    with pytest.raises(UsageError, match="is of another network than 'model' says; give model its card's sizes"):
        ready(CodecDiffusionRun, tiny.model_copy(update={"model": wider}))


# The receiver


@pytest.mark.parametrize(("height", "width"), [(33, 51), (16, 16), (1, 2), (7, 40)])
def test_every_size_comes_back(receiver: Receiver, height: int, width: int) -> None:
    for steps in (1, 3):
        made = receiver.denoised(picture(height, width), 30, 8, Receiving(steps=steps), RNG(1))
        assert made.shape == (height, width, 3)
        assert made.dtype == np.uint8


def test_without_guidance_it_is_hevcs_picture(receiver: Receiver) -> None:
    assert np.array_equal(receiver.denoised(picture(), 30, 8, Receiving(guidance=0), RNG(1)), picture())


def test_below_half_of_the_sides_it_is_hevcs_picture(receiver: Receiver) -> None:
    assert np.array_equal(receiver.denoised(picture(), 30, 3, Receiving(steps=2), RNG(1)), picture())


def test_a_seed_fixes_what_is_drawn(receiver: Receiver) -> None:
    seeded, free = Receiving(steps=3, seed=5), Receiving(steps=3)
    one, same = (receiver.denoised(picture(), 45, 4, seeded, RNG(n)) for n in (1, 2))
    assert np.array_equal(one, same)
    other = receiver.denoised(picture(), 45, 4, free, RNG(1))
    assert not np.array_equal(one, other)


def test_a_regression_has_one_step(recipe: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    model = recipe(CodecDiffusionRun).model.model_copy(update={"objective": "regression", "start_noise": 0.0})
    config = recipe(CodecDiffusionRun, model=model.model_dump(), own_share=0.0, steps=1)
    receiver = load(weights=train(CodecDiffusionRun, config, pictures, tmp_path).weights)
    receiver.denoised(picture(), 30, 8, Receiving(), RNG(1))
    with pytest.raises(
        UsageError, match="codec-diffusion: steps: expected 1, since these weights learnt by regression"
    ):
        receiver.denoised(picture(), 30, 8, Receiving(steps=2), RNG(1))
