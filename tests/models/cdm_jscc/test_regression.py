"""The denoiser's twin: the same network, which learns the clean residual at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError
from semcom.models.cdm_jscc.codec import Codec, Receiving, Sending
from semcom.models.cdm_jscc.config import TrainConfig
from semcom.models.cdm_jscc.engine import load
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.training.step import batch_of
from semcom.models.training.train import train

PHASE = {"name": "denoiser", "until": 1, "trains": ["denoiser"], "crop": 32, "batch": 3}


@pytest.fixture(scope="module")
def twin(recipe: Callable[..., Any]) -> Callable[..., TrainConfig]:
    def read(**changes: Any) -> TrainConfig:
        model = {**recipe(CdmJsccRun).model.model_dump(), "objective": "regression", "start_noise": 0}
        found: TrainConfig = recipe(
            CdmJsccRun, **{"model": model, "phases": [PHASE], "fit_crops": 8, "validation_pictures": 1, **changes}
        )
        return found

    return read


@pytest.fixture(scope="module")
def codec(twin: Callable[..., TrainConfig], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Codec:
    return load("d", train(CdmJsccRun, twin(steps=2), pictures, tmp_path_factory.mktemp("twin")).weights)


def test_its_loss_is_the_squared_error_of_the_picture_and_it_hears_no_noise(
    twin: Callable[..., TrainConfig], ready: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the expected error; whatever the recipe says of noise levels, and of their weights."""
    run, shown = ready(CdmJsccRun, twin(precision="float32", end_share=0.1, weight_bounds=(1.0, 5.0)))
    batch = batch_of(run, shown, run.config.phases[0], 0.5)
    images, asked = batch.images(), []
    residual = torch.linspace(-2, 2, images.numel()).reshape(images.shape)
    monkeypatch.setattr(batch, "images", lambda: images)

    def denoise(understood: Any, noisy: torch.Tensor, time: torch.Tensor, told: Any, heard_db: Any) -> torch.Tensor:
        asked.append((understood, noisy, time))
        return residual

    monkeypatch.setattr(run.model, "denoise", denoise)
    losses = run.losses(batch)
    ((understood, noisy, time),) = asked
    assert not noisy.any()
    assert (time == 1).all()
    picture = understood.estimate + run.model.spread_of(understood) * residual
    expected = understood.spread.square().mean((1, 2, 3))
    error = ((picture - images).square().mean((1, 2, 3)) / expected).mean()
    torch.testing.assert_close(losses["loss"], error)
    torch.testing.assert_close(losses["error"], error)


def test_what_it_decodes_hangs_on_no_noise(codec: Codec) -> None:
    image = np.random.default_rng(1).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    frame = codec.encode(image, Sending(eta=0.2))
    one, other = (codec.decode(frame.heard(0.1), Receiving(seed=seed)) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("receiving", "message"),
    [
        ({"steps": 4}, "cdm-jscc: steps: expected 1, since these weights learnt by regression, got 4"),
        ({"guidance": 2}, "cdm-jscc: guidance: expected 0 or 1, since these weights learnt by regression, got 2"),
    ],
)
def test_it_neither_samples_nor_is_guided(codec: Codec, receiving: dict[str, Any], message: str) -> None:
    frame = codec.encode(np.full((32, 32, 3), 90, np.uint8), Sending(eta=0.2))
    with pytest.raises(UsageError, match=f"^{message}$"):
        codec.decode(frame.heard(0.1), Receiving(**receiving))


def test_recipes_that_ask_it_for_noise_are_refused(twin: Callable[..., TrainConfig]) -> None:
    model = twin().model.model_dump() | {"start_noise": 0.8}
    with pytest.raises(ValueError, match=r"start_noise: expected 0 where 'objective' is regression, got 0.8"):
        twin(model=model)
    with pytest.raises(ValueError, match=r"own_share: expected 0 where 'objective' is regression, .* got 0.4"):
        twin(own_share=0.4)
