"""A folder of small pictures, and flowgraphs that need no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.flowgraphs.experiments.over import parse_over
from semcom.flowgraphs.experiments.sweep import SweepOptions, SweepResult, run_sweep
from semcom.flowgraphs.experiments.systems import parse_systems

NOISY = Path(__file__).parent / "plugins" / "noisy.py"
FILE = """\
semcom: 1
name: {name}
seed: 3
vars: {{esn0_db: 10, wrong: 0}}
blocks:
  photos: {{use: sources/images, path: "builtin:photos"}}
  channel: {{use: {noisy}, esn0_db: $esn0_db, wrong: $wrong}}
  report: {{use: sinks/report, out: out/nowhere}}
connect:
  - photos -> channel -> report.received
  - photos -> report.sent
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures of 16 x 16."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        values = np.random.default_rng(number).integers(80, 176, (16, 16, 3), np.uint8)
        Image.fromarray(values).save(folder / f"p{number}.png")
    return folder


@pytest.fixture
def noisy(tmp_path: Path) -> str:
    """A flowgraph whose channel adds noise to pictures."""
    path = tmp_path / "noisy.yaml"
    path.write_text(FILE.format(name="noisy", noisy=NOISY))
    return str(path)


@pytest.fixture
def sweep(noisy: str, pictures: Path, tmp_path: Path) -> Callable[..., SweepResult]:
    """Return a function that sweeps in this process; what it notes gathers in its attribute `notes`."""

    def call(*files: str, over=("esn0_db=0,10",), sets=(), vars=(), swaps=(), out="sweep", **options) -> SweepResult:
        call.notes = []
        systems = parse_systems(files or (noisy,), sets=sets, vars=vars, swaps=swaps)
        given = {"images": str(pictures), "workers": 0, **options}
        axes = [parse_over(text) for text in over]
        return run_sweep(systems, axes, SweepOptions(out=tmp_path / out, **given), note=call.notes.append)

    return call
