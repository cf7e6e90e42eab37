from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import InputError
from semcom.flowgraphs.experiments.sheet import _caption, draw_sheets

COLOURS = {"sent": (10, 20, 30), "hevc-ldpc": (200, 0, 0), "report": (0, 0, 200)}


def a_run(folder: Path, *, only: str | None = None) -> Path:
    """What `semcom run --out` leaves: a folder a sink, and a record that names the files."""
    blocks: dict[str, dict[str, list[str]]] = {"photos": {"files": []}}
    for block, colour in COLOURS.items():
        if only not in (None, block):
            continue
        (folder / block).mkdir(parents=True)
        files = []
        for seq, label in enumerate(("one", "two")):
            path = folder / block / f"{label}-{seq:04d}.png"
            Image.fromarray(np.full((40, 60 + 20 * seq, 3), colour, np.uint8)).save(path)
            files.append(str(path))
        if block != "sent":
            table = folder / block / "metrics.csv"
            table.write_text("seq,label,psnr_db,cbr,failed\n0,one,30.5,0.0417,0\n1,two,9,0.0417,1\n")
            files.append(str(table))
        blocks[block] = {"files": files}
    (folder / "run.json").write_text(json.dumps({"blocks": blocks}))
    return folder


def where(sheet: Path, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a colour."""
    found = np.argwhere((np.asarray(Image.open(sheet)) == colour).all(2))
    (top, left), (bottom, right) = found.min(0), found.max(0)
    return top, bottom, left, right


def test_a_row_a_run_and_a_column_a_sink(tmp_path: Path) -> None:
    runs = [a_run(tmp_path / "10dB"), a_run(tmp_path / "1dB", only="hevc-ldpc")]
    sheets = draw_sheets(runs, tmp_path / "sheets")
    assert [path.name for path in sheets] == ["sheet-one-0000.png", "sheet-two-0001.png"]
    for seq, sheet in enumerate(sheets):
        sent, lost, last = (where(sheet, colour) for colour in COLOURS.values())
        assert sent[3] - sent[2] + 1 == 60 + 20 * seq
        assert sent[3] < lost[2] < lost[3] < last[2]
        assert sent[:2] == last[:2]
        assert (sent[1] - sent[0], last[1] - last[0]) == (39, 39)
        assert lost[1] - lost[0] > 2 * 39  # it stands in both rows


def test_the_captions() -> None:
    assert _caption({"psnr_db": "30.512", "cbr": "0.041666", "failed": "0"}) == "PSNR 30.51 dB, CBR 0.0417"
    assert _caption({"psnr_db": "9", "cbr": "", "failed": "1"}) == "lost: PSNR 9.00 dB"
    assert _caption({"psnr_db": "inf"}) == "PSNR inf dB"
    assert _caption({}) == ""


def test_a_folder_that_was_moved(tmp_path: Path) -> None:
    run = a_run(tmp_path / "before")
    run.rename(tmp_path / "after")
    assert len(draw_sheets([tmp_path / "after"], tmp_path / "after")) == 2
    shutil.rmtree(tmp_path / "after" / "report")
    with pytest.raises(
        InputError, match=r"metrics\.csv: named by .*run\.json and not there; let the run write it again"
    ):
        draw_sheets([tmp_path / "after"], tmp_path)


@pytest.mark.parametrize("content", ["no json", "[]", '{"blocks": 3}', '{"blocks": {"a": {}}}'])
def test_another_file_in_the_place_of_a_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json: expected the record of a run, got another file"):
        draw_sheets([tmp_path], tmp_path)


def test_folders_without_runs_or_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json: expected the record of a run: No such file"):
        draw_sheets([tmp_path], tmp_path)
    (tmp_path / "run.json").write_text('{"blocks": {"null": {"files": []}}}')
    with pytest.raises(InputError, match="no picture was written there"):
        draw_sheets([tmp_path], tmp_path)
