from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import zmq
from semcom.cli.summary import summary
from semcom.errors import BlockError, ControlError, JoinError, RunError, SemcomError, UsageError, WorkerLost
from semcom.flowgraphs.runtime.engine.control import request, running
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

PLUGINS = Path(__file__).parents[1] / "plugins"
EXECUTORS = ["inline", "threads", "processes"]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that makes a graph of plug-in blocks; files that blocks write go to tmp_path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def graph(blocks: str, connect: str, name: str = "test", extra: str = ""):
        text = f"semcom: 1\nname: {name}\nseed: 3\n{extra}\nblocks:\n"
        for line in blocks.strip().splitlines():
            block, _, spec = line.strip().partition(": ")
            use, _, params = spec.partition(" ")
            params = f", {params}" if params else ""
            text += f"  {block}: {{use: {PLUGINS / use}.py{params}}}\n"
        text += "connect:\n" + "".join(f"  - {line.strip()}\n" for line in connect.strip().splitlines())
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return load_graph(path)

    return graph


def lines(path="record.txt"):
    return Path(path).read_text().splitlines()


CHAIN = """
    numbers: numbers count: 50
    scale: scale factor: 2, noise: 0.1
    record: record
"""


def test_every_executor_gives_the_same_bytes(make):
    graph = make(CHAIN, "numbers -> scale -> record")
    outcomes = []
    for executor in EXECUTORS:
        result = run(graph, RunOptions(executor))
        assert result.status == "ok"
        assert {(edge.into, edge.out, edge.dropped) for edge in result.edges.values()} == {(50, 50, 0)}
        outcomes.append(Path("record.txt").read_bytes())
        Path("record.txt").unlink()
    assert outcomes[0].count(b"\n") == 50
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_run_json_says_what_ran_and_what_came_out(make):
    result = run(make(CHAIN, "numbers -> scale -> record"), RunOptions("threads", items=5))
    record = json.loads(Path(result.record).read_text())
    assert record["status"] == "ok"
    assert record["edges"]["numbers.out -> scale.features"] == {"in": 5, "out": 5, "dropped": 0, "missing": 0}
    assert record["metrics"]["value"] == pytest.approx(4, abs=0.5)
    assert record["files"] == ["record.txt"]
    assert record["graph"]["blocks"][1]["params"]["factor"] == 2
    assert len(record["graph_hash"]) == 64
    assert record["seed"] == 3
    assert "numpy" in record["versions"]


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_diamond_whose_one_branch_holds_eight_items_runs_to_its_end(make, executor):
    graph = make(
        """
        numbers: numbers count: 100
        hold: hold items: 8
        record: record
        """,
        """
        numbers -> record.features
        numbers -> hold -> record.other
        """,
    )
    result = run(graph, RunOptions(executor))
    assert lines() == [f"{n} {n} {n}" for n in range(100)]
    assert not result.lossy


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_diamond_that_needs_more_than_its_bound_fails_with_edge_and_depth(make, executor):
    graph = make(
        """
        numbers: numbers count: 2000, size: 64
        hold: hold items: 2000
        record: record
        """,
        """
        numbers -> record.features
        numbers -> hold -> record.other
        """,
        extra="join_bytes: 65536",
    )
    with pytest.raises(SemcomError) as caught:
        run(graph, RunOptions(executor))
    assert isinstance(caught.value, JoinError)
    assert "'numbers.out -> record.features' is 257 items ahead of 'hold.out -> record.other'" in str(caught.value)
    assert "depth of at least 257 items" in str(caught.value)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_block_that_raises_ends_the_run_and_keeps_what_was_finished(make, executor):
    graph = make(
        """
        numbers: numbers count: 1000
        scale: scale fail_at: 20
        record: record
        """,
        "numbers -> scale -> record",
    )
    began = time.monotonic()
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions(executor))
    assert time.monotonic() - began < (15 if executor == "processes" else 6)  # and not the rest of 1000 items
    assert "block 'scale' at item 20: ZeroDivisionError: told to" in str(caught.value)
    assert "scale.py:" in str(caught.value)
    assert caught.value.exit_code == 1
    got = lines()
    assert got == [f"{n} {n}" for n in range(len(got))]
    assert lines("record.txt.end") == ["early"]
    record = json.loads(Path(caught.value.result.record).read_text())
    assert (record["status"], record["error"]) == ("failed", str(caught.value))


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_error_begins_with_where_its_block_is_written(make, executor, tmp_path):
    graph = make(
        """
        numbers: numbers count: 3
        scale: scale fail_at: 1
        record: record
        """,
        "numbers -> scale -> record",
    )
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions(executor))
    line = (tmp_path / "test.yaml").read_text().splitlines().index(f"  scale: {{use: {PLUGINS}/scale.py, fail_at: 1}}")
    assert str(caught.value).startswith(f"{tmp_path}/test.yaml:{line + 1}:3: block 'scale' at item 1: ZeroDivision")


def test_an_error_in_a_place_begins_with_where_its_block_is_written(make, tmp_path):
    graph = make(
        "numbers: numbers\nscale: scale fail_start: true\nrecord: record",
        "numbers -> scale -> record",
        extra="places: {tx: {blocks: [numbers, scale], endpoint: 'tcp://127.0.0.1:56931'}, "
        "rx: {blocks: [record], endpoint: 'tcp://127.0.0.1:56932'}}",
    )
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions(place="tx"))
    assert str(caught.value).startswith(f"{tmp_path}/test.yaml:7:3: block 'scale': RuntimeError: no such weights (")


@pytest.mark.parametrize(
    ("where", "overrides"),
    [
        ("{file}:7:3, --set scale.factor=3", Overrides(sets={"scale.factor": 3})),
        ("{file}:7:3, --var at=2", Overrides(vars={"at": 2, "unused": 1})),
        ("--swap scale={swap}, --var at=2", Overrides(swaps={"scale": "{swap}"}, vars={"at": 2})),
        ("{file}:7:3, --out kept", Overrides(out="kept")),
    ],
)
def test_an_error_names_the_options_that_its_block_has_values_of(make, tmp_path, where, overrides):
    fails = plugin(
        "fails",
        "class Fails(Block):\n"
        "    class Params(BlockParams):\n        fail_at: int = 1\n        factor: int = 1\n        out: str = ''\n\n"
        "    def work(self, features: Features, identity: Identity) -> None:\n"
        "        if identity.seq == self.params.fail_at:\n            raise ValueError('told to')\n",
    )
    make(f"numbers: numbers\nscale: {fails} fail_at: $at", "numbers -> scale", extra="vars: {at: 1, unused: 0}")
    swaps = {name: f"{fails}.py:factor=2" for name in overrides.swaps}
    graph = load_graph(tmp_path / "test.yaml", replace(overrides, swaps=swaps))
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions("inline"))
    expected = where.format(file=tmp_path / "test.yaml", swap=f"{fails}.py:factor=2")
    assert str(caught.value).startswith(f"{expected}: block 'scale' at item ")


@pytest.mark.parametrize("swaps", [{}, {"scale": f"{PLUGINS}/scale.py:fail_at=0"}])
def test_an_error_names_the_variable_that_says_which_block_it_is(make, tmp_path, swaps):
    make("numbers: numbers\nscale: scale fail_at: 0", "numbers -> scale", extra="vars: {which: nowhere.py}")
    path, scale = tmp_path / "test.yaml", f"{PLUGINS}/scale.py"
    path.write_text(path.read_text().replace(f"use: {scale}", "use: $which"))
    with pytest.raises(BlockError) as caught:
        run(load_graph(path, Overrides(vars={"which": scale}, swaps=swaps)), RunOptions("inline"))
    written = f"--swap scale={swaps['scale']}" if swaps else f"{path}:7:3, --var which={scale}"
    assert str(caught.value).startswith(f"{written}: block 'scale' at item 0: ")


def test_an_error_of_a_block_that_was_swapped_in_names_the_swap(make):
    raises = plugin(
        "raises",
        "class Raises(Block):\n    def work(self, features: Features) -> Features:\n        raise ValueError('no')\n",
    )
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    request("live", {"do": "swap", "block": "scale", "use": f"{raises}.py"})
    thread.join(20)
    assert str(outcome[0]).startswith(f"swap scale={raises}.py: block 'scale' at item ")


def test_an_edge_that_may_drop_counts_every_drop(make):
    graph = make(
        """
        numbers: numbers count: 400
        record: record sleep: 0.001
        """,
        "{from: numbers, to: record, depth: 4, overflow: drop_oldest}",
    )
    result = run(graph)
    (edge,) = result.edges.values()
    assert edge.into == 400
    assert edge.dropped > 0
    assert edge.out + edge.dropped == 400
    assert result.lossy
    numbers = [int(line.split()[0]) for line in lines()]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 399


def test_a_feedback_edge_closes_a_loop(make):
    adder = Path("adder.py")
    adder.write_text(
        "from semcom.blocks.block import Block\n"
        "from semcom.blocks.ports import Features\n\n\n"
        "class Adder(Block):\n"
        '    """Adds."""\n\n'
        "    def work(self, features: Features, back: Features) -> Features:\n"
        "        return features + back\n"
    )
    graph = make(
        f"""
        numbers: numbers count: 6
        adder: {Path.cwd() / "adder"}
        record: record
        """,
        """
        numbers -> adder.features
        adder -> record
        {from: adder, to: adder.back, feedback: {delay: 1, initial: 10}}
        """,
    )
    for executor in ("inline", "threads"):
        run(graph, RunOptions(executor))
        assert [float(line.split()[1]) for line in lines()] == [10, 11, 13, 16, 20, 25]
        Path("record.txt").unlink()


def start(graph, options=RunOptions()):  # noqa: B008
    """Run in a thread; return it and the list that will hold its outcome."""
    outcome = []

    def body():
        try:
            outcome.append(run(graph, options))
        except SemcomError as error:
            outcome.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if request(None, {"do": "status"})["blocks"]["record"]["items"] > 3:
                return thread, outcome
        except (ControlError, KeyError):
            time.sleep(0.02)
    raise TimeoutError("the run did not begin")


LIVE = """
    numbers: numbers count: 100000, interval: 0.002
    scale: scale
    record: record
"""


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_set_and_swap_lose_and_double_nothing(make, executor):
    graph = make(LIVE, "numbers -> scale -> record", name="live")
    thread, outcome = start(graph, RunOptions(executor))
    changed = request("live", {"do": "set", "block": "scale", "param": "factor", "value": 3})
    time.sleep(0.2)
    swapped = request("live", {"do": "swap", "block": "scale", "use": f"{PLUGINS}/hold.py", "params": {"items": 2}})
    time.sleep(0.2)
    back = request("live", {"do": "swap", "block": "scale", "use": f"{PLUGINS}/scale.py", "params": {"factor": 5}})
    time.sleep(0.2)
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"
    got = [tuple(map(float, line.split())) for line in lines()]
    assert [seq for seq, _ in got] == list(range(len(got)))
    factors = [value / seq for seq, value in got if seq]
    first, second, third = changed["after_items"], swapped["after_items"], back["after_items"]
    assert 0 < first < second < third < len(got)
    expected = [1] * (first - 1) + [3] * (second - first) + [1] * (third - second) + [5] * (len(got) - third)
    assert factors == expected
    assert lines("record.txt.end") == ["whole"]


def test_a_swap_whose_new_block_fails_leaves_the_old_one_running(make):
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    before = request("live", {"do": "status"})["blocks"]["record"]["items"]
    with pytest.raises(ControlError, match="no such weights"):
        request("live", {"do": "swap", "block": "scale", "use": f"{PLUGINS}/scale.py", "params": {"fail_start": True}})
    with pytest.raises(ControlError, match="expected an input features"):
        request("live", {"do": "swap", "block": "scale", "use": "channels/awgn"})
    time.sleep(0.2)
    assert request("live", {"do": "status"})["blocks"]["record"]["items"] > before
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"
    assert [int(line.split()[0]) for line in lines()] == list(range(len(lines())))


def test_control_refuses_with_a_reason(make):
    with pytest.raises(ControlError, match="no flowgraph is running; running: none; start one with `semcom run`"):
        request(None, {"do": "status"})
    thread, _ = start(make(LIVE, "numbers -> scale -> record", name="live"))
    try:
        with pytest.raises(ControlError, match="sleep cannot change while the flowgraph runs; these can: factor"):
            request(None, {"do": "set", "block": "scale", "param": "sleep", "value": 1})
        with pytest.raises(ControlError, match="no flowgraph is running as 'other'; running: live"):
            request("other", {"do": "status"})
        with pytest.raises(ControlError, match="expected do: status, set, swap or stop, got 'dance'"):
            request(None, {"do": "dance"})
        with pytest.raises(ControlError, match="lacks or misuses 'block'"):
            request(None, {"do": "set"})
        ((_, folder),) = running().values()
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        request(None, {"do": "stop"})
        thread.join(20)


def test_a_worker_process_that_is_killed_fails_the_run(make):
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"), RunOptions("processes"))
    workers = [child for child in psutil.Process().children() if child.cmdline()[-1].endswith("engine.processes")]
    assert len(workers) == 3
    sorted(workers, key=lambda worker: worker.pid)[1].kill()
    thread.join(20)
    assert isinstance(outcome[0], WorkerLost)
    assert "block 'scale': its worker process" in str(outcome[0])
    assert "was killed by SIGKILL" in str(outcome[0])
    assert lines("record.txt.end") == ["early"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_garbage_on_the_sockets_of_a_run_disturbs_nothing(make, executor):
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"), RunOptions(executor))
    ((_, folder),) = running().values()
    context = zmq.Context()
    garbage = [
        [b""],
        [b"", b"{"],
        [b"", b"[1]"],
        [b"", b"[" * 100_000],
        [b"x" * 5000],
        [b"", b"", b"", b"{}"],
        [b"\xff" * 99],
    ]
    try:
        for address in folder.iterdir():
            if address.is_socket():
                socket = context.socket(zmq.DEALER)
                socket.setsockopt(zmq.LINGER, 500)
                socket.connect(f"ipc://{address}")
                for frames in garbage:
                    socket.send_multipart(frames)
                socket.close()
    finally:
        context.term()
    time.sleep(0.3)
    request(None, {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"
    assert [int(line.split()[0]) for line in lines()] == list(range(len(lines())))


def test_a_record_that_cannot_be_written_is_a_failed_run(make):
    Path("taken").write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"taken/run.json: cannot write the run's record: "):
        run(make(CHAIN, "numbers -> scale -> record"), RunOptions("inline", items=1, out=Path("taken")))


def test_ctrl_c_ends_the_run_in_order(make):
    make(LIVE, "numbers -> scale -> record", name="live")
    code = (
        "import sys\n"
        "from semcom.errors import SemcomError\n"
        "from semcom.flowgraphs.runtime.language.check import load_graph\n"
        "from semcom.flowgraphs.runtime.run import run\n"
        "try:\n    run(load_graph('live.yaml'))\n"
        "except SemcomError as error:\n    print(error); sys.exit(error.exit_code)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job is deaf to it
    )
    deadline = time.monotonic() + 30
    while not (Path("record.txt").exists() and len(lines()) > 5) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "interrupted; what was finished is kept" in out
    assert lines("record.txt.end") == ["early"]


def test_a_block_that_does_not_start_fails_the_run_before_any_item(make):
    graph = make(
        """
        numbers: numbers
        scale: scale fail_start: true
        record: record
        """,
        "numbers -> scale -> record",
    )
    with pytest.raises(BlockError, match="block 'scale': RuntimeError: no such weights"):
        run(graph)
    assert not Path("record.txt").read_text()


def test_options_that_do_not_fit_are_refused(make):
    graph = make(CHAIN, "numbers -> scale -> record")
    with pytest.raises(UsageError, match=r"--place tx: expected a place of .*test.yaml: none"):
        run(graph, RunOptions(place="tx"))
    with pytest.raises(UsageError, match="a place runs with the streaming executors"):
        run(graph, RunOptions("inline", place="tx"))


def test_a_slow_consumer_bounds_the_memory_of_its_edge(make):
    graph = make(
        """
        numbers: numbers count: 60
        record: record sleep: 0.005
        """,
        "{from: numbers, to: record, depth: 3}",
    )
    queues = []
    thread = threading.Thread(target=lambda: run(graph, progress=lambda status: queues.append(status)))
    thread.start()
    thread.join(20)
    assert max(status["blocks"]["record"]["queue"] for status in queues) <= 3


def plugin(name, body):
    """Write a plug-in of one class to the working directory; return what `make` takes for it."""
    head = (
        "from __future__ import annotations\n\nimport sys\nimport time\nfrom collections.abc import Iterator\n"
        "from pathlib import Path\nfrom typing import NamedTuple\n\nimport numpy as np\n"
        "from semcom.blocks.block import Block\nfrom semcom.blocks.envelope import Identity, Out, Stream, Trace\n"
        "from semcom.blocks.params import BlockParams\nfrom semcom.blocks.ports import Features, Samples\n\n\n"
    )
    Path(f"{name}.py").write_text(head + body)
    return Path.cwd() / name


ADDER = """
class Adder(Block):
    def work(self, features: Features, back: Features) -> Features:
        return features + back
"""


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("delay", [1, 40])
def test_a_loop_runs_whatever_its_delay_and_the_order_of_its_edges(make, executor, delay):
    graph = make(
        f"""
        numbers: numbers count: 60
        adder: {plugin("adder", ADDER)}
        record: record
        """,
        f"""
        {{from: adder, to: adder.back, depth: 2, feedback: {{delay: {delay}, initial: 10}}}}
        numbers -> adder.features
        adder -> record
        """,
    )
    result = run(graph, RunOptions(executor))
    expected: list[float] = []
    for n in range(60):
        expected.append(n + (10 if n < delay else expected[n - delay]))
    assert lines() == [f"{n} {value:g}" for n, value in enumerate(expected)]
    assert not result.lossy


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_loop_over_two_blocks_ends_with_nothing_left_in_it(make, executor):
    graph = make(
        f"""
        numbers: numbers count: 60
        adder: {plugin("adder", ADDER)}
        scale: scale factor: 0.5
        record: record
        """,
        """
        numbers -> adder.features
        adder -> record
        {from: adder, to: scale, depth: 2}
        {from: scale, to: adder.back, depth: 2, feedback: {delay: 20}}
        """,
    )
    result = run(graph, RunOptions(executor))
    expected: list[float] = []
    for n in range(60):
        expected.append(n + (0 if n < 20 else expected[n - 20] / 2))
    assert lines() == [f"{n} {value:g}" for n, value in enumerate(expected)]
    assert {(edge.into, edge.out, edge.missing) for edge in result.edges.values()} == {(60, 60, 0)}


LOSSY_LOOP = (
    "class Adder(Block):\n    def work(self, features: Features, back: Features | None = None) -> Features:\n"
    "        return features + (1000 if back is None else back)\n",
    "class Loses(Block):\n    def work(self, features: Features, identity: Identity) -> Features:\n"
    "        return None if identity.seq in (3, 7, 8, 9, 19) else features\n",
)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_loop_that_loses_items_goes_on_without_them(make, executor):
    """Item n meets what came of item n - 2; 3, 7, 8, 9 and 19 are lost, and with the last one none comes after it."""
    graph = make(
        f"""
        numbers: numbers count: 22
        adder: {plugin("adder", LOSSY_LOOP[0])}
        loses: {plugin("loses", LOSSY_LOOP[1])}
        record: record
        """,
        """
        numbers -> adder.features
        adder -> record
        adder -> loses
        {from: loses, to: adder.back, feedback: {delay: 2, initial: 10, wait_s: 0.5}}
        """,
    )
    result = run(graph, RunOptions(executor))
    expected: list[float] = []
    for n in range(22):
        back = 10 if n < 2 else 1000 if n - 2 in (3, 7, 8, 9, 19) else expected[n - 2]
        expected.append(n + back)
    assert lines() == [f"{n} {value:g}" for n, value in enumerate(expected)]
    assert result.edges["loses.out -> adder.back"].missing == 5
    assert result.lossy


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_loop_that_brings_nothing_back_is_an_error(make, executor):
    graph = make(
        f"""
        numbers: numbers count: 9
        adder: {plugin("adder", ADDER)}
        hold: hold items: 5
        record: record
        """,
        """
        numbers -> adder.features
        adder -> record
        adder -> hold
        {from: hold, to: adder.back, feedback: {delay: 2, initial: 1}}
        """,
    )
    with pytest.raises(
        JoinError, match=r"test.yaml:7:3: block 'adder': items wait for what edge hold.out -> adder.back did not"
    ):
        run(graph, RunOptions(executor))


FORGETS = "class Forgets(Block):\n    def work(self, features: Features) -> Features:\n        features + 1\n"
ENDS = (
    "class Ends(Block):\n    def work(self, features: Features) -> Features:\n"
    "        import os\n        if features[0] == 2:\n            os._exit(0)\n        return features\n"
)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_block_that_forgets_its_return_is_named_with_what_never_arrived(make, executor):
    graph = make(
        f"numbers: numbers count: 7\nforgets: {plugin('forgets', FORGETS)}\nrecord: record",
        "numbers -> forgets -> record.features\nnumbers -> record.other",
    )
    result = run(graph, RunOptions(executor))
    assert result.lossy
    assert summary("test", result.as_json())[1:3] == [
        "  7 items never arrived at record.features (from forgets.out)",
        "  7 items went into block 'forgets' and never came out: its work returned None for them",
    ]


TWO = (
    "class Both(NamedTuple):\n    a: Features\n    b: Features\n\n\n"
    "class Two(Block):\n    def work(self, features: Features) -> Both:\n        return Both(None, None)\n"
)
EMPTY = "class Empty(Block):\n    def work(self) -> Iterator[Features]:\n        return iter(())\n"


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_block_that_fills_none_of_its_outputs_is_named(make, executor):
    graph = make(
        f"numbers: numbers count: 7\ntwo: {plugin('two', TWO)}\nrecord: record",
        "numbers -> two\ntwo.a -> record.features\ntwo.b -> record.other",
    )
    assert summary("test", run(graph, RunOptions(executor)).as_json())[1:3] == [
        "  no item reached 'record'",
        "  7 items went into block 'two' and never came out: its work returned None for them",
    ]


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_source_without_items_leaves_a_word(make, executor):
    graph = make(f"empty: {plugin('empty', EMPTY)}\nrecord: record", "empty -> record")
    assert summary("test", run(graph, RunOptions(executor)).as_json())[1] == "  no item reached 'record'"


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("what", ["KeyboardInterrupt", "GeneratorExit", "BaseException('odd')"])
def test_whatever_a_block_raises_names_item_and_line(make, executor, what):
    raises = (
        "class Raises(Block):\n    def work(self, features: Features) -> Features:\n"
        f"        if features[0] == 2:\n            raise {what}\n        return features\n"
    )
    graph = make(
        f"numbers: numbers count: 7\nraises: {plugin('raises', raises)}\nrecord: record", "numbers -> raises -> record"
    )
    kind = what.partition("(")[0]
    with pytest.raises(BlockError, match=rf"block 'raises' at item 2: {kind}: .*\(.*raises.py:\d+\)"):
        run(graph, RunOptions(executor))


def test_a_thread_of_a_block_that_ends_the_process_leaves_a_word(make):
    ends = (
        "class Ends(Block):\n    def work(self, features: Features) -> Features:\n        import os, threading\n"
        "        thread = threading.Thread(target=os._exit, args=(6,), name='helper')\n"
        "        thread.start()\n        thread.join()\n        return features\n"
    )
    make(f"numbers: numbers count: 7\nends: {plugin('ends', ends)}\nrecord: record", "numbers -> ends -> record")
    command = [sys.executable, "-m", "semcom", "run", "test.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 6
    assert ended.stderr.endswith("thread 'helper' called os._exit(6), which ends the whole run\n")


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_block_that_ends_the_process_fails_the_run_with_its_line(make, executor):
    graph = make(
        f"numbers: numbers count: 7\nends: {plugin('ends', ENDS)}\nrecord: record", "numbers -> ends -> record"
    )
    with pytest.raises(
        BlockError, match=r"block 'ends' at item 2: SystemExit: it called os._exit\(0\), which ends the"
    ):
        run(graph, RunOptions(executor))
    assert lines() == ["0 0", "1 1"][: len(lines())]  # what had arrived when the run was told to end
    assert os._exit.__module__ == "posix"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_block_whose_library_crashes_is_named_by_file_and_line(make, executor, tmp_path):
    crash = (
        "class Crash(Block):\n    def work(self, features: Features) -> Features:\n"
        "        import ctypes\n        ctypes.string_at(0)\n"
    )
    make(f"numbers: numbers count: 7\ncrash: {plugin('crash', crash)}\nrecord: record", "numbers -> crash -> record")
    command = [sys.executable, "-m", "semcom", "run", "test.yaml", "--executor", executor]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == (-signal.SIGSEGV if executor == "threads" else 1)
    expected = "crash.py" if executor == "threads" else "test.yaml:7:3: block 'crash': its worker process"
    assert expected in ended.stderr
    assert "Segmentation fault" in ended.stderr or "SIGSEGV" in ended.stderr


def test_a_forked_process_of_a_block_may_end_itself(make):
    forks = (
        "class Forks(Block):\n    def work(self, features: Features) -> Features:\n        import os\n"
        "        pid = os.fork()\n        if not pid:\n            os._exit(3)\n"
        "        return features + os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
    )
    graph = make(
        f"numbers: numbers count: 1\nforks: {plugin('forks', forks)}\nrecord: record", "numbers -> forks -> record"
    )
    run(graph, RunOptions("inline"))
    assert lines() == ["0 3"]


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_streams_of_unequal_length_end_where_the_shorter_ends(make, executor):
    source = plugin(
        "zeros",
        "class Zeros(Block):\n"
        "    class Params(BlockParams):\n        count: int = 1\n\n"
        "    def work(self) -> Iterator[Samples]:\n"
        "        for n in range(self.params.count):\n            yield np.full(4, n, np.complex64)\n",
    )
    pair = plugin(
        "pair",
        "class Pair(Block):\n"
        "    def work(self, a: Samples, b: Samples) -> Features:\n"
        "        return (a - b).real.astype(np.float32)\n",
    )
    graph = make(
        f"""
        short: {source} count: 2
        long: {source} count: 5
        pair: {pair}
        record: record
        """,
        """
        short -> pair.a
        long -> pair.b
        pair -> record
        """,
    )
    result = run(graph, RunOptions(executor))
    assert lines() == ["0 0", "1 0"]
    assert result.edges["short.out -> pair.a"].missing == 3


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_every_sink_is_told_once_that_the_run_is_over(make, executor):
    fails = plugin(
        "fails",
        "class Fails(Block):\n"
        "    def work(self, features: Features) -> None: ...\n\n"
        "    def finish(self, run) -> None:\n"
        '        with open("fails.txt", "a") as file:\n            file.write(f"{run.complete}\\n")\n'
        '        raise RuntimeError("no disk")\n',
    )
    graph = make(
        f"""
        numbers: numbers count: 3
        record: record
        fails: {fails}
        """,
        """
        numbers -> record
        numbers -> fails
        """,
    )
    with pytest.raises(BlockError, match="block 'fails': RuntimeError: no disk"):
        run(graph, RunOptions(executor))
    assert lines("fails.txt") == ["True"]
    assert len(lines("record.txt.end")) == 1


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_that_never_began_finishes_no_sink(make, executor):
    graph = make(
        """
        record: record
        scale: scale fail_start: true
        numbers: numbers
        """,
        "numbers -> scale -> record",
    )
    with pytest.raises(BlockError, match="no such weights"):
        run(graph, RunOptions(executor))
    assert not Path("record.txt.end").exists()


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("sys.exit(3)", "block 'odd' at item 0: SystemExit: 3 ("),
        ("return features", "block 'odd' at item 0: expected nothing, it has no output, got ndarray ("),
    ],
)
def test_a_sink_that_leaves_or_returns_something_is_named(make, executor, work, message):
    odd = plugin("odd", f"class Odd(Block):\n    def work(self, features: Features) -> None:\n        {work}\n")
    graph = make(f"numbers: numbers count: 3\nodd: {odd}", "numbers -> odd")
    with pytest.raises(BlockError) as caught:
        run(graph, RunOptions(executor))
    assert f"test.yaml:7:3: {message}" in str(caught.value)


def test_runs_give_back_their_descriptors(make):
    sink = plugin("sink", "class Sink(Block):\n    def work(self, features: Features) -> None: ...\n")
    graph = make(f"numbers: numbers count: 3\nsink: {sink}", "numbers -> sink")
    run(graph)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        run(graph)
    assert len(os.listdir("/proc/self/fd")) <= before


FORKS = """
class Two(NamedTuple):
    {ports}


class Forks(Block):
    def work(self, features: Features) -> Two:
        return Two(low=features - 1, high=features + 1{rest})
"""


def test_a_swap_keeps_the_outputs_apart_whatever_their_order(make):
    one = plugin("one", FORKS.format(ports="low: Features\n    high: Features", rest=""))
    other = plugin(
        "other", FORKS.format(ports="spare: Features\n    high: Features\n    low: Features", rest=", spare=features")
    )
    graph = make(
        f"""
        numbers: numbers count: 100000, interval: 0.002
        forks: {one}
        record: record
        """,
        """
        numbers -> forks
        forks.low -> record.features
        forks.high -> record.other
        """,
        name="live",
    )
    thread, outcome = start(graph)
    request("live", {"do": "swap", "block": "forks", "use": f"{other}.py"})
    time.sleep(0.1)
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"
    assert lines() == [f"{n} {n - 1} {n + 1}" for n in range(len(lines()))]


SUM = """
class Sum(Block):
    def start(self):
        self.total = np.zeros(1, np.float32)

    def work(self, features: Features) -> Features | None:
        self.total += 1

    def finish(self, run) -> Iterator[Features]:
        yield self.total
"""


def test_what_a_swapped_block_flushes_takes_no_number_of_a_later_item(make):
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    request("live", {"do": "swap", "block": "scale", "use": f"{plugin('sum', SUM)}.py"})
    time.sleep(0.1)
    request("live", {"do": "swap", "block": "scale", "use": f"{PLUGINS}/scale.py"})
    time.sleep(0.1)
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"
    seqs = [int(line.split()[0]) for line in lines()]
    assert len(set(seqs)) == len(seqs)
    assert seqs == sorted(seqs)


def test_changes_of_one_block_build_on_each_other(make):
    slow = plugin(
        "slow",
        "class Slow(Block):\n"
        "    class Params(BlockParams):\n        other: float = 2.0\n\n"
        "    def start(self) -> None:\n        time.sleep(1)\n\n"
        "    def work(self, features: Features) -> Features:\n        return features * self.params.other\n",
    )
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    swap = threading.Thread(target=request, args=("live", {"do": "swap", "block": "scale", "use": f"{slow}.py"}))
    swap.start()
    time.sleep(0.3)
    with pytest.raises(ControlError, match=r"has no parameter 'factor'"):
        request("live", {"do": "set", "block": "scale", "param": "factor", "value": 3})
    swap.join(10)
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"


def test_a_change_of_a_block_that_ends_first_is_answered(make):
    slow = plugin(
        "slow",
        "class Slow(Block):\n"
        "    def start(self) -> None:\n        time.sleep(3)\n\n"
        "    def work(self, features: Features) -> Features:\n        return features\n",
    )
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    answers = []

    def ask():
        try:
            request("live", {"do": "swap", "block": "scale", "use": f"{slow}.py"})
        except ControlError as error:
            answers.append(str(error))

    swap = threading.Thread(target=ask)
    swap.start()
    time.sleep(0.3)
    request("live", {"do": "stop"})
    thread.join(20)
    swap.join(5)
    assert outcome[0].status == "stopped"
    assert answers in (["block 'scale' has ended"], ["flowgraph 'live' has ended"])


def test_a_command_of_odd_values_is_refused_and_harms_nothing(make):
    thread, outcome = start(make(LIVE, "numbers -> scale -> record", name="live"))
    leaves = plugin("leaves", "sys.exit(1)\n")
    with pytest.raises(ControlError, match="lacks or misuses"):
        request("live", {"do": "swap", "block": "scale", "use": f"{PLUGINS}/scale.py", "params": "ab"})
    with pytest.raises(ControlError, match="does not load: SystemExit: 1"):
        request("live", {"do": "swap", "block": "scale", "use": f"{leaves}.py"})
    request("live", {"do": "stop"})
    thread.join(20)
    assert outcome[0].status == "stopped"


def test_a_stop_before_the_worker_processes_are_there_is_not_lost(make):
    graph = make(LIVE, "numbers -> scale -> record", name="live")
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(run(graph, RunOptions("processes"))))
    thread.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            request("live", {"do": "stop"})
            break
        except ControlError:
            time.sleep(0.01)
    thread.join(30)
    assert outcome[0].status == "stopped"
    assert outcome[0].edges["numbers.out -> scale.features"].into == 0


def test_a_source_that_waits_long_between_items_stops_at_once(make):
    graph = make("numbers: numbers interval: 0.001\nrecord: record", "numbers -> record", name="live")
    thread, _ = start(graph)
    request("live", {"do": "set", "block": "numbers", "param": "interval", "value": 60})
    time.sleep(0.1)
    began = time.monotonic()
    request("live", {"do": "stop"})
    thread.join(20)
    assert time.monotonic() - began < 5
