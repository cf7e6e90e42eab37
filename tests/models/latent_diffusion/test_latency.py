"""The least that runs through all of `benchmarks/latent_diffusion_latency.py`, in a fork of its own."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "latent_diffusion_latency.py"
PROGRAM = f"""
import sys
sys.path.insert(0, {str(BENCHMARK.parent)!r})
import latent_diffusion_latency as program

program.main()
"""


@pytest.mark.slow
def test_every_row_is_measured_and_ours_computes_what_a_plain_loop_does(tmp_path: Path, warm: Path) -> None:
    out = tmp_path / "rows.csv"
    options = ["--check", "--device", "cpu", "--precision", "float32", "--out", str(out)]
    ended = subprocess.run([warm / "semcom", "-c", PROGRAM, *options], capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    assert "REDUCED" in ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if "same noise:" in line]
    assert float(line.rsplit(" ", 1)[1]) < 1e-4
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 5
    assert all(float(row["ours_ms"]) > 0 < float(row["floor_ms"]) for row in rows)
    assert [bool(row["stock_ms"]) for row in rows] == [True, True, False, False, True]
