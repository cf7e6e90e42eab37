"""The least that runs through all of `benchmarks/ntscc_designs.py`, in a fork of its own."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "ntscc_designs.py"
MINUTES = 0.005
CHANGED = f"""
import sys
sys.path.insert(0, {str(BENCHMARK.parent)!r})
import ntscc_designs as program

for name in ("checkerboard", "channels, all blocks at 1/16"):
    del program.DESIGNS[name]
program.POINTS = (("1/12", 10),)
program.main()
"""


@pytest.mark.slow
def test_designs_are_trained_once_for_the_same_minutes(tmp_path: Path, warm: Path) -> None:
    def said() -> list[str]:
        told = {"--data": "builtin:photos", "--recipe": "tiny", "--minutes": str(MINUTES), "--pictures": "1"}
        command = [warm / "semcom", "-c", CHANGED, *(word for pair in told.items() for word in pair), "--out", "out"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
        assert ended.returncode == 0, ended.stderr
        return [line for line in ended.stdout.splitlines() if line.startswith("|")]

    table = said()
    assert [line.split("|")[1].strip() for line in table] == ["design", "---", "`channels`", "`none`"]
    rows = list(csv.DictReader((tmp_path / "out" / "rows.csv").read_text().splitlines()))
    assert [row["design"] for row in rows] == ["channels", "none"]
    assert all(float(row["cpu_minutes"]) >= MINUTES for row in rows)
    assert all(int(row["steps"]) > 0 for row in rows)
    # the context model costs what it is made of: 3 x 3 and 1 x 1 convolutions of width 4 at 1/16
    context = sum(9 * begin * 4 + 4 * 2 * (end - begin) for begin, end in ((32, 64), (64, 128), (128, 256)))
    extra = float(rows[0]["encode_kmac"]) - float(rows[1]["encode_kmac"])
    assert extra == pytest.approx(context / 256 / 1000, rel=1e-3)
    folders = [path for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert len(folders) == 2
    for path in folders:
        shutil.rmtree(path)
    assert said() == table
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rows.csv"]
