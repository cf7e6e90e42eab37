import collections
import csv
import json
import math
import resource
import subprocess
import sys

import numpy as np
import pytest
from semcom.blocks._measuring.rows import Row
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Header
from semcom.blocks.sinks.metrics import Metrics
from semcom.errors import RunError, SignalError
from semcom.sim.metrics.ms_ssim import ms_ssim
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.metrics.ssim import ssim


def make(path) -> Metrics:
    return Metrics(Metrics.Params(out=str(path)))


def read(path):
    with open(path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return rows, lines


def test_one_row_an_item_with_numerator_and_denominator(tmp_path, delivery, run_sink):
    items = [delivery(seq) for seq in range(3)]
    sink = run_sink(make(tmp_path), items)
    rows, lines = read(tmp_path)
    assert [row["label"] for row in rows] == ["photo0", "photo1", "photo2"]
    assert list(rows[0]) == list(lines[0]) == list(Row._fields)
    assert [path.name for path in sink.files] == ["metrics.csv", "metrics.jsonl"]
    for item, row, line in zip(items, rows, lines, strict=True):
        assert line["psnr_db"] == psnr_db(item.sent, item.received)
        assert line["ssim"] == ssim(item.sent, item.received)
        assert line["ms_ssim"] == ms_ssim(item.sent, item.received)
        payload = 192 * 192 * 3 // 12
        assert (line["payload_uses"], line["side_information_bits"]) == (payload, 16)
        assert line["side_information_uses"] == 32  # 16 bits at half a bit a use
        assert line["channel_uses"] == payload + 32
        assert line["source_values"] == 3 * 192 * 192
        assert line["cbr"] == (payload + 32) / (3 * 192 * 192)
        bits_per_use = math.log2(1 + 10 ** (line["esn0_db"] / 10))
        assert line["cbr_at_capacity"] == pytest.approx((payload + 16 / bits_per_use) / (3 * 192 * 192), rel=1e-12)
        noise = item.channel_output.astype(complex) - item.channel_input
        energies = [np.mean(np.abs(x) ** 2) for x in (item.channel_input, noise)]
        assert line["esn0_db"] == pytest.approx(10 * math.log10(energies[0] / energies[1]), abs=1e-4)
        assert line["latency_s"] == item.trace.age_s
        assert float(row["psnr_db"]) == pytest.approx(line["psnr_db"], rel=1e-8)
    count, total = sink.measured["psnr_db"]
    assert total / count == pytest.approx(np.mean([line["psnr_db"] for line in lines]))
    assert set(sink.measured) == {"psnr_db", "ssim", "ms_ssim", "cbr", "esn0", "latency_s"}
    count, total = sink.measured["esn0"]
    assert total / count == pytest.approx(np.mean([10 ** (line["esn0_db"] / 10) for line in lines]))


def test_what_cannot_be_measured_is_empty(tmp_path, delivery, run_sink):
    item = delivery(0, side=100)
    bare = item._replace(trace=type(item.trace)(label="x"))
    run_sink(make(tmp_path), [bare], without=("sent", "channel_input", "channel_output"))
    rows, lines = read(tmp_path)
    empty = set(Row._fields) - {"seq", "label", "side_information_bits"}
    assert all(rows[0][name] == "" and lines[0][name] is None for name in empty)


@pytest.mark.parametrize(
    ("side", "measured"), [(8, set()), (11, {"ssim"}), (175, {"ssim"}), (176, {"ssim", "ms_ssim"})]
)
def test_small_pictures_have_fewer_metrics(tmp_path, delivery, run_sink, side, measured):
    run_sink(make(tmp_path), [delivery(0, side=side)])
    _, (line,) = read(tmp_path)
    assert line["psnr_db"] > 0
    assert {name for name in ("ssim", "ms_ssim") if line[name] is not None} == measured


@pytest.mark.parametrize("without", [(), ("channel_input",), ("channel_output",), ("channel_input", "channel_output")])
def test_channel_uses_are_counted_wherever_they_can_be(tmp_path, delivery, run_sink, without):
    run_sink(make(tmp_path), [delivery(0, side=24)], without=without)
    _, (line,) = read(tmp_path)
    assert line["payload_uses"] == 144


def test_an_exact_picture_has_infinite_psnr(tmp_path, delivery, run_sink):
    item = delivery(0, side=24)
    run_sink(make(tmp_path), [item._replace(received=item.sent, header=Header())])
    rows, lines = read(tmp_path)
    assert (rows[0]["psnr_db"], lines[0]["psnr_db"]) == ("inf", "inf")
    assert lines[0]["side_information_uses"] == 0


def test_rows_are_on_disk_before_the_run_ends(tmp_path, delivery):
    sink = make(tmp_path)
    sink.start()
    for seq in range(2):
        item = delivery(seq, side=24)
        sink.work(item.received, item.header, item.trace, item.identity, item.sent)
        rows, lines = read(tmp_path)
        assert len(rows) == len(lines) == seq + 1
    sink.finish(RunContext(complete=False))


def test_a_run_without_items_leaves_the_column_names(tmp_path, run_sink):
    run_sink(make(tmp_path), [])
    assert (tmp_path / "metrics.csv").read_text() == ",".join(Row._fields) + "\n"
    assert (tmp_path / "metrics.jsonl").read_text() == ""


def test_a_block_that_never_worked_empties_nothing(tmp_path):
    (tmp_path / "metrics.csv").write_text("kept")
    make(tmp_path).start()
    assert (tmp_path / "metrics.csv").read_text() == "kept"


def test_labels_are_quoted(tmp_path, delivery, run_sink):
    label = 'a,"b"\nc'
    run_sink(make(tmp_path), [delivery(0, side=24, label=label)])
    rows, lines = read(tmp_path)
    assert rows[0]["label"] == lines[0]["label"] == label


def test_a_full_disk_keeps_whole_rows(tmp_path, delivery):
    sink = make(tmp_path)
    sink.start()
    item = delivery(0, side=24, label="x" * 300)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))  # files may not grow beyond 2,000 bytes
    try:
        with pytest.raises(RunError, match=r"metrics\.jsonl: cannot be written: File too large; what was finished"):
            collections.deque(
                (sink.work(item.received, item.header, item.trace, item.identity, item.sent) for _ in range(10)), 0
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sink.finish(RunContext(complete=False))
    rows, lines = read(tmp_path)
    assert len(lines) >= 1
    assert all(row["latency_s"] for row in rows)
    assert (tmp_path / "metrics.csv").read_text().endswith("\n")


def test_two_sinks_on_one_file_are_refused(tmp_path, delivery):
    first, second = make(tmp_path), make(tmp_path)
    item = delivery(0, side=24)
    first.work(item.received, item.header, item.trace, item.identity)
    with pytest.raises(
        RunError, match=r"metrics\.csv: another sink or run is writing this file; give each its own folder"
    ):
        second.work(item.received, item.header, item.trace, item.identity)
    first.finish(RunContext())
    second.work(item.received, item.header, item.trace, item.identity)
    second.finish(RunContext())


def test_pictures_of_two_sizes_are_an_error(tmp_path, delivery, run_sink):
    item = delivery(0, side=24)
    with pytest.raises(SignalError, match=r"psnr: expected two pictures of one shape, got sent \[24, 24, 3\]"):
        run_sink(make(tmp_path), [item._replace(received=item.received[:20])])


def test_importing_the_sinks_loads_nothing_heavy():
    code = (
        "import sys, semcom.blocks.sinks.images, semcom.blocks.sinks.metrics, semcom.blocks.sinks.report;"
        "print([m for m in ('torch', 'matplotlib', 'skimage', 'scipy', 'PIL', 'yaml') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
