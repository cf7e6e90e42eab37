"""The training of latent diffusion, which knows of no channel, and the codec of what comes out."""

import ast
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.latent_diffusion import network, step, training, validation
from semcom.models.latent_diffusion.codec import Codec, Receiving, Sending
from semcom.models.latent_diffusion.engine import load
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.training.batch import Batch
from semcom.models.training.train import train
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.latent_mode import LatentMode


@pytest.fixture(scope="module")
def whole(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps."""
    out = tmp_path_factory.mktemp("whole")
    assert train(LatentDiffusionRun, recipe(LatentDiffusionRun), pictures, out).steps == 4
    return out


@pytest.fixture(scope="module")
def codec(whole: Path) -> Codec:
    torch.set_num_threads(1)
    return load(weights=whole / "best.safetensors")


def picture(height: int = 40, width: int = 72) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_recipe_runs_to_its_end_in_both_phases(whole: Path) -> None:
    expected = {f"{name}.{kind}" for name in ("autoencoder", "denoiser", "best") for kind in ("safetensors", "json")}
    curves = {"curve-autoencoder.csv", "curve-denoiser.csv"}
    assert {path.name for path in whole.iterdir()} == {"last.pt", *expected, *curves}
    first, last = (load_file(whole / f"{name}.safetensors") for name in ("autoencoder", "best"))
    same = {name for name in first if torch.equal(first[name], last[name])}
    assert {name for name in first if name.startswith("autoencoder.")} <= same  # frozen while the denoiser learns
    assert not any(name.startswith("denoiser.") and name.endswith("weight") for name in same)


def test_latents_have_unit_power(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    config = recipe(LatentDiffusionRun, scale_crops=64)
    run, shown = ready(LatentDiffusionRun, config)
    run.prepare(config.phases[1], shown)
    batch = Batch(shown, config.phases[1], 0.6, size=64, seed=[1, 2, 3], device=torch.device("cpu"))
    with torch.no_grad():
        latents = run.model.latents(batch.images())
    assert float(latents.square().mean()) == pytest.approx(1, rel=0.1)


def test_no_channel_is_in_the_training(recipe: Callable[..., Any], ready: Callable[..., Any]) -> None:
    """Its files import no channel, and no Es/N0 and no fading of the recipe changes anything."""
    for module in (network, step, training, validation):
        imported = {node.module or "" for node in ast.walk(ast.parse(inspect.getsource(module)))
                    if isinstance(node, ast.ImportFrom)}  # fmt: skip
        assert not [name for name in imported if "channel" in name or name.endswith("frames")]
    losses = []
    for changes in ({}, {"esn0_db": (-10.0, -5.0), "fading_share": 1.0}):
        config = recipe(LatentDiffusionRun, **changes)
        run, shown = ready(LatentDiffusionRun, config)
        for phase in config.phases:
            batch = Batch(shown, phase, 0.6, size=2, seed=[1, 2, 3], device=torch.device("cpu"))
            losses.append(float(run.losses(batch)["loss"].detach()))
    assert losses[:2] == losses[2:]


def test_levels_where_receivers_work_are_drawn_more_often(
    recipe: Callable[..., Any], ready: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = recipe(LatentDiffusionRun)
    run, shown = ready(LatentDiffusionRun, config)
    drawn: list[torch.Tensor] = []
    monkeypatch.setattr(run.model, "epsilon", lambda latents, level: drawn.append(level) or latents)
    for number in range(40):
        run.losses(Batch(shown, config.phases[1], 0.6, size=16, seed=[number], device=torch.device("cpu")))
    share = float((torch.cat(drawn) < 450).float().mean())
    expected, count = 0.8 + 0.2 * 0.45, 640
    assert abs(share - expected) < 4 * (expected * (1 - expected) / count) ** 0.5


def test_weights_of_other_sizes_are_no_start(
    whole: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    config = recipe(LatentDiffusionRun, start_from=str(whole / "best.safetensors"))
    run, _ = ready(LatentDiffusionRun, config)
    assert torch.equal(run.model.state_dict()["scale"], load_file(whole / "best.safetensors")["scale"].float())
    wider = config.model.model_copy(update={"denoiser": config.model.denoiser.model_copy(update={"widths": (16, 16)})})
    with pytest.raises(UsageError, match="is of other sizes than 'model'; give model its card's sizes"):
        ready(LatentDiffusionRun, config.model_copy(update={"model": wider}))


# The codec


def test_a_frame_is_one_value_for_16_pixels_and_its_header_says_how_far_it_is(codec: Codec) -> None:
    frame = codec.encode(picture(), Sending(inversion_steps=3))
    assert frame.features.shape == (4 * 5 * 9,)  # CBR 1/96: 180 reals, 90 symbols, for 40 x 72 pixels of 3
    assert frame.features.size / 2 / picture().size == 1 / 96
    assert LatentMode(3) in frame.header
    assert LatentMode(3).bits() == 7
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (40, 72, 3)


def test_a_picture_is_continued_to_whole_latents_and_cut_again(codec: Codec) -> None:
    frame = codec.encode(picture(33, 65), Sending())
    assert frame.features.shape == (4 * 5 * 9,)
    assert ImageShape(33, 65) in frame.header
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (33, 65, 3)


def test_the_steps_of_both_ends_fit_the_grid(codec: Codec) -> None:
    frame = codec.encode(picture(16, 16), Sending(inversion_steps=30))
    with pytest.raises(SignalError, match="at most 50 steps of inversion at both ends, got 30 of the transmitter"):
        codec.decode(frame.heard(0.1), Receiving(inversion_steps=21))


def test_noise_over_all_levels_is_said_once_and_decoded(codec: Codec, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "semcom")
    frame = codec.encode(picture(16, 16), Sending())
    scale = np.sqrt(1000 * np.mean(frame.features**2))
    noisy = frame.features + scale * np.random.default_rng(0).standard_normal(frame.features.shape, np.float32)
    codec.decode(frame.heard(1e3, noisy), Receiving(inversion_steps=0, steps=3))  # whatever the noise is
    codec.decode(frame.heard(1e3, noisy), Receiving(inversion_steps=0, steps="linear"))
    few = np.array([1e6, 1e6, *[0.1] * (noisy.size - 2)], np.float32)  # in a deep fade
    codec.decode(frame.heard(few), Receiving(inversion_steps=0))
    assert not caplog.records
    for _ in range(2):
        assert codec.decode(frame.heard(1e3, noisy), Receiving(inversion_steps=0)).shape == (16, 16, 3)
    (record,) = caplog.records
    assert "more than at the last of 1000 levels; it goes on from there" in record.getMessage()


def test_values_that_are_not_finite_and_counts_that_do_not_fit_are_refused(codec: Codec) -> None:
    frame = codec.encode(picture(16, 16), Sending())
    bad = frame.features.copy()
    bad[3] = np.nan
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0, got 1 features"):
        codec.decode(frame.heard(0.1, bad), Receiving())
    with pytest.raises(SignalError, match="expected 16 features for 16 x 16 pixels"):
        codec.decode(frame.heard(0.1, frame.features[:-4]), Receiving())


def test_noise_that_is_drawn_is_the_same_for_the_same_picture(codec: Codec) -> None:
    one, again, other = (codec.encode(picture(16, width), Sending(inversion="noise")) for width in (16, 16, 24))
    assert np.array_equal(one.features, again.features)
    assert not np.array_equal(one.features, other.features[: one.features.size])
    assert codec.decode(one.heard(0.1), Receiving(inversion="noise")).shape == (16, 16, 3)


@pytest.mark.parametrize("esn0_db", [-300, -5, 100])
def test_a_frame_without_power_is_decoded(codec: Codec, esn0_db: int) -> None:
    """Its header has a scale of zero, so that nothing but zeros arrives."""
    frame = codec.encode(picture(16, 16), Sending())
    silent = frame.heard(10 ** (-esn0_db / 10), np.zeros_like(frame.features))
    assert codec.decode(silent, Receiving()).shape == (16, 16, 3)


def test_weights_of_another_system_are_refused() -> None:
    from semcom.models.deepjscc.names import SHIPPED

    with pytest.raises(WeightsError):
        load(weights=SHIPPED.path("linear"))
