from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine.control import request
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs
from semcom.flowgraphs.runtime.run import RunOptions, run

SMALL = ("--set", "photos.size=[64, 96]")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def overrides(**given) -> Overrides:
    return Overrides.parse(
        vars=given.get("vars", ()), sets=("photos.size=[64, 96]", *given.get("sets", ())), swaps=given.get("swaps", ())
    )


def pictures(folder="out") -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).rglob("*.png")}


@pytest.fixture
def semcom(warm: Path) -> Start:
    """Start the command."""

    def start(*args: str) -> subprocess.Popen[str]:
        return begin(str(warm / "semcom"), *args)

    return start


def begin(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c)


def hear_ctrl_c() -> None:
    """Background jobs of a shell are born deaf to it, and pass that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


NO_SYMBOLS = {"hevc-capacity"}  # its channel carries bytes; fading is a variable there
WITH_A_WAVEFORM = {  # test_radio_loopback, test_recorded_pictures and test_link_adaptation run them
    "link-adaptation",
    "link-adaptation-hevc",
    "radio-loopback",
    "radio-loopback-hevc",
    "radio-loopback-ofdm",
    "sigmf-record",
    "sigmf-replay",
}
HALVES = {"gnuradio-rx", "gnuradio-tx"}  # test_gnuradio_flowgraphs runs them
OTHER_PEOPLES_SAMPLES = {"srsran-broker"}  # test_srsran_broker runs it
OF_THEIR_OWN = WITH_A_WAVEFORM | HALVES | OTHER_PEOPLES_SAMPLES
NOT_SHIPPED_WEIGHTS = {"sc-sic", "training-free"}  # of gigabytes; test_sc_sic and test_training_free run tiny ones


@pytest.mark.parametrize("name", sorted(set(shipped_flowgraphs()) - NO_SYMBOLS - OF_THEIR_OWN - NOT_SHIPPED_WEIGHTS))
def test_a_rayleigh_channel_swaps_into_every_flowgraph(name):
    graph = load_graph(name, overrides(swaps=("channel=channels/rayleigh",)))
    result = run(graph, RunOptions("inline", items=1))
    assert result.status == "ok"
    assert 5 < result.metrics["psnr_db"] < 45
    assert graph.block("channel").use == "channels/rayleigh"


@pytest.mark.parametrize("name", sorted(NO_SYMBOLS))
def test_fading_is_a_variable_of_flowgraphs_without_symbols(name):
    rates = {}
    for fading in ("none", "rayleigh"):
        result = run(load_graph(name, overrides(vars=(f"fading={fading}",))), RunOptions("inline", items=1))
        assert result.metrics["failed"] == 0
        rates[fading] = result.metrics["psnr_db"]
    assert rates["none"] > rates["rayleigh"] + 0.5


@pytest.mark.parametrize("name", sorted(set(shipped_flowgraphs()) - HALVES - OTHER_PEOPLES_SAMPLES - {"sigmf-replay"}))
def test_every_flowgraph_names_its_blocks_alike_and_has_one_noise_level(name):
    graph = load_graph(name, overrides(vars=("esn0_db=3",)))
    assert {"photos", "encoder", "channel", "decoder"} <= {block.name for block in graph.blocks}
    levels = {block.params["esn0_db"] for block in graph.blocks if "esn0_db" in block.params}
    assert levels - {None} == {3}  # null: a block that adds no noise here


def free_ports(count: int) -> int:
    """A first port of several free ones in a row."""
    for _ in range(50):
        sockets = [socket.socket() for _ in range(count)]
        try:
            sockets[0].bind(("127.0.0.1", 0))
            first = sockets[0].getsockname()[1]
            for offset, other in enumerate(sockets[1:], 1):
                other.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        return int(first)
    raise OSError("no free ports")


def placed(tmp_path: Path) -> str:
    """`two-places` on ports of this test's own."""
    text = shipped_flowgraphs()["two-places"].read_text()
    first = free_ports(5)
    path = tmp_path / "placed.yaml"
    path.write_text(text.replace("5611", str(first)).replace("5601", str(first + 4)))
    return str(path)


def test_inline_threads_processes_and_two_places_give_the_same_bytes(tmp_path):
    """In new processes, which share no import."""
    file = placed(tmp_path)
    new = (sys.executable, "-m", "semcom")
    found = {}
    for executor in ("inline", "threads", "processes"):
        code = begin(*new, "run", file, *SMALL, "--executor", executor, "--out", executor, "--json")
        out, err = code.communicate(timeout=60)
        assert code.returncode == 0, err
        assert json.loads(out.splitlines()[-1])["status"] == "ok"
        found[executor] = pictures(executor)
    sides = [begin(*new, "run", file, *SMALL, "--place", place, "--out", place) for place in ("rx", "tx")]
    for side in sides:
        _, err = side.communicate(timeout=60)
        assert side.returncode == 0, err
    found["places"] = pictures("rx")
    assert len(found["inline"]) == 5
    assert all(images == found["inline"] for images in found.values())


def kill_and_start_again(semcom, victim, survivor, tmp_path):
    """Send 60 pictures, kill one place on the way, start it again; return what arrived before and after."""
    file = placed(tmp_path)
    args = (file, *SMALL, "--set", "photos.repeat=12")
    whole = semcom("run", *args, "--executor", "inline", "--out", "whole")
    whole.communicate(timeout=60)
    places = {place: semcom("run", *args, "--place", place, "--out", place, "--json") for place in (survivor, victim)}
    deadline = time.monotonic() + 60
    while len(pictures("rx")) < 7 and time.monotonic() < deadline:
        time.sleep(0.02)
    places[victim].kill()
    places[victim].communicate()
    before = len(pictures("rx"))
    assert 7 <= before < 60
    places[victim] = semcom("run", *args, "--place", victim, "--out", victim, "--json")
    outs = {}
    for name, place in places.items():
        outs[name], err = place.communicate(timeout=90)
        assert place.returncode == 0, err
    assert pictures("rx") == pictures("whole")
    after = json.loads(outs["rx"].splitlines()[-1])["edges"]["decoder.out -> report.received"]["out"]
    assert not list(Path().rglob("*.progress"))
    return before, after


def test_a_receiver_that_is_killed_and_started_again_gets_every_item_once(semcom, tmp_path):
    before, after = kill_and_start_again(semcom, "rx", "tx", tmp_path)
    assert before + after in (60, 61)  # 61: killed between the picture's last byte and the note that it is finished
    rows = Path("rx/metrics.csv").read_text().splitlines()[1:]
    numbers = [int(row.split(",")[0]) for row in rows]
    assert sorted(set(numbers)) == list(range(60))
    assert len(numbers) == before + after
    assert "This receiver was started again." in Path("rx/report.html").read_text()


def test_a_receiver_with_two_sinks_that_is_killed_late_starts_again_and_ends(semcom, tmp_path):
    text = Path(placed(tmp_path)).read_text().replace("decoder, report]", "decoder, report, slow]")
    text = text.replace("connect:", "  slow: {use: sinks/metrics, out: slow}\nconnect:\n  - photos -> pace -> slow")
    text = text.replace("blocks:\n", "blocks:\n  pace: {use: mappers/rate_limit, items_per_s: 8}\n", 1)
    (tmp_path / "late.yaml").write_text(text.replace("rx: {blocks: [", "rx: {blocks: [pace, "))
    args = ("late.yaml", *SMALL, "--set", "photos.repeat=6", "--set", "slow.out=slow", "--set", "report.out=rx")
    sender, first = (semcom("run", *args, "--place", place) for place in ("tx", "rx"))
    deadline = time.monotonic() + 60
    while len(pictures("rx")) < 30 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)  # the report has its end, the slow sink has not
    first.kill()
    first.communicate()
    second = semcom("run", *args, "--place", "rx")
    for side in (second, sender):
        _, err = side.communicate(timeout=90)
        assert side.returncode == 0, err
    numbers = [int(row.split(",")[0]) for row in Path("slow/metrics.csv").read_text().splitlines()[1:]]
    assert sorted(set(numbers)) == list(range(30))
    assert len(numbers) in (30, 31)


def test_a_sender_that_is_killed_and_started_again_doubles_nothing(semcom, tmp_path):
    _, arrived = kill_and_start_again(semcom, "tx", "rx", tmp_path)
    assert arrived == 60
    rows = Path("rx/metrics.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(60))


def test_a_receiver_does_not_take_a_new_sender_for_the_one_it_was_killed_with(semcom, tmp_path):
    file = placed(tmp_path)
    args = (file, *SMALL, "--set", "photos.repeat=12")
    first = [semcom("run", *args, "--place", place, "--out", place) for place in ("tx", "rx")]
    deadline = time.monotonic() + 60
    while len(pictures("rx")) < 7 and time.monotonic() < deadline:
        time.sleep(0.02)
    for place in first:
        place.kill()
        place.communicate()
    assert Path("rx/run-rx.progress").exists()
    again = [semcom("run", *args, "--place", place, "--out", place) for place in ("tx", "rx")]
    for place in again:
        _, err = place.communicate(timeout=90)
        assert place.returncode == 0, err
    assert len(Path("rx/metrics.csv").read_text().splitlines()) == 61


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_leaves_its_record_and_its_report(semcom, number):
    child = semcom("run", "video-deepjscc", *SMALL, "--set", "photos.repeat=100", "--out", "asked")
    deadline = time.monotonic() + 60
    while len(pictures("asked")) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert err.splitlines()[-1] == "interrupted; what was finished is kept"
    assert json.loads(Path("asked/run.json").read_text())["status"] == "interrupted"
    assert "This run ended early" in Path("asked/report.html").read_text()


def test_a_port_in_use_is_one_sentence(semcom, tmp_path):
    file = placed(tmp_path)
    graph = load_graph(file)
    place = next(place for place in graph.places if place.name == "rx")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(place.endpoint.rsplit(":", 1)[1])))
        taken.listen()
        failed = semcom("run", file, "--place", "rx")
        _, err = failed.communicate(timeout=60)
    assert failed.returncode == 1
    assert "the port is already in use" in err
    assert err.count("\n") == 1


def test_a_peer_with_another_graph_is_refused_with_the_reason(semcom, tmp_path):
    file = placed(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(Path(file).read_text().replace("name: two-places", "name: another"))
    receiver, sender = semcom("run", file, "--place", "rx"), semcom("run", str(other), "--place", "tx")
    for side in (receiver, sender):
        _, err = side.communicate(timeout=60)
        assert side.returncode == 1
        assert "graph: the receiver expects two-places, the sender has another" in err


def test_set_and_swap_on_a_running_video_lose_and_double_no_frame():
    graph = load_graph("video-deepjscc", overrides(sets=("pace.items_per_s=100", "photos.repeat=3")))
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(run(graph)))
    thread.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if request(None, {"do": "status"})["blocks"]["report"]["items"] > 5:
                break
        except (ControlError, KeyError):
            time.sleep(0.05)
    request(None, {"do": "set", "block": "channel", "param": "esn0_db", "value": 0})
    request(None, {"do": "swap", "block": "channel", "use": "channels/rayleigh"})
    request(None, {"do": "swap", "block": "decoder", "use": "decoders/deepjscc"})
    with pytest.raises(ControlError, match="no such file of weights"):
        request(None, {"do": "swap", "block": "decoder", "use": "decoders/deepjscc", "params": {"weights": "none.st"}})
    thread.join(60)
    (result,) = outcome
    assert result.status == "ok"
    assert {(edge.into, edge.out, edge.missing) for edge in result.edges.values()} == {(300, 300, 0)}
    rows = Path("out/video-deepjscc/metrics.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == list(range(300))
    assert [change.get("use") for change in result.blocks["channel"].changes] == [None, "channels/rayleigh"]


def test_a_second_transmitter_is_refused_and_one_that_comes_after_is_a_session_of_its_own(semcom, tmp_path):
    """Nothing of one transmitter is ever compared with a picture of another; the record says who was listened to."""
    file = placed(tmp_path)
    first = ("run", file, *SMALL, "--set", "photos.repeat=400", "--place", "tx", "--out", "tx", "--quiet")
    other = ("run", file, "--set", "photos.size=[48, 64]", "--place", "tx", "--out", "other", "--quiet", "--seed", "9")
    receiver = semcom("run", file, *SMALL, "--place", "rx", "--out", "rx", "--json")
    sender = semcom(*first)
    deadline = time.monotonic() + 60
    while len(pictures("rx")) < 10 and time.monotonic() < deadline:
        time.sleep(0.02)
    second = semcom(*other)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "another sender (graph" in err
    assert "is heard here, and this one is another" in err
    sender.kill()
    sender.communicate()
    third = semcom(*other)
    _, err = third.communicate(timeout=90)
    assert third.returncode == 0, err
    out, err = receiver.communicate(timeout=60)
    assert receiver.returncode == 0, err
    one, two = json.loads(out.splitlines()[-1])["senders"]
    assert (one["seed"], two["seed"], one["from_item"]) == ("7", "9", 0)
    rows = [row.split(",") for row in Path("rx/metrics.csv").read_text().splitlines()[1:]]
    assert [int(row[0]) for row in rows[-5:]] == [two["from_item"] + n for n in range(5)]
    assert all(float(row[2]) > 20 for row in rows)  # PSNR: of the other's picture it would be some 10 dB


@pytest.mark.parametrize("place", ["tx", "rx"])
def test_a_place_gives_up_after_the_time_it_was_told_to_wait(semcom, tmp_path, place):
    waits = semcom("run", placed(tmp_path), *SMALL, "--place", place, "--out", "out", "--wait", "1", "--json")
    out, err = waits.communicate(timeout=60)
    assert waits.returncode == 1
    assert "flowgraph 'two-places': nobody came to the other end of " in err
    assert " within 1 s; start the other place, check its address, or give it longer with --wait" in err
    assert json.loads(out.splitlines()[-1])["status"] == "failed"
