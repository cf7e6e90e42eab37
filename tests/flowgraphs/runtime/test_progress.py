from __future__ import annotations

import io

import pytest
from semcom.flowgraphs.runtime.progress import Progress, rates


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


def test_plain_lines_come_now_and_then():
    stream = io.StringIO()
    with Progress("x", stream=stream) as progress:
        for tenth in range(1, 1000):
            progress.update(status(tenth / 10, tenth, busy_s=tenth / 20, dropped=tenth // 500))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "2 s: channel 20 (10.0/s, 50% busy, queue 0)"
    assert [int(line.split()[0]) for line in lines] == [2, 4, 8, 16, 32, 62, 92]
    assert lines[-1] == "92 s: channel 920 (10.0/s, 50% busy, queue 0, 1 dropped)"


def test_quiet_shows_nothing():
    stream = io.StringIO()
    with Progress("x", quiet=True, stream=stream) as progress:
        progress.update(status(100.0, 1))
    assert stream.getvalue() == ""


@pytest.mark.parametrize("style", ["table"])
def test_the_table_has_every_figure(style):
    stream = io.StringIO()
    with Progress("quickstart", stream=stream, style=style) as progress:
        progress.update(status(2.0, 246, busy_s=1.8, queue=7, dropped=3))
    text = stream.getvalue()
    for part in ("quickstart", "2.0 s", "channel", "246", "123.0", "90%", "7", "3"):
        assert part in text


def test_a_terminal_gets_the_table():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress("x", stream=stream) as progress:
        progress.update(status(0.1, 1))
    assert "items/s" in stream.getvalue()


def test_a_place_that_waits_for_another_says_for_which() -> None:
    stream = io.StringIO()
    progress = Progress("two", stream=stream, style="lines")
    blocks = {"map": {"items": 0, "busy_s": 0.0, "queue": 0, "dropped": 0}}
    progress.update(
        {"elapsed_s": 60.0, "blocks": blocks, "unmet": ["map.out -> channel.symbols at tcp://127.0.0.1:5611"]}
    )
    assert stream.getvalue().endswith(
        "; waits for the other end of map.out -> channel.symbols at tcp://127.0.0.1:5611\n"
    )
