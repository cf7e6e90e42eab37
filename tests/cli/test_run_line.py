from __future__ import annotations

import io

import pytest
from semcom.cli.run_line import RunLine, latency_s, rates


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def status(elapsed_s: float, items: int, *, busy_s: float = 0.0, queue: int = 0, dropped: int = 0):
    block = {"items": items, "busy_s": busy_s, "queue": queue, "dropped": dropped}
    return {"elapsed_s": elapsed_s, "blocks": {"channel": block}}


def test_speeds_are_those_since_the_last_status():
    rows = rates(status(1.0, 10, busy_s=0.5), status(3.0, 30, busy_s=1.5, queue=4, dropped=2))
    assert rows == [("channel", 30, 10.0, 0.5, 4, 2)]


def test_a_block_that_is_new_and_a_clock_that_stands_still_are_no_trouble():
    assert rates({"elapsed_s": 0.0, "blocks": {}}, status(2.0, 4)) == [("channel", 4, 2.0, 0.0, 0, 0)]
    assert rates(status(1.0, 4), status(1.0, 4))[0][2] == 0.0
    assert rates(status(1.0, 9), status(2.0, 4))[0][2] == 0.0


def test_short_lines_come_every_ten_seconds():
    stream = io.StringIO()
    with RunLine("x", stream=stream) as line:
        for tenth in range(1, 400):
            line.update(status(tenth / 10, tenth, busy_s=tenth / 20, dropped=tenth // 300))
    assert stream.getvalue().splitlines() == [
        "x  10 s; 100 items, 10.0/s; busiest channel 50%",
        "x  20 s; 200 items, 10.0/s; busiest channel 50%",
        "x  30 s; 300 items, 10.0/s; busiest channel 50%; 1 dropped",
    ]


def test_how_far_it_is_shows_at_the_slowest_sink_and_the_busiest_block_is_named():
    stream = io.StringIO()
    blocks = {
        name: {"items": items, "busy_s": busy, "queue": queue, "dropped": 0}
        for name, items, busy, queue in (
            ("photos", 40, 0.1, 0),
            ("decoder", 33, 9.8, 5),
            ("m", 32, 1, 1),
            ("n", 31, 1, 0),
        )
    }
    RunLine("two", sinks=["m", "n"], stream=stream).update({"elapsed_s": 10.0, "blocks": blocks})
    assert stream.getvalue() == "two  10 s; 31 items, 3.1/s; busiest decoder 98%, 5 wait\n"


def test_how_late_a_sink_is_is_the_mean_of_what_came_since():
    def late(elapsed_s: float, *measured: float):
        before = status(elapsed_s, measured[0])
        before["blocks"]["channel"]["latency"] = measured
        return before

    assert latency_s(status(1.0, 4), status(2.0, 8), "channel") is None
    assert latency_s(late(1.0, 4, 0.4), late(2.0, 4, 0.4), "channel") is None
    assert latency_s(late(1.0, 4, 0.4), late(2.0, 8, 1.2), "channel") == pytest.approx(0.2)
    assert latency_s(late(1.0, 4, 0.4), late(2.0, 2, 0.6), "channel") == pytest.approx(0.3)  # another block now
    stream = io.StringIO()
    RunLine("x", stream=stream).update(late(10.0, 20, 2.5))
    assert stream.getvalue() == "x  10 s; 20 items, 2.0/s, 125 ms late; busiest channel 0%\n"


def test_quiet_shows_nothing():
    stream = Terminal()
    with RunLine("x", quiet=True, stream=stream) as line:
        line.update(status(100.0, 1))
    assert stream.getvalue() == ""


@pytest.mark.parametrize("blocks", [1, 40])
def test_a_terminal_has_one_line_that_is_rewritten(blocks, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    many = {f"block-{n}": {"items": n, "busy_s": 0.0, "queue": 0, "dropped": 0} for n in range(blocks)}
    with RunLine("quickstart", stream=stream) as line:
        for second in range(1, 20):
            line.update({"elapsed_s": float(second), "blocks": many})
    assert stream.getvalue().count("\n") <= 1  # it never scrolls
    assert "quickstart  19 s" in stream.getvalue()


def test_a_place_that_waits_for_another_says_for_which():
    stream = io.StringIO()
    unmet = ["map.out -> channel.symbols at tcp://127.0.0.1:5611", "photos.out -> m.sent at tcp://127.0.0.1:5612"]
    RunLine("two", stream=stream).update({**status(60.0, 0), "unmet": unmet})
    assert stream.getvalue().endswith(
        "; waits for the other end of map.out -> channel.symbols at tcp://127.0.0.1:5611 and 1 more\n"
    )
