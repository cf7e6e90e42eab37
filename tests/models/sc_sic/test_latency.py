"""The least that runs through all of `benchmarks/sc_sic_latency.py`, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "sc_sic_latency.py"


@pytest.mark.slow
def test_every_contestant_runs_and_the_receiver_computes_what_the_plain_loop_does() -> None:
    command = [sys.executable, str(BENCHMARK), "--check", "--device", "cpu", "--precision", "float32"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout
    assert "REDUCED" in said
    (line,) = [line for line in said.splitlines() if "same draws:" in line]
    assert float(line.rsplit(" ", 1)[1]) < 1e-4
    head, *rows = [line.split("|")[1:-1] for line in said.splitlines() if line.startswith("| ")]
    assert [cell.strip() for cell in head[:5]] == ["", "Receiver", "plain loop", "diffusers", "SD 1.5"]
    whole = [row for row in rows if "whole" in row[0]]
    assert len(whole) == 2
    assert all(cell.strip() not in ("", "-") for row in whole for cell in row)


@pytest.mark.slow
def test_no_row_is_begun_behind_the_budget() -> None:
    command = [sys.executable, str(BENCHMARK), "--check", "--device", "cpu", "--peers", "--budget", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    assert "7 rows left out: the budget of 0 s is used up" in ended.stdout
    assert "whole" not in ended.stdout
