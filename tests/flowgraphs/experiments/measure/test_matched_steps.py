"""`semcom measure matched-steps`: the table of the step rule."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.errors import UsageError
from semcom.flowgraphs.experiments.measure.matched_steps import matched_steps


def test_the_table(tmp_path: Path) -> None:
    """By hand from eqs. 11, 12 and 17 of the paper with Stable Diffusion's betas; the paper itself has 15 at 5 dB."""
    found = CliRunner().invoke(main, ["measure", "matched-steps", "--out", str(tmp_path)])
    assert found.exit_code == 0, found.output
    with (tmp_path / "matched-steps.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = {float(row["esn0_db"]): (round(float(row["level"])), round(float(row["steps"]), 1)) for row in rows}
    expected = {0: (401, 21.0), 2: (349, 18.4), 5: (285, 15.2), 7: (253, 13.6), 10: (221, 12.0), 15: (195, 10.7)}
    assert table == {**expected, 20: (185, 10.2)}
    assert [int(row["paper"]) for row in rows] == [21, 18, 15, 14, 12, 11, 10]
    assert "5     285    15.2        15" in found.output


def test_more_steps_than_there_are_are_refused() -> None:
    with pytest.raises(UsageError, match="at most 50 steps of inversion at both ends, got 30 and 21; take fewer"):
        matched_steps([5], 30, 21)
    found = CliRunner().invoke(main, ["measure", "matched-steps", "--sent-steps", "-3"])
    assert found.exit_code == 2
    assert "Invalid value for '--sent-steps': -3 is not in the range x>=0" in found.output
