from __future__ import annotations

import csv
import json
import math
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from semcom.errors import FlowgraphError, InputError, RunError, UsageError
from semcom.flowgraphs.experiments import sweep as sweep_module
from semcom.flowgraphs.experiments.crew import Ended, _Here
from semcom.flowgraphs.experiments.measured_graph import Picture, draw_seed
from semcom.flowgraphs.experiments.results import iter_items, lock_folder
from semcom.flowgraphs.experiments.task import Done, run_task
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run


def items(folder="sweep") -> list[dict]:
    """The items of a sweep in an order of their own, without clock readings."""
    rows = [{name: value for name, value in row.items() if name != "latency_s"} for row in iter_items(Path(folder))]
    return sorted(rows, key=str)


def table(name: str, folder="sweep") -> list[dict[str, str]]:
    with open(f"{folder}/{name}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


# What it measures


def test_every_picture_at_every_point_once(sweep):
    result = sweep(over=("esn0_db=0:20:10", "wrong=0,0.5"), draws=2)
    assert (result.status, result.points, result.items, result.skipped) == ("ok", 6, 6 * 6 * 2, 0)
    keys = [(row["esn0_db"], row["wrong"], row["draw"], row["seq"], row["label"]) for row in items()]
    wanted = {(e, w, d, n, f"p{n}") for e in ("0", "10", "20") for w in ("0", "0.5") for d in (0, 1) for n in range(6)}
    assert set(keys) == wanted
    assert len(keys) == len(wanted)
    assert not Path("out").exists()


def test_the_first_draw_is_what_semcom_run_measures(sweep, noisy, pictures):
    sweep(over=("esn0_db=5",), draws=2)
    sets = {"photos.path": str(pictures), "report.out": "run"}
    run(load_graph(noisy, Overrides({"esn0_db": 5}, sets)), RunOptions("inline"))
    theirs = {int(row["seq"]): float(row["psnr_db"]) for row in table("metrics", "run")}
    rows = items()
    assert {row["seq"]: row["psnr_db"] for row in rows if row["draw"] == 0} == theirs
    assert all(row["psnr_db"] != theirs[row["seq"]] for row in rows if row["draw"] == 1)


def test_draws_have_seeds_of_their_own():
    seeds = [draw_seed(7, draw) for draw in range(1000)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert not set(seeds) & {draw_seed(8, draw) for draw in range(1000)}


def test_the_same_picture_and_draw_meet_the_same_noise_in_every_system_and_at_every_snr(sweep, pictures):
    sets = ("photos.size=[32, 48]", "linear:encoder.variant=linear")
    sweep(
        "adaptive=deepjscc-awgn",
        "linear=deepjscc-awgn",
        sets=sets,
        over=("channel.esn0_db=0,10",),
        draws=2,
        max_items=2,
    )
    said = "--over channel.esn0_db: the file writes it as $esn0_db, so this sets the variable 'esn0_db'"
    assert sweep.notes == [said]
    noise_db: dict[tuple[int, int], list[float]] = {}
    quality = {}
    for row in items():
        # Symbols have unit energy a frame, but for the quantised power scale: measured and nominal Es/N0 differ by the
        # energy of the noise that was drawn.
        excess_db = row["measured_esn0_db"] - float(row["channel.esn0_db"])
        noise_db.setdefault((row["draw"], row["seq"]), []).append(excess_db)
        quality[row["system"], row["channel.esn0_db"], row["draw"], row["seq"]] = row["psnr_db"]
    assert len(noise_db) == 4
    assert {len(values) for values in noise_db.values()} == {4}
    for values in noise_db.values():
        np.testing.assert_allclose(values, values[0], atol=5e-3)
    means = sorted(values[0] for values in noise_db.values())
    assert min(np.diff(means)) > 2e-2
    assert len(set(quality.values())) == 16


def test_an_axis_may_have_another_name_in_another_flowgraph(sweep, noisy, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(Path(noisy).read_text().replace("name: noisy", "name: other").replace("wrong", "loss"))
    other.write_text(other.read_text().replace("loss: $loss", "wrong: $loss"))
    sweep(noisy, str(other), over=("wrong,loss=0,1",), sets=("noisy:photos.size=[16, 16]",))
    assert {(row["system"], row["wrong"]): row["block_error_rate"] for row in table("points")} == {
        (system, wrong): wrong for system in ("noisy", "other") for wrong in ("0", "1")
    }
    said = "systems send the pictures in sizes of their own (noisy [16, 16] cover; other null cover): "
    assert sweep.notes == [f"{said}--set photos.size=null makes them one"]


def test_points_hold_means_intervals_percentiles_and_rates(sweep):
    from scipy import stats

    sweep(over=("esn0_db=10",), vars=("wrong=0.3",), draws=5)
    rows = items()
    (point,) = table("points")
    by_picture = [[row["psnr_db"] for row in rows if row["seq"] == seq] for seq in range(6)]
    means = [np.mean(draws) for draws in by_picture]
    interval = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    got = [float(point[name]) for name in ("psnr_db", "psnr_db_low", "psnr_db_high", "psnr_db_median")]
    np.testing.assert_allclose(got, [np.mean(means), interval.low, interval.high, np.median(by_picture)], rtol=1e-8)
    got = [float(point[f"psnr_db_{name}"]) for name in ("p05", "p50", "p95")]
    np.testing.assert_allclose(got, np.mean([np.percentile(d, (5, 50, 95)) for d in by_picture], axis=0), rtol=1e-8)
    errors = int(sum(row["block_errors"] for row in rows))
    failed = int(sum(row["failed"] for row in rows))
    assert (point["items"], point["pictures"], point["draws"]) == ("30", "6", "5")
    assert (point["blocks"], point["block_errors"], point["failed"]) == ("300", str(errors), str(failed))
    for name, count, trials in (("block_error_rate", errors, 300), ("failure_rate", failed, 30)):
        theirs = stats.binomtest(count, trials).proportion_ci(method="wilson")
        got = [float(point[f"{name}{end}"]) for end in ("", "_low", "_high")]
        np.testing.assert_allclose(got, [count / trials, theirs.low, theirs.high], rtol=1e-8)
    low, high = stats.binom.interval(1 - 1e-6, 300, 0.3)
    assert low <= errors <= high


def test_differences_are_paired(sweep, noisy):
    sweep(f"a={noisy}", f"b={noisy}", sets=("b:channel.gain=2",), over=("esn0_db=20",))
    (row,) = table("differences")
    assert (row["system"], row["reference"], row["esn0_db"], row["pictures"]) == ("b", "a", "20", "6")
    # Twice the noise is 6.02 dB, the same noise leaves no doubt; rounding to whole pixels moves it a little.
    assert -6.3 < float(row["psnr_db_low"]) < float(row["psnr_db"]) < float(row["psnr_db_high"]) < -5.8
    assert float(row["psnr_db_high"]) - float(row["psnr_db_low"]) < 0.1


def test_a_variable_named_like_a_measurement_keeps_both(sweep, noisy):
    path = Path(noisy)
    path.write_text(path.read_text().replace("wrong", "failed").replace("failed: $failed", "wrong: $failed"))
    sweep(over=("failed=0,1",), vars=())
    assert {(row["failed"], row["measured_failed"]) for row in items()} == {("0", 0.0), ("1", 1.0)}
    assert {row["measured_failed"]: row["failed"] for row in items()} == {0.0: "0", 1.0: "1"}


def test_started_blocks_are_kept_and_give_the_same_bytes(sweep):
    sets = ("channel.gain=1.0625",)  # of this test alone: what a test before it started is kept as well
    sweep(over=("esn0_db=0:19:1",), draws=2, sets=sets)
    assert Path("starts.txt").read_text().count("\n") == 1
    sweep(over=("esn0_db=19",), draws=2, sets=sets, out="one")
    whole = [row for row in items() if row["esn0_db"] == "19"]
    assert [row["psnr_db"] for row in items("one")] == [row["psnr_db"] for row in whole]


# Going on


def test_the_same_command_again_repeats_nothing(sweep):
    sweep()
    before = Path("sweep/items.csv").read_bytes()
    again = sweep()
    assert (again.status, again.items, again.skipped) == ("ok", 0, 12)
    assert Path("sweep/items.csv").read_bytes() == before
    more = sweep(over=("esn0_db=0,10,20",), draws=2)
    assert (more.items, more.skipped) == (24, 12)
    assert len(table("points")) == 3
    assert sweep(over=("esn0_db=0",), fresh=True).items == 6


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("seed", range(3))
def test_a_torn_table_is_mended_and_the_rest_measured(sweep, kind, seed):
    sweep(format=kind)
    whole = items()
    if kind == "csv":
        file = Path("sweep/items.csv")
        content = file.read_bytes()
        file.write_bytes(content[: np.random.default_rng(seed).integers(1, len(content))])
    else:
        parts = sorted(Path("sweep/items.parquet").glob("part-*"))
        parts[seed].unlink()
        Path("sweep/items.parquet/.part-000099.parquet.123").write_bytes(b"PAR1 torn")
    again = sweep(format=kind)
    assert again.items > 0
    assert again.items + again.skipped == 12
    assert items() == whole


def test_both_formats_hold_the_same(sweep):
    sweep(out="a", draws=2)
    sweep(out="b", draws=2, format="parquet")
    rows = [items(name) for name in ("a", "b")]
    for one, other in zip(*rows, strict=True):
        assert {k: v for k, v in one.items() if k not in ("psnr_db", "ssim", "cbr")} == {
            k: v for k, v in other.items() if k not in ("psnr_db", "ssim", "cbr")
        }
        assert one["psnr_db"] == pytest.approx(other["psnr_db"], rel=1e-8)


def test_a_changed_flowgraph_is_measured_anew_and_its_old_points_go(sweep, noisy):
    sweep()
    assert sweep(sets=("channel.gain=2",)).items == 12
    points = table("points")
    assert len(points) == 2
    assert {point["items"] for point in points} == {"6"}
    assert len(items()) == 24
    path = Path(noisy)
    path.write_text(path.read_text().replace("name: noisy", "name: noisy\ndoc: only words changed"))
    assert sweep(sets=("channel.gain=2",)).items == 0


def test_systems_of_earlier_commands_stay(sweep, noisy):
    sweep(f"a={noisy}")
    sweep(f"b={noisy}")
    assert [(row["system"], row["esn0_db"]) for row in table("points")] == [
        ("b", "0"),
        ("b", "10"),
        ("a", "0"),
        ("a", "10"),
    ]


# Failures


def test_a_flowgraph_that_raises_is_reported_and_the_others_go_on(sweep, noisy):
    result = sweep(f"good={noisy}", f"bad={noisy}", sets=("bad:channel.fails_at=2",))
    line = 1 + next(n for n, text in enumerate(Path(noisy).read_text().split("\n")) if text.startswith("  channel:"))
    assert (result.status, result.exit_code, result.items) == ("failed", 1, 12 + 10)
    assert [(f["system"], f["esn0_db"], f["draw"], f["seq"]) for f in result.failures] == [
        ("bad", "0", 0, 2),
        ("bad", "10", 0, 2),
    ]
    assert any(
        note.startswith(
            f"failed: system bad, esn0_db=0, draw 0, picture 2: {noisy}:{line}:3, --set channel.fails_at=2, "
            "--over esn0_db=0: block 'channel' at item 2: ValueError: no picture 2"
        )
        for note in sweep.notes
    )
    record = json.loads(Path("sweep/sweep.json").read_text())
    assert (record["status"], len(record["failures"])) == ("failed", 2)
    again = sweep(f"good={noisy}", f"bad={noisy}", sets=("bad:channel.fails_at=2",))
    assert (again.items, again.skipped, len(again.failures)) == (0, 22, 2)


def test_a_flowgraph_that_always_raises_is_given_up(sweep):
    result = sweep(sets=("channel.fails_at=-2",), draws=4)
    assert (result.status, result.items) == ("failed", 0)
    assert len(sweep.notes) <= 12


def test_a_target_of_block_errors_adds_whole_rounds_of_draws(sweep):
    over = ("wrong=0,0.05,0.5",)
    sweep(over=over, target_block_errors=40, max_draws=8)
    points = {row["wrong"]: row for row in table("points")}
    assert points["0"]["draws"] == "8"
    assert points["0.5"]["draws"] in ("1", "2")
    for point in points.values():
        assert int(point["block_errors"]) >= 40 or point["draws"] == "8"
        assert int(point["items"]) == 6 * int(point["draws"])
    whole = items()
    Path("sweep/items.csv").write_text("\n".join(Path("sweep/items.csv").read_text().splitlines()[:40]) + "\n")
    sweep(over=over, target_block_errors=40, max_draws=8)
    assert items() == whole


def test_a_target_where_nothing_is_counted_is_said(sweep, pictures):
    result = sweep(
        "deepjscc-awgn", over=("esn0_db=10",), sets=("photos.size=[32, 48]",), target_block_errors=5, max_items=1
    )
    assert result.items == 1
    assert any("counts no blocks and no failures: the target adds no draws" in note for note in sweep.notes)


def test_pictures_that_workers_do_not_see_are_sent_along(sweep, monkeypatch):
    class Elsewhere:
        """A worker on a machine without the folder of pictures."""

        workers = 2

        def __init__(self):
            self.tasks = []

        def submit(self, number, task):
            def moved(picture):
                return Picture(f"/nowhere/{Path(picture.path).name}", picture.digest)

            parts = tuple(
                msgspec.structs.replace(part, pictures=tuple(map(moved, part.pictures))) for part in task.parts
            )
            self.tasks.append((number, msgspec.structs.replace(task, parts=parts)))

        def next_ended(self, patience_s):
            number, task = self.tasks.pop()
            return Ended(number, msgspec.msgpack.decode(run_task(msgspec.msgpack.encode(task)), type=Done))

    @contextmanager
    def open_crew(workers, scheduler):
        yield Elsewhere()

    sweep(out="here")
    monkeypatch.setattr(sweep_module, "open_crew", open_crew)
    monkeypatch.setattr("semcom.flowgraphs.experiments.task.tempfile.gettempdir", lambda: str(Path.cwd()))
    assert sweep(draws=3).items == 36
    assert "the workers do not see the pictures: they are sent along with the tasks" in sweep.notes
    assert [row for row in items() if row["draw"] == 0] == items("here")


# Wrong use


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"over": ("esn0=1",)}, "--over esn0=1: noisy: the flowgraph has no variable 'esn0' (did you mean 'esn0_db'?)"),
        ({"over": ("channel.gian=1",)}, "--over channel.gian=1: noisy: block 'channel': gian: no such parameter (did"),
        ({"over": ("chanel.gain=1",)}, "--over chanel.gain=1: noisy: no block 'chanel' (did you mean 'channel'?)"),
        ({"over": ("channel.gain=1,-1",)}, "--over channel.gain=-1: noisy: block 'channel': gain: expected a number"),
        ({"vars": ("esn0_db=3",)}, "--over esn0_db: noisy: --var esn0_db is given as well; leave one of them out"),
        ({"over": ("esn0_db=1", "channel.esn0_db=2")}, "--over channel.esn0_db: noisy: --var esn0_db is given as well"),
        ({"sets": ("other:channel.gain=1",)}, "--set other:channel.gain=1: no system 'other'"),
        ({"swaps": ("photos=sources/video:path=x.mp4",)}, "system noisy: a sweep needs one source, sources/images,"),
        ({"sets": ("photos.repeat=null",)}, "photos.repeat: null sends pictures for ever; say how many: --max"),
    ],
)  # fmt: skip
def test_wrong_use_is_said_before_anything_runs(sweep, given, message):
    with pytest.raises(UsageError) as caught:
        sweep(**given)
    assert str(caught.value).startswith(message)
    assert not Path("sweep").exists()


def test_a_flowgraph_that_measures_nothing(sweep, noisy):
    path = Path(noisy)
    text = path.read_text().replace("sinks/report", "sinks/null").replace(", out: out/nowhere", "")
    path.write_text(text.replace("report.received", "report.image").replace("  - photos -> report.sent\n", ""))
    with pytest.raises(
        UsageError, match="system noisy: a sweep needs a block sinks/report or sinks/metrics that measur"
    ):
        sweep()


def test_two_systems_of_one_name(sweep, noisy):
    with pytest.raises(UsageError, match=r"two systems are called 'noisy'; name them: A=.*noisy.yaml B=.*noisy.yaml"):
        sweep(noisy, noisy)


def test_other_seeds_are_said(sweep, noisy, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(Path(noisy).read_text().replace("name: noisy", "name: other").replace("seed: 3", "seed: 4"))
    sweep(noisy, str(other))
    assert "system other: runs with seed 3 of the first system, not 4" in sweep.notes
    rows = items()
    assert len({(row["seq"], row["esn0_db"], row["psnr_db"]) for row in rows}) == 12


def test_no_pictures(sweep, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: expected a folder with pictures, got one without"):
        sweep(images="empty")
    with pytest.raises(InputError, match="none: no such file or folder"):
        sweep(images="none")


def test_an_unreadable_picture(sweep, pictures):
    (pictures / "p2.png").write_bytes(b"no picture")
    result = sweep(over=("esn0_db=10",))
    assert (result.status, result.items, len(result.failures)) == ("failed", 5, 1)
    assert "a file that no decoder knows" in result.failures[0]["error"]
    skipped = sweep(over=("esn0_db=10",), sets=("photos.on_error=skip",), out="skipped")
    assert (skipped.status, skipped.items) == ("ok", 5)
    assert [row["seq"] for row in items("skipped")] == [0, 1, 2, 3, 4]


def test_the_folder_of_another_sweep(sweep, pictures):
    sweep()
    with pytest.raises(
        UsageError, match=r"items.csv: has other columns than this sweep; give another --out, or --fresh"
    ):
        sweep(over=("wrong=0",))
    with pytest.raises(
        UsageError, match=r"holds a sweep as items.csv; give the other --format, another --out, or --fre"
    ):
        sweep(format="parquet")
    (pictures / "p0.png").rename(pictures / "p9.png")
    with pytest.raises(
        UsageError, match="holds a sweep over other pictures: number 0 was 'p0'; give another --out, or"
    ):
        sweep()
    assert sweep(fresh=True).items == 12


def test_the_folder_of_another_sweep_as_parquet(sweep):
    sweep(format="parquet")
    for over in (("wrong=0",), ("esn0_db=0", "wrong=0"), ()):
        with pytest.raises(UsageError, match=r"items.parquet: has other columns than this sweep; give another --out"):
            sweep(over=over, format="parquet")
    Path("sweep/items.parquet/part-000000.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(InputError, match=r"part-000000.parquet: cannot be read: .*; delete it, and its items are mea"):
        sweep(format="parquet")


def test_pictures_may_differ_from_point_to_point(sweep, pictures, noisy):
    other = pictures.parent / "other"
    other.mkdir()
    (pictures / "p1.png").rename(other / "q0.png")
    axis = (f"photos.path={pictures},{other}",)
    sweep(over=axis, images=None)
    assert {row["photos.path"]: int(row["items"]) for row in table("points")} == {str(pictures): 5, str(other): 1}
    assert [row["label"] for row in items() if row["photos.path"] == str(other)] == ["q0"]
    assert sweep(over=axis, images=None).items == 0


def test_a_number_is_one_point_however_the_grid_comes_to_it(sweep):
    sweep(over=("esn0_db=0:1:0.5",))
    assert {row["esn0_db"] for row in items()} == {"0", "0.5", "1"}
    assert sweep(over=("esn0_db=0:2:1",)).items == 6
    assert len(table("points")) == 4


def test_a_name_that_is_no_utf8_is_said_before_anything_runs(sweep, pictures):
    import os

    os.rename(pictures / "p1.png", os.fsencode(pictures) + b"/p\xff.png")
    with pytest.raises(InputError, match=r"p\\udcff.png': expected a file name in UTF-8, got other bytes; rename the"):
        sweep()


def test_damaged_bytes_are_named_with_their_line(sweep):
    sweep()
    file = Path("sweep/items.csv")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], lines[3][:-20] + b"\xff" + lines[3][-19:], *lines[4:]]))
    with pytest.raises(InputError, match=r"items.csv:4: not a line of a sweep; delete it, and `semcom sweep` measures"):
        sweep()


def test_a_scheduler_without_workers_is_said(sweep, monkeypatch):
    class Alone(_Here):
        workers = 0

    @contextmanager
    def open_crew(workers, scheduler):
        yield Alone()

    monkeypatch.setattr(sweep_module, "open_crew", open_crew)
    assert sweep(scheduler="tcp://nobody:8786").status == "ok"
    assert "tcp://nobody:8786 has no workers yet: waiting for the first" in sweep.notes


def test_two_sweeps_at_once(sweep):
    import os

    lock = lock_folder(Path("sweep"))
    with pytest.raises(RunError, match="sweep: another sweep is writing to it; wait for it, or give another --out"):
        sweep()
    os.close(lock)
    assert sweep().status == "ok"


def test_a_line_that_is_none_is_named(sweep):
    sweep()
    file = Path("sweep/items.csv")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:3], "nonsense", *lines[3:]]) + "\n")
    with pytest.raises(InputError, match=r"items.csv:4: not a line of a sweep; delete it, and `semcom sweep` measures"):
        sweep()


def test_an_axis_named_like_a_column_of_the_tables(sweep, noisy):
    path = Path(noisy)
    path.write_text(path.read_text().replace("wrong", "draw").replace("draw: $draw", "wrong: $draw"))
    with pytest.raises(UsageError, match="--over draw: the tables use this name; call the variable otherwise"):
        sweep(over=("draw=0",))


def test_a_picture_repeated_meets_other_noise(sweep):
    sweep(over=("esn0_db=10",), sets=("photos.repeat=2",))
    rows = items()
    assert [row["seq"] for row in sorted(rows, key=lambda row: row["seq"])] == list(range(12))
    assert len({row["psnr_db"] for row in rows}) == 12
    assert not any(math.isnan(row["psnr_db"]) for row in rows)


def test_a_file_with_mistakes_is_told_as_by_check(sweep, tmp_path):
    (tmp_path / "bad.yaml").write_text("semcom: 1\nname: bad\nblocks: {a: {use: nothing}}\nconnect: []\n")
    with pytest.raises(FlowgraphError, match=r"bad.yaml:3:\d+: block 'a': use: no block 'nothing'"):
        sweep("bad.yaml")
