"""What the numbers of a sender prove to be lost."""

from __future__ import annotations

import pytest
from semcom.blocks.radio._position import LONGEST_GAP, Position


def placed(*messages: tuple[int | None, int]) -> tuple[list[int], Position]:
    position = Position()
    return [position.place(offset, count)[0] for offset, count in messages], position


def test_messages_that_follow_each_other_lie_without_gaps():
    starts, position = placed((0, 5), (5, 3), (8, 1))
    assert (starts, position.lost, position.next) == ([0, 5, 8], 0, 9)


def test_a_step_of_the_numbers_is_a_gap_of_that_many_samples():
    starts, position = placed((0, 5), (7, 3), (10, 1), (1011, 1))
    assert starts == [0, 7, 10, 1011]
    assert position.lost == 2 + 1000


def test_a_stream_begins_with_the_message_that_comes_first():
    starts, position = placed((4096, 10), (4110, 10))
    assert (starts, position.joined_at, position.lost) == ([0, 14], 4096, 4)


@pytest.mark.parametrize("offset", [0, 90, 7])
def test_a_sender_that_counts_anew_was_started_again(offset):
    position = Position()
    position.place(100, 50)
    assert position.place(offset, 5) == (50 + offset, True)
    assert position.place(offset + 5, 5) == (55 + offset, False)
    assert (position.restarts, position.lost) == (1, offset)


def test_an_impossible_step_is_another_count():
    position = Position()
    position.place(0, 10)
    assert position.place(LONGEST_GAP + 10, 1) == (10, True)
    assert (position.lost, position.restarts) == (0, 1)


def test_without_numbers_all_follows():
    starts, position = placed((None, 5), (None, 0), (None, 2))
    assert (starts, position.joined_at) == ([0, 5, 5], None)
