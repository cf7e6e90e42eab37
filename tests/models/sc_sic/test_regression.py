"""Stage B's twin: the same network, which learns the clean latents at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError
from semcom.models.sc_sic.codec import Codec, Receiving, Sending
from semcom.models.sc_sic.config import ScSicConfig, StageBConfig
from semcom.models.sc_sic.engine import TorchEngine
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.training.step import batch_of

TWIN = {
    "semantic": {"kind": "small", "channels": 8, "width": 8, "blocks": 1},
    "stage_a": {"width": 16, "blocks": 1, "codebook": 16, "scale": 1.0},
    "stage_b": {
        **{"widths": [16, 32], "heads": [0, 2], "down_layers": [1, 1], "up_layers": [1, 1], "up_repeats": [1, 1]},
        **{"dropout": [0, 0], "text_width": 16, "text_tokens": 1, "prior": "linear", "told": "noise"},
        "objective": "regression",
    },
}
PHASE = {"name": "b", "until": 1, "trains": ["stage_b"], "crop": 64, "batch": 3, "embedding_dropout": 0}


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.set_num_threads(1)
    torch.manual_seed(1)
    network = ScSic(ScSicConfig.model_validate(TWIN))
    torch.nn.init.normal_(network.stage_b.unet.get_submodule("clf.1").weight, std=0.1)  # else all corrections are 0
    engine = TorchEngine(network)
    return Codec(engine, engine.about("mini-48"))


def test_its_loss_is_the_squared_error_of_the_latents(
    recipe: Callable[..., Any], ready: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the variance that the estimate leaves, about 1 if that is right; the network hears no noise."""
    run, shown = ready(ScSicRun, recipe(ScSicRun, model=TWIN, phases=[PHASE], precision="float32", fit_crops=32))
    run.prepare(run.config.phases[0], shown)
    batch = batch_of(run, shown, run.config.phases[0], 0.5)
    images, heard = batch.images(), []
    monkeypatch.setattr(batch, "images", lambda: images)
    stage_b = run.model.stage_b
    monkeypatch.setattr(stage_b, "_network", lambda inside, t, told: heard.append((inside, t, told)) or correction)
    latents = run.model.stage_a.encode(images)
    correction = torch.linspace(-1, 1, latents.numel()).reshape(latents.shape)
    losses = run.losses(batch)
    ((inside, t, told),) = heard
    assert (t == 1).all()
    torch.testing.assert_close(inside[:, : latents.shape[1]], -0.01 * told.mean, rtol=1e-3, atol=1e-4)
    clean = told.mean + told.variance.sqrt() * correction  # as share of the signal at t = 1 goes to 0; it is 1e-4
    error = ((clean - latents).square() / told.variance).mean()
    torch.testing.assert_close(losses["error"], error, rtol=2e-3, atol=0)


def test_what_it_decodes_hangs_on_no_noise(codec: Codec) -> None:
    frame = codec.encode(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8), Sending())
    one, other = (codec.decode(frame.heard(0.1), Receiving(steps=1, seed=seed)) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("receiving", "message"),
    [
        ({}, "sc-sic: steps: expected 1, since these weights learnt by regression, got 10"),
        ({"steps": 1, "guidance": 1.5}, "sc-sic: guidance: expected 1, since .* regression, got 1.5"),
        ({"steps": 1, "temperature": 0.5}, "sc-sic: temperature: expected 0 or null, since .* regression, got 0.5"),
    ],
)
def test_it_neither_samples_nor_is_guided(codec: Codec, receiving: dict[str, Any], message: str) -> None:
    frame = codec.encode(np.full((64, 64, 3), 90, np.uint8), Sending())
    with pytest.raises(UsageError, match=f"^{message}$"):
        codec.decode(frame.heard(0.1), Receiving(**receiving))


def test_it_corrects_an_estimate_or_is_refused() -> None:
    with pytest.raises(ValueError, match="prior: expected linear where 'objective' is regression"):
        StageBConfig(objective="regression")
