"""The least that runs through all of `benchmarks/comparison.py`, in a fork of its own."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SMALL = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS)!r})
import comparison as program

program.LEVELS_DB = (10,)
program.CHANNELS = ("awgn",)
program.REFERENCE = "JPEG2000+LDPC adapted"
program.LINES = tuple(
    line._replace(cbrs=("1/24",)) for line in program.LINES if line.name in ("linear code", program.REFERENCE)
)
if __name__ == "__main__":
    program.main()
"""


def _rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "comparison.csv").read_text().splitlines()))


def _cells(page: str, start: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.split("|")[1:-1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    rng = np.random.default_rng(3)
    for number in range(3):
        smooth = gaussian_filter(rng.uniform(0, 255, (192, 224, 3)), (4 + number, 4, 0))
        stretched = 255 * (smooth - smooth.min()) / np.ptp(smooth)
        Image.fromarray(stretched.astype(np.uint8)).save(tmp_path / "data" / f"{number}.png")
    return tmp_path


@pytest.fixture
def run(folder: Path, warm: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program in the folder."""

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [warm / "semcom", "-c", SMALL, "--data", str(folder / "data"), "--jobs", "1", *options]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)

    return run


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_was_stopped_goes_on_and_the_page_says_what_is_missing(
    folder: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    kept = ("--out", "out", "--docs", "docs")
    part = run(*kept, "--images", "1", "--systems", "linear code")
    assert part.returncode == 0, part.stderr
    page = (folder / "docs" / "comparison.md").read_text()
    assert "1 of 2 points are measured" in page
    assert "| 1/24 | linear code |" in page
    assert "| 1/24 | JPEG2000" not in page

    whole = run(*kept)
    assert whole.returncode == 0, whole.stderr
    assert [line.split(",")[0] for line in whole.stderr.splitlines() if "pictures," in line][-1] == "5/5 pictures"
    page = (folder / "docs" / "comparison.md").read_text()
    assert "2 of 2 points are measured" in page
    values = {
        name: np.array([float(row["psnr_db"]) for row in _rows(folder / "docs") if row["system"] == name])
        for name in ("linear code", "JPEG2000+LDPC adapted")
    }
    for name, psnr_db in values.items():
        assert psnr_db.size == 3
        assert float(_cells(page, f"| 1/24 | {name} ")[-1]) == pytest.approx(psnr_db.mean(), abs=0.006)
    paired = page[page.index("picture by picture") :]
    (said,) = [cell for cell in _cells(paired, "| linear code | ")[1:] if cell != "-"]
    mean, low, high = map(float, re.findall(r"[+-][0-9.]+", said))
    less = values["linear code"] - values["JPEG2000+LDPC adapted"]
    assert mean == pytest.approx(less.mean(), abs=0.006)
    assert less.min() - 0.006 <= low <= mean <= high <= less.max() + 0.006
    assert {path.name for path in (folder / "docs" / "_static").iterdir()} == {"comparison.svg", "comparison.webp"}

    for path in (folder / "docs").glob("comparison.*"):
        path.unlink()
    again = run(*kept, "--budget", "0")
    assert again.returncode == 0, again.stderr
    assert "pictures," not in again.stderr
    assert (folder / "docs" / "comparison.md").read_text() == page


def test_a_system_that_is_not_there_is_named(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ended = run("--systems", "linear code", "mirror")
    assert ended.returncode == 1
    assert ended.stderr.strip() == "--systems: expected some of linear code, JPEG2000+LDPC adapted, got mirror"
