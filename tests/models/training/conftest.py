"""Trainings that are cut off, and whether they came to the same as others."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from semcom.models.training.train import train


def _flat(state: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    pairs = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list | tuple) else None
    if pairs is None:
        yield where, state
        return
    for name, value in pairs:
        if name not in ("config", "seconds"):
            yield from _flat(value, f"{where}/{name}")


def _rows(path: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(path.read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "minutes"} for row in rows]


@pytest.fixture(scope="session")
def assert_same() -> Callable[[Path, Path], None]:
    """Whether two folders of results are of the same run, to the bit: all but the minutes."""

    def check(found: Path, expected: Path) -> None:
        assert {path.name for path in found.iterdir()} == {path.name for path in expected.iterdir()}
        first, second = (dict(_flat(torch.load(folder / "last.pt", weights_only=True))) for folder in (found, expected))
        assert first.keys() == second.keys()
        for name, value in second.items():
            same = torch.equal(first[name], value) if isinstance(value, torch.Tensor) else first[name] == value
            assert same, name
        for path in expected.glob("*.safetensors"):
            assert (found / path.name).read_bytes() == path.read_bytes(), path.name
        for path in expected.glob("*.csv"):
            assert _rows(found / path.name) == _rows(path), path.name

    return check


@pytest.fixture(scope="session")
def cut_and_resume() -> Callable[..., None]:
    """Train into a folder, cut off in a step, and go on."""

    def run(training: Any, step: int, config: Any, data: Path, out: Path) -> None:
        class Killed(training):  # type: ignore[misc]
            def losses(self, batch: Any) -> Any:
                if self.step == step:
                    raise KeyboardInterrupt
                return super().losses(batch)

        with pytest.raises(KeyboardInterrupt):
            train(Killed, config, data, out)
        assert train(training, config, data, out).steps == config.steps

    return run
