"""Trainings on a GPU: what they share with those on a CPU, and that the host never waits in a step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.swinjscc.training import SwinJsccRun
from semcom.models.training.pictures import draw_images, read_pictures
from semcom.models.training.step import take_step
from semcom.models.training.train import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
FEW: dict[Any, dict[str, Any]] = {
    DeepJsccRun: {"fit_patches": 400},
    CdmJsccRun: {"fit_crops": 8},
    ScSicRun: {"fit_crops": 16},
    SwinJsccRun: {"fit_patches": 400, "optimizer": "muon"},
}
STEPS: dict[str, Any] = {"steps": 8, "validation_pictures": 1, "checkpoint_minutes": 1e-9, "validate_minutes": 1e9}


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest) -> str:
    return request.param


def test_crops_are_the_same_on_both(pictures: Path, recipe: Callable[..., Any]) -> None:
    shown, _ = read_pictures(pictures, recipe(DeepJsccRun))
    on_cpu, on_gpu = (
        draw_images(shown, 40, 32, np.random.default_rng(1), torch.device(name)).cpu() for name in ("cpu", "cuda")
    )
    torch.testing.assert_close(on_gpu, on_cpu, rtol=0, atol=1e-7)


@pytest.mark.parametrize("training", FEW)
def test_no_step_waits(training: Any, precision: str, pictures: Path, recipe: Callable[..., Any]) -> None:
    config = recipe(training, precision=precision, **FEW[training])
    run, (shown, _) = training(config, torch.device("cuda")), read_pictures(pictures, config)
    run.start(shown)
    run.start_ema()
    begin = 0.0
    for phase in config.phases:
        middle, begin = (begin + phase.until) / 2, phase.until
        take_step(run, shown, middle)  # takes closed forms, finds algorithms
        torch.cuda.set_sync_debug_mode("error")
        try:
            losses = take_step(run, shown, middle)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        assert bool(torch.isfinite(torch.as_tensor(losses["loss"])))


@pytest.mark.parametrize("training", FEW)
@pytest.mark.parametrize("devices", [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_training_goes_on_elsewhere(
    training: Any, devices: tuple[str, str], pictures: Path, recipe: Callable[..., Any], tmp_path: Path
) -> None:
    config = recipe(training, precision="float32", **STEPS, **FEW[training])

    class Killed(training):  # type: ignore[misc]
        def losses(self, batch: Any) -> Any:
            if self.step == 5:
                raise KeyboardInterrupt
            return super().losses(batch)

    with pytest.raises(KeyboardInterrupt):
        train(Killed, config, pictures, tmp_path, device=devices[0])
    result = train(training, config, pictures, tmp_path, device=devices[1])
    assert result.steps == 8
    assert np.isfinite(result.best_score)


def test_a_step_whose_gradient_is_not_finite_is_left_out(pictures: Path, recipe: Callable[..., Any]) -> None:
    config = recipe(DeepJsccRun, fit_patches=400)

    class Diverging(DeepJsccRun):
        def losses(self, batch: Any) -> Any:
            losses = super().losses(batch)
            return {**losses, "loss": losses["loss"] * torch.inf}

    run, (shown, _) = Diverging(config, torch.device("cuda")), read_pictures(pictures, config)
    run.start(shown)
    run.start_ema()
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    take_step(run, shown, 0.0)
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())
