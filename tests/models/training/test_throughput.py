"""Arithmetic of a step against a closed form, and what the command prints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from semcom.cli import main
from semcom.models.deepjscc.training import DeepJsccRun
from semcom.models.training.throughput import floor_gflop_per_s, measure_throughput


class Known(DeepJsccRun):
    """One matrix product, forward and for the gradient of its weights alone."""

    __module__ = DeepJsccRun.__module__

    def losses(self, batch: Any) -> Any:
        loss = (batch.images().flatten(1)[:, :192] @ self.model.klt.analysis.T).square().mean()
        return {"loss": loss, "rate": "1/6", "mse": loss}


def test_arithmetic_is_counted_and_set_against_the_floor(recipe: Callable[..., Any], pictures: Path) -> None:
    config = recipe(Known, fit_patches=400)
    speed = measure_throughput(Known, config, pictures, seconds=0.05, device="cpu")
    rows, columns = Known(config, torch.device("cpu")).model.klt.analysis.shape
    assert [(one.phase, one.crop, one.batch) for one in speed.phases] == [("1", 32, 2), ("2", 64, 1)]
    for one in speed.phases:
        assert one.gflop_per_picture * 1e9 == 2 * 2 * rows * columns  # 2 for each product; 2 products
        assert one.megapixels_per_s == pytest.approx(one.pictures_per_s * one.crop**2 / 1e6)
        assert one.gflop_per_s == pytest.approx(one.pictures_per_s * one.gflop_per_picture)
        assert one.share_of_floor == pytest.approx(one.gflop_per_s / speed.floor_gflop_per_s)
    rates = [one.pictures_per_s for one in speed.phases]
    assert min(rates) <= speed.whole.pictures_per_s <= max(rates)


def test_the_floor_is_a_rate_of_this_machine() -> None:
    assert 0.1 < floor_gflop_per_s(torch.device("cpu"), torch.float32, seconds=0.01) < 1e6


def test_the_command_prints_it_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "deepjscc", "--config", "tiny", "--data", "builtin:photos", "--device", "cpu"]
    ended = CliRunner().invoke(main, [*command, "--throughput", "0.1"])
    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines()[0].startswith("CPU, 2 threads, float32: a large matrix product reaches ")
    assert [line.split()[0] for line in ended.output.splitlines()[1:]] == ["phase", "1", "2", "whole"]
    ended = CliRunner().invoke(main, [*command, "--throughput", "0.1", "--json"])
    found = json.loads(ended.output)
    assert [one["crop"] for one in found["phases"]] == [32, 64]
    assert found["whole"]["pictures_per_s"] > 0
    assert list(tmp_path.iterdir()) == []
    ended = CliRunner().invoke(main, [*command, "--out", "run", "--json"])
    assert (ended.exit_code, "--json prints what --throughput finds; give both, or neither" in ended.output) == (
        2,
        True,
    )
    ended = CliRunner().invoke(main, command)
    assert (ended.exit_code, "expected --out, a folder of results, or --throughput" in ended.output) == (2, True)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_a_compiled_training_computes_the_same(
    recipe: Callable[..., Any], ready: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the compiler's front end; what machine code it makes is the compiler's matter."""
    from semcom.models.training.step import take_step

    compile = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **_: compile(function, backend="eager", dynamic=False))
    config = recipe(DeepJsccRun, fit_patches=400)
    found = []
    for how in ("off", "on"):
        run, shown = ready(DeepJsccRun, config)
        run.compile(how)
        take_step(run, shown, 0.0)
        found.append(run.model.state_dict())
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-4, atol=1e-6)
