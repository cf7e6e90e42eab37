"""Two sinks that are given one folder: the second fails, and takes nothing of the first's."""

from __future__ import annotations

from pathlib import Path

import pytest
from semcom.errors import RunError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

FILE = """
semcom: 1
name: one-folder
blocks:
  photos: {use: sources/images, path: "builtin:photos", size: [16, 24]}
  first:  {use: sinks/metrics, out: out/m}
  second: {use: SINK, out: out/m}
connect:
  - photos -> first.received
  - photos -> second.received
"""


@pytest.mark.parametrize("sink", ["sinks/metrics", "sinks/report"])
def test_the_one_that_is_refused_empties_nothing(sink: str) -> None:
    Path("one.yaml").write_text(FILE.replace("SINK", sink))
    with pytest.raises(RunError, match=r"another sink or run is writing this file; give each its own folder 'out'"):
        run(load_graph("one.yaml"), RunOptions("inline"))
    rows = Path("out/m/metrics.csv").read_text().splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == ["0"]
