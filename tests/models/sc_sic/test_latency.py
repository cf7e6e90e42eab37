"""The least that runs through all of `benchmarks/sc_sic_latency.py`, in a fork of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "sc_sic_latency.py"
LEAST = ("--check", "--device", "cpu")
RUNS = ((*LEAST, "--precision", "float32"), (*LEAST, "--peers", "--budget", "0"))
ONE_AFTER_ANOTHER = f"""
import sys
sys.path.insert(0, {str(BENCHMARK.parent)!r})
import sc_sic_latency as program

for words in {RUNS}:
    sys.argv[1:] = words
    program.main()
    print("that was all")
"""


@pytest.fixture(scope="module")
def said(warm: Path) -> list[str]:
    """What each run says."""
    ended = subprocess.run([warm / "semcom", "-c", ONE_AFTER_ANOTHER], capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split("that was all\n")


@pytest.mark.slow
def test_every_contestant_runs_and_the_receiver_computes_what_the_plain_loop_does(said: list[str]) -> None:
    assert "REDUCED" in said[0]
    (line,) = [line for line in said[0].splitlines() if "same draws:" in line]
    assert float(line.rsplit(" ", 1)[1]) < 1e-4
    head, *rows = [line.split("|")[1:-1] for line in said[0].splitlines() if line.startswith("| ")]
    assert [cell.strip() for cell in head[:5]] == ["", "Receiver", "plain loop", "diffusers", "SD 1.5"]
    whole = [row for row in rows if "whole" in row[0]]
    assert len(whole) == 2
    assert all(cell.strip() not in ("", "-") for row in whole for cell in row)


@pytest.mark.slow
def test_no_row_is_begun_behind_the_budget(said: list[str]) -> None:
    assert "7 rows left out: the budget of 0 s is used up" in said[1]
    assert "whole" not in said[1]
