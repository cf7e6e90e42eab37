"""A file may have any bytes for a name; what is written, sent and said of it is UTF-8."""

from __future__ import annotations

import csv
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from semcom.cli import main
from semcom.errors import ControlError, FlowgraphError, RunError
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import check_flowgraph, load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

NAMES = [b"caf\xe9.png", b"\xff\xfe.png", b"ok.png", "größe.png".encode()]
LABELS = sorted(["caf\\udce9", "größe", "ok", "\\udcff\\udcfe"])
GRAPH = """\
semcom: 1
name: names
blocks:
  photos: {use: sources/images, path: photos, repeat: 1}
  paced: {use: mappers/rate_limit, items_per_s: 1000}
  report: {use: sinks/report, out: out/report}
  table: {use: sinks/metrics, out: out/table}
  pictures: {use: sinks/images, out: out/pictures}
connect:
  - photos -> paced -> report.received
  - paced -> report.sent
  - paced -> table.received
  - paced -> table.sent
  - paced -> pictures
"""


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "photos").mkdir()
    for number, name in enumerate(NAMES):
        with open(os.fsencode(tmp_path / "photos") + b"/" + name, "wb") as file:
            Image.fromarray(np.full((16, 24, 3), 40 * number, np.uint8)).save(file, "PNG")
    path = tmp_path / "names.yaml"
    path.write_text(GRAPH)
    return path


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_every_way_out_takes_any_name(graph: Path, executor: str) -> None:
    result = run(load_graph(graph), RunOptions(executor))  # type: ignore[arg-type]
    assert result.status == "ok"
    json.dumps(result.as_json(), ensure_ascii=False).encode()
    json.loads(Path(result.record).read_text(encoding="utf-8"))
    with open("out/table/metrics.csv", encoding="utf-8", newline="") as file:
        assert sorted(row["label"] for row in csv.DictReader(file)) == LABELS
    rows = Path("out/table/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(row)["label"] for row in rows) == LABELS
    page = Path("out/report/report.html").read_text(encoding="utf-8")
    assert all(f"<h3>{label}</h3>" in page for label in LABELS)
    for folder in ("report", "pictures"):
        written = {path.name[:-9] for path in Path("out", folder).glob("*.png")}
        assert written == {label.replace("\\", "_").strip("_") for label in LABELS}
    assert all(Path(file).is_file() for file in result.files)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_an_error_names_the_file(graph: Path, executor: str) -> None:
    (Path(os.fsdecode(b"photos/a\xff.png"))).write_bytes(b"no picture")
    with pytest.raises(RunError, match=r"photos/a\\udcff\.png: expected a picture"):
        run(load_graph(graph), RunOptions(executor))  # type: ignore[arg-type]


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_live_swap_survives_any_name(graph: Path, executor: str) -> None:
    graph.write_text(GRAPH.replace("repeat: 1}", "repeat: null}").replace("1000", "100"))
    loaded, outcome = load_graph(graph), []
    thread = threading.Thread(target=lambda: outcome.append(run(loaded, RunOptions(executor))))  # type: ignore[arg-type]
    thread.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if request("names", {"do": "status"})["blocks"]["pictures"]["items"] > 8:
                break
        except (ControlError, KeyError):
            time.sleep(0.02)
    swap = {"do": "swap", "block": "pictures", "use": "sinks/images", "params": {"out": "out/others"}}
    after = request("names", swap)["after_items"]
    while request("names", {"do": "status"})["blocks"]["pictures"]["items"] < after + 8:
        time.sleep(0.02)
    request("names", {"do": "stop"})
    thread.join(30)
    assert outcome[0].status == "stopped"
    written = {path.name.rpartition("-")[0] for path in Path("out/others").glob("*.png")}
    assert written == {label.replace("\\", "_").strip("_") for label in LABELS}


def test_the_command_shows_any_name(graph: Path) -> None:
    os.rename(graph, os.fsdecode(b"f\xff.yaml"))
    result = CliRunner().invoke(main, ["run", os.fsdecode(b"f\xff.yaml"), "--json", "--quiet"])
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1])["status"] == "ok"
    result = CliRunner().invoke(main, ["check", os.fsdecode(b"gone\xff.yaml")])
    assert result.exit_code == 2
    assert "no flowgraph 'gone\\udcff.yaml'" in result.stderr


def test_what_a_flowgraph_says_is_utf8(graph: Path) -> None:
    with pytest.raises(FlowgraphError, match=r"--out o\\udcff: expected a folder whose name is UTF-8, got other bytes"):
        check_flowgraph(graph, Overrides(out="o\udcff"))
    with pytest.raises(FlowgraphError, match=r"expected printable text, got the character U\+DCFF; a file whose name "):
        check_flowgraph(graph, Overrides.parse(sets=["photos.path=photos/\udcff.png"]))
