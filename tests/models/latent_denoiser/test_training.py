"""The training of the latent denoiser, and the codec of what comes out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from semcom.errors import SignalError, UsageError
from semcom.models.latent_denoiser.codec import Codec, Receiving
from semcom.models.latent_denoiser.engine import load
from semcom.models.latent_denoiser.step import send_latents
from semcom.models.latent_denoiser.training import LatentDenoiserRun
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.training.batch import Batch
from semcom.models.training.train import train
from semcom.sim.side_information.image_shape import ImageShape


@pytest.fixture(scope="module")
def latents(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of latent diffusion, for its autoencoder."""
    out = tmp_path_factory.mktemp("latents")
    return train(LatentDiffusionRun, recipe(LatentDiffusionRun, validation_pictures=1), pictures, out).weights


@pytest.fixture(scope="module")
def whole(latents: Path, recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    return train(LatentDenoiserRun, recipe(LatentDenoiserRun, start_from=str(latents)), pictures, out).weights


@pytest.fixture(scope="module")
def codec(whole: Path) -> Codec:
    torch.set_num_threads(1)
    return load(weights=whole)


def picture(height: int = 40, width: int = 72) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_autoencoder_stays_as_it_was_and_the_denoiser_learns(latents: Path, whole: Path) -> None:
    before, after = load_file(latents), load_file(whole)
    kept = {name for name in after if not name.startswith("denoiser.")}
    assert kept == {name for name in before if not name.startswith("denoiser.")}
    assert all(torch.equal(before[name], after[name]) for name in kept)
    assert after["denoiser.last.weight"].any()  # zeros at first


def test_a_batch_again_and_again_is_learnt(
    latents: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    config = recipe(LatentDenoiserRun, start_from=str(latents))
    run, shown = ready(LatentDenoiserRun, config)
    optimizer = torch.optim.Adam(run.model.denoiser.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        loss = run.losses(Batch(shown, config.phases[0], 0.5, size=4, seed=[1], device=torch.device("cpu")))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(1, abs=0.3)  # it begins as the linear estimate
    assert losses[-1] < 0.9 * losses[0]


def test_the_channel_of_the_training_has_the_noise_that_it_says() -> None:
    generator = torch.Generator().manual_seed(1)
    sent = 1.7 * torch.randn(2, 4, 64, 64, generator=generator)
    received, noise = send_latents(sent, torch.tensor([0.0, 10.0]), ["none", "none"], generator)
    for n, esn0 in enumerate((1, 10)):
        power = float(sent[n].square().mean())
        assert noise[n].unique().numel() == 1
        assert float(noise[n].mean()) == pytest.approx(power / esn0, rel=1e-5)
        error = float((received[n] - sent[n]).square().mean())
        assert error == pytest.approx(power / esn0, rel=4 * (2 / sent[n].numel()) ** 0.5)


def test_an_autoencoder_of_other_sizes_or_without_a_scale_is_no_start(
    latents: Path, recipe: Callable[..., Any], ready: Callable[..., Any]
) -> None:
    config = recipe(LatentDenoiserRun, start_from=str(latents))
    wider = config.model.autoencoder.model_copy(update={"widths": (8, 8, 8, 16)})
    model = config.model.model_copy(update={"autoencoder": wider})
    with pytest.raises(UsageError, match="its autoencoder is of other sizes than 'model'; give model its card's"):
        ready(LatentDenoiserRun, config.model_copy(update={"model": model}))
    early = config.model_copy(update={"start_from": str(latents.with_name("autoencoder.safetensors"))})
    with pytest.raises(UsageError, match="were not brought to unit variance yet; give weights with a denoiser"):
        ready(LatentDenoiserRun, early)


# The codec


@pytest.mark.parametrize(("height", "width"), [(40, 72), (33, 65), (8, 8)])
def test_a_frame_is_one_value_for_16_pixels(codec: Codec, height: int, width: int) -> None:
    frame = codec.encode(picture(height, width), codec.sending())
    assert frame.features.size == 4 * -(-height // 8) * -(-width // 8)
    assert ImageShape(height, width) in frame.header
    for steps in (1, 3):
        assert codec.decode(frame.heard(0.1), Receiving(steps=steps)).shape == (height, width, 3)


def test_each_symbol_may_have_its_own_noise(codec: Codec) -> None:
    frame = codec.encode(picture(), codec.sending())
    noises = np.random.default_rng(1).uniform(0.01, 2, frame.features.size).astype(np.float32)
    one, other = (codec.decode(frame.heard(noises), Receiving(fading_aware=aware)) for aware in ("on", "off"))
    assert not np.array_equal(one, other)


def test_counts_that_do_not_fit_are_refused(codec: Codec) -> None:
    frame = codec.encode(picture(16, 16), codec.sending())
    with pytest.raises(SignalError, match="latent-denoiser: expected 16 features for 16 x 16 pixels"):
        codec.decode(frame.heard(0.1, frame.features[:-4]), Receiving())
