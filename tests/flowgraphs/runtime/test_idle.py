from __future__ import annotations

import pytest
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine import idle


def status(items: int, into: int, out: int, *, running: bool = True) -> dict:
    edge = {"into": into, "out": out, "dropped": 1}
    blocks = {"rx": {"items": items}, "other": {"items": items}}
    return {"running": running, "blocks": blocks, "edges": {"rx.samples -> other.samples": edge}}


@pytest.fixture
def answers(monkeypatch):
    """Answer by a list, one a look, and by its last for ever; time goes only between looks."""
    given: list[dict] = []
    clock = [0.0]
    monkeypatch.setattr(idle, "request", lambda run, command: given.pop(0) if len(given) > 1 else given[0])
    monkeypatch.setattr(idle.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(idle.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    return given, clock


def test_it_waits_a_second_from_the_last_item_that_the_block_gave(answers):
    given, clock = answers
    given += [status(0, 0, 0, running=False)] * 3 + [status(n, n + 1, n) for n in range(5)] + [status(5, 6, 5)]
    idle.wait_until_idle("run", "rx")
    assert clock[0] == pytest.approx(8 * idle.LOOK_EVERY_S + idle.IDLE_S, abs=1.01 * idle.LOOK_EVERY_S)


def test_what_waits_on_an_edge_is_waited_for(answers):
    given, clock = answers
    given += [status(3, 4, 1)] * 50 + [status(3, 4, 3)]
    idle.wait_until_idle("run", "rx")
    assert clock[0] == pytest.approx(50 * idle.LOOK_EVERY_S + idle.IDLE_S, abs=1.01 * idle.LOOK_EVERY_S)


def test_a_block_that_is_not_there_is_named(answers):
    given, _ = answers
    given.append(status(0, 0, 0))
    with pytest.raises(ControlError, match=r"--when-idle rxx: no such block \(did you mean 'rx'\?\)"):
        idle.wait_until_idle("run", "rxx")
