"""Sweeps by other processes: workers of this machine, that are killed and interrupted, and a cluster of one's own."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import socket
import subprocess
import sys
import time
import warnings
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.errors import MissingExtra, RunError, UsageError
from semcom.flowgraphs.experiments.crew import _Dask, open_crew
from semcom.flowgraphs.experiments.results import iter_items


def command(noisy, pictures, out, *more) -> list[str]:
    axes = ("--over", "esn0_db=0:20:10", "--images", str(pictures), "--draws", "3")
    return [sys.executable, "-m", "semcom", "sweep", noisy, *axes, "--out", out, "--json", *more]


def start(*args: str) -> subprocess.Popen[str]:
    def hear_ctrl_c() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)


def items(folder: str) -> list[dict]:
    rows = [{name: value for name, value in row.items() if name != "latency_s"} for row in iter_items(Path(folder))]
    return sorted(rows, key=str)


def wait_for_items(folder: str, count: int) -> None:
    file = Path(folder) / "items.csv"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not file.exists() or file.read_text().count("\n") <= count):
        time.sleep(0.05)


def worker_processes(process) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "--multiprocessing-fork" in " ".join(child.cmdline())]


def test_a_worker_that_is_killed_costs_nothing_but_its_tasks(noisy, pictures, sweep):
    slow = ("--set", "channel.sleep_s=0.05")
    process = start(*command(noisy, pictures, "killed", "--workers", "2", *slow))
    wait_for_items("killed", 3)
    victims = worker_processes(process)
    assert len(victims) == 2
    victims[0].kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    record = json.loads(out.splitlines()[-1])
    assert (record["status"], record["items"], record["failures"]) == ("ok", 54, 0)
    sweep(over=("esn0_db=0:20:10",), sets=("channel.sleep_s=0.05",), draws=3, out="here")
    assert items("killed") == items("here")


def test_ctrl_c_keeps_what_is_finished_and_leaves_nobody_behind(noisy, pictures):
    slow = ("--set", "channel.sleep_s=0.5")
    process = start(*command(noisy, pictures, "asked", "--workers", "1", *slow))
    wait_for_items("asked", 2)
    children = psutil.Process(process.pid).children(recursive=True)
    assert worker_processes(process)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert process.returncode == 130, err
    assert "what was finished is kept; the same command goes on from there" in err
    record = json.loads(out.splitlines()[-1])
    assert record["status"] == "interrupted"
    assert 2 <= record["items"] == len(items("asked")) < 54
    assert json.loads(Path("asked/sweep.json").read_text())["status"] == "interrupted"
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


@pytest.fixture
def cluster():
    """A dask cluster of threads in this process, at an address of its own."""
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster:  # fmt: skip
            yield cluster


def test_a_sweep_beside_another_warns_of_nothing():
    pytest.importorskip("distributed")
    with socket.socket() as port_of_dask:
        with contextlib.suppress(OSError):  # somebody has it already
            port_of_dask.bind(("127.0.0.1", 8787))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with open_crew(workers=1, scheduler=None) as crew:
                assert crew.workers == 1


def test_an_existing_scheduler_does_the_work(cluster, sweep):
    dies = sweep(scheduler=cluster.scheduler_address, out="there", draws=2)
    assert (dies.status, dies.items, dies.workers) == ("ok", 24, 2)
    sweep(out="here", draws=2)
    assert items("there") == items("here")


def test_a_scheduler_that_is_not_there(sweep, monkeypatch):
    monkeypatch.setattr("semcom.flowgraphs.experiments.crew.CONNECT_S", 0.5)
    with pytest.raises(UsageError, match=r"--scheduler tcp://127.0.0.1:9: no dask scheduler answers there: "):
        sweep(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"--scheduler nonsense://x: no dask scheduler answers there: "):
        sweep(scheduler="nonsense://x")


def test_a_scheduler_that_goes_is_said():
    class Client:
        status = "closed"

    with pytest.raises(RunError, match="the scheduler is gone; what was finished is kept: give the same command again"):
        _Dask(Client()).next_ended(0.01)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r'semcom sweep needs distributed: pip install "gr-semcom\[sweep\]"'):
        with open_crew(2, None):
            pass
    with open_crew(0, None) as crew:
        assert crew.workers == 1


# The command


def semcom(*args: str, code: int = 0):
    result = CliRunner().invoke(main, list(args))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_the_command_says_where_the_table_is(noisy, pictures):
    args = ("sweep", noisy, "--over", "channel.esn0_db=0,10", "--images", str(pictures), "--workers", "0")
    result = semcom(*args, "--out", "swept")
    assert result.stdout == "done: 12 items measured, 0 were there, 2 points\n  table: swept/points.csv\n"
    assert result.stderr.startswith("note: --over channel.esn0_db: the file writes it as $esn0_db")
    assert semcom(*args, "--out", "swept", "--quiet").output == ""
    failing = semcom(*args, "--out", "bad", "--set", "channel.fails_at=0", "--quiet", code=1)
    assert failing.stderr.startswith(f"failed: system noisy, channel.esn0_db=0, draw 0, picture 0: {noisy}:")
    assert ":3, --set channel.fails_at=0, --over channel.esn0_db=0: block 'channel' at item 0: " in failing.stderr
    wrong = semcom("sweep", noisy, "--over", "x", "--json", code=2)
    assert json.loads(wrong.stdout)["status"] == "failed"
    assert wrong.stderr == "--over x: expected NAME=START:STOP:STEP or NAME=VALUE,VALUE: --over esn0_db=0:20:2\n"
