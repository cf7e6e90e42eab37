"""A step on a device never waits for it.

Tensors of torch's device ``meta`` have no values, so that a step which asks for one fails there; and copies between
host and device are watched: all but those that are said not to block would wait.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.swinjscc.training import SwinJsccRun
from semcom.models.training.batch import Batch, Losses
from semcom.models.training.step import take_step
from torch.utils._python_dispatch import TorchDispatchMode

META = torch.device("meta")
HOST = torch.Generator


class Watched(TorchDispatchMode):
    """Counts copies that wait."""

    waits = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func._schema.name in ("aten::_to_copy", "aten::copy_"):
            places = {one.device.type for one in (*args, out) if isinstance(one, torch.Tensor)}
            told = (kwargs or {}).get("non_blocking") or True in args[2:]
            self.waits += len(places) > 1 and not told
        return out


class OfDevice(HOST):
    """On the CPU, though it says that it is not: the device has none of its own."""

    def __new__(cls, device: Any) -> "OfDevice":
        return super().__new__(cls)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return META


class Either(HOST):
    def __new__(cls, device: Any = None) -> Any:
        return HOST.__new__(HOST) if device is None else OfDevice(device)


@pytest.fixture
def on_device(ready: Callable[..., Any], recipe: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The waits of a second step in each phase of a tiny recipe, layouts those of a GPU."""
    monkeypatch.setattr(torch, "Generator", Either)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # meta has none

    def steps(training: Any, few: dict[str, Any]) -> Iterator[int]:
        config = recipe(training, **few)
        begun, shown = ready(training, config)
        run = training(config, META)
        run.model.to(memory_format=torch.channels_last)
        run.start_ema()
        run.optimizer.step_unless = lambda bad: run.optimizer.step()  # a fused step looks itself
        begin = 0.0
        for phase in config.phases:
            middle, begin = (begin + phase.until) / 2, phase.until
            begun.prepare(phase, shown)  # closed forms are no part of the steps
            for name in training.holds:
                if isinstance(getattr(begun, name), bool | list):
                    setattr(run, name, getattr(begun, name))
            take_step(run, shown, middle)
            with Watched() as watched:
                take_step(run, shown, middle)
            yield watched.waits

    return steps


@pytest.mark.parametrize(
    ("training", "few"),
    [
        (DeepJsccRun, {"fit_patches": 400}),
        (CdmJsccRun, {"fit_crops": 8}),
        (ScSicRun, {"fit_crops": 16}),
        (LatentDiffusionRun, {"scale_crops": 16}),
        (SwinJsccRun, {"fit_patches": 400}),
    ],
)
def test_no_step_waits_for_its_device(training: Any, few: dict[str, Any], on_device: Any) -> None:
    waits = list(on_device(training, few))
    assert waits == [0] * len(waits)


class Copying(DeepJsccRun):
    __module__ = DeepJsccRun.__module__  # beside which its recipes are

    def losses(self, batch: Batch[Any]) -> Losses:
        torch.ones(3).to(self.device)
        return super().losses(batch)


class Asking(DeepJsccRun):
    __module__ = DeepJsccRun.__module__

    def losses(self, batch: Batch[Any]) -> Losses:
        losses = super().losses(batch)
        float(losses["loss"])  # type: ignore[arg-type]
        return losses


def test_a_step_that_waits_is_found(on_device: Any) -> None:
    assert min(on_device(Copying, {"fit_patches": 400})) == 1
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        next(on_device(Asking, {"fit_patches": 400}))
