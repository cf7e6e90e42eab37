"""Frames that cross as samples: what is lost, doubled or out of order is paired with what was sent, or counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

PLUGINS = Path(__file__).parents[1] / "plugins"
EXECUTORS = ["inline", "threads", "processes"]
SENT = 6


def crossed(order: list[int], chunk: int, executor: str) -> tuple[list[tuple[int, float, float]], RunResult]:
    """Send six numbers as bursts over an air that lets through what ``order`` says; return the pairs, and the run."""
    text = f"""
semcom: 1
name: bursts
blocks:
  numbers: {{use: {PLUGINS}/numbers.py, count: {SENT}}}
  burst:   {{use: {PLUGINS}/burst.py}}
  air:     {{use: {PLUGINS}/air.py, order: {order}, chunk: {chunk}}}
  catch:   {{use: {PLUGINS}/catch.py}}
  pairs:   {{use: {PLUGINS}/pairs.py}}
connect:
  - numbers -> burst -> air -> catch -> pairs.received
  - numbers -> pairs.sent
"""
    Path("bursts.yaml").write_text(text)
    result = run(load_graph("bursts.yaml"), RunOptions(executor))
    rows = [line.split() for line in Path("pairs.txt").read_text().splitlines()]
    assert all(row[4] == "born" for row in rows)  # the truth came along, by the frame's number
    return [(int(row[0]), float(row[1]), float(row[2])) for row in rows], result


def expected(order: list[int]) -> tuple[list[int], int, int]:
    """What can be paired, how many came twice, how many came after a later one: told without our code."""
    paired, seen, doubled, late = [], set(), 0, 0
    for seq in order:
        if seq in seen:
            doubled += 1
        elif paired and seq < paired[-1]:
            late += 1
        else:
            paired.append(seq)
        seen.add(seq)
    return paired, doubled, late


def check(order: list[int], chunk: int, executor: str) -> None:
    pairs, result = crossed(order, chunk, executor)
    paired, doubled, late = expected(order)
    assert pairs == [(seq, seq, seq) for seq in paired]
    report = result.blocks["catch"]
    assert (report.doubled, report.late) == (doubled, late)
    assert result.edges["catch.out -> pairs.received"].missing == SENT - len(paired)
    assert result.edges["numbers.out -> pairs.sent"].missing == 0
    assert result.lossy == (len(paired) < SENT)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, SENT - 1), max_size=9), st.integers(1, 20))
def test_any_bursts_lost_doubled_or_out_of_order_are_paired_or_counted(order, chunk):
    check(order, chunk, "inline")


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("order", [[0, 2, 3, 5], [0, 1, 1, 2, 3, 4, 4, 5], [2, 1, 3, 0, 4], []], ids=str)
def test_every_executor_pairs_or_counts_them(order, executor):
    check(order, 5, executor)


def test_a_lost_burst_does_not_shift_the_pictures_after_it():
    """The third picture is not the second: what stands beside it is what was sent as it."""
    pairs, _ = crossed([0, 1, 3, 4, 5], 8, "inline")
    assert [(seq, sent) for seq, sent, _ in pairs] == [(0, 0), (1, 1), (3, 3), (4, 4), (5, 5)]
