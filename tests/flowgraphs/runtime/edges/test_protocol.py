from __future__ import annotations

import random
from collections import deque
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.blocks.envelope import Envelope, Header, HeaderEntry, Identity, State, Stream
from semcom.errors import EdgeError, HelloRefused, WireError
from semcom.flowgraphs.runtime.edges.admission import Start
from semcom.flowgraphs.runtime.edges.bounds import WIRE_VERSION
from semcom.flowgraphs.runtime.edges.decode import Items, Message, decode
from semcom.flowgraphs.runtime.edges.messages import (
    Bye,
    Contract,
    End,
    Hello,
    Ping,
    Refuse,
    Resend,
    Status,
    Welcome,
    Who,
    encode_contract,
)
from semcom.flowgraphs.runtime.edges.protocol import LINGER_S, PACK_ITEMS, WINDOW_BYTES, WINDOW_ITEMS, Overflow
from semcom.flowgraphs.runtime.edges.receiver import Delivery, Receiver
from semcom.flowgraphs.runtime.edges.sender import Sender

CONTRACT = Contract(graph="g", edge=2, source="a.out", target="b.in", port="Bytes", header=("ImageShape",))
LARGE = np.zeros(WINDOW_BYTES, np.uint8)  # depth counts
SMALL = np.zeros(64, np.uint8)  # bytes count


def sender(session: int = 1, *, depth: int = 4, overflow: Overflow = "block", retain: int = 1 << 28) -> Sender:
    return Sender(CONTRACT, depth=depth, start=Start(session), overflow=overflow, retain_bytes=retain)


def receiver(session: int = 100, *, depth: int = 4, after: Identity | int | None = None) -> Receiver:
    return Receiver(CONTRACT, depth=depth, session=session, after=after)


def sent(end: Sender) -> list[Message]:
    out = []
    while (frames := end.next_message()) is not None:
        out.append(decode([bytes(frame) for frame in frames]))
    return out


def answers(end: Receiver) -> list[Message]:
    out = []
    while (got := end.next_message()) is not None:
        out.append(decode(got[1]))
    return out


def numbers(messages: list[Message]) -> list[int]:
    return [m.first + i for m in messages if isinstance(m, Items) for i in range(len(m.items))]


def meet(tx: Sender, rx: Receiver, now_s: float = 0.0) -> list[Delivery]:
    """Pass messages to and fro until nobody has anything to say."""
    for later_s in (0.0, 0.2):
        tx.on_tick(now_s + later_s)
        rx.on_tick(now_s + later_s)
    got: list[Delivery] = []
    while tx.wants_out or rx.wants_out:
        for message in sent(tx):
            got += rx.on_message(message, b"tx")
        for message in answers(rx):
            tx.on_message(message)
    return got


def item(seq: int) -> Envelope:
    return Envelope(Identity(seq))


def offered(tx: Sender, count: int, array: Any = LARGE, start: int = 0) -> int:
    return sum(tx.offer(item(seq), array) for seq in range(start, start + count))


# Hello


def test_a_sender_says_hello_on_its_first_tick_and_again_until_it_is_welcomed() -> None:
    tx = sender()
    assert tx.next_message() is None
    tx.on_tick(5.0)
    assert sent(tx) == [Hello(WIRE_VERSION, 1, 0, encode_contract(CONTRACT))]
    tx.on_tick(5.05)
    assert sent(tx) == []
    tx.on_tick(5.11)
    assert len(sent(tx)) == 1
    meet(tx, receiver(), 6.0)
    assert tx.greeted
    tx.on_tick(6.2)
    assert not any(isinstance(message, Hello) for message in sent(tx))


def test_nothing_is_sent_before_the_welcome() -> None:
    tx = sender()
    assert offered(tx, 2) == 2
    assert not tx.wants_out
    assert [d.n for d in meet(tx, receiver())] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"graph": "h"}, "edge a.out -> b.in: graph: the receiver expects g, the sender has h; run both from the same"),
        ({"edge": 3}, "edge index: the receiver expects 2, the sender has 3"),
        ({"source": "c.out"}, "source: the receiver expects a.out, the sender has c.out"),
        ({"target": "c.in"}, "target: the receiver expects b.in, the sender has c.in"),
        ({"port": "Image"}, "port type: the receiver expects Bytes, the sender has Image"),
        ({"sample_rate_hz": 1e6}, "sample rate in Hz: the receiver expects None, the sender has 1000000.0"),
        ({"header": ()}, "header: the receiver needs ImageShape, the sender offers none"),
    ],
)
def test_both_sides_refuse_a_contract_that_does_not_fit(changes: dict[str, Any], message: str) -> None:
    tx = Sender(msgspec.structs.replace(CONTRACT, **changes), depth=4, start=Start(1))
    rx = receiver()
    tx.on_tick(0.0)
    with pytest.raises(HelloRefused, match=message):
        rx.on_message(sent(tx)[0], b"tx")
    [refusal] = answers(rx)
    assert isinstance(refusal, Refuse)
    with pytest.raises(HelloRefused, match=message):
        tx.on_message(refusal)
    welcome = Welcome(WIRE_VERSION, 100, 1, encode_contract(CONTRACT), 4, 0, 0, 0, 0)
    with pytest.raises(HelloRefused, match=message):
        tx.on_message(welcome)


def test_a_sender_may_offer_more_header_fields_than_are_needed() -> None:
    for offered in (("ImageShape", "RateMap"), ("HeaderField",)):  # the last: any, of a system that is not known here
        more = msgspec.structs.replace(CONTRACT, header=offered)
        tx, rx = Sender(more, depth=4, start=Start(1)), receiver()
        meet(tx, rx)
        assert tx.greeted
        assert rx.greeted


def test_another_wire_version_is_refused_by_both() -> None:
    with pytest.raises(HelloRefused, match="expected version 2, the sender has 9; install the same version"):
        receiver().on_message(Hello(9, 1, 0, b"?"), b"tx")
    with pytest.raises(HelloRefused, match="expected version 2, the receiver has 9"):
        sender().on_message(Welcome(9, 100, 1, b"?", 4, 0, 0, 0, 0))


def test_a_stranger_is_refused_without_disturbing_the_peer() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    wrong = encode_contract(msgspec.structs.replace(CONTRACT, port="Image"))
    assert rx.on_message(Hello(WIRE_VERSION, 7, 0, wrong), b"stranger") == ()
    address, frames = rx.next_message() or (b"", [])
    assert (address, type(decode(frames))) == (b"stranger", Refuse)
    assert rx.refused == 1
    assert rx.on_message(Hello(WIRE_VERSION, 7, 0, b"garbage"), b"stranger") == ()
    assert rx.garbage == 1
    rx.on_message(Ping(8, 0), b"stranger")
    assert answers(rx) == [Who(100)]
    offered(tx, 1)
    assert len(meet(tx, rx, 1.0)) == 1


def test_a_sender_that_was_taken_over_is_told() -> None:
    old, new, rx = sender(1), sender(2), receiver()
    meet(old, rx)
    meet(new, rx)
    old.offer(item(0), SMALL)
    for message in sent(old):
        rx.on_message(message, b"old")
    [refusal] = answers(rx)
    with pytest.raises(HelloRefused, match="another sender has taken this edge over"):
        old.on_message(refusal)


# Credit


def test_large_items_stop_at_the_depth_until_they_are_consumed() -> None:
    tx, rx = sender(depth=4), receiver(depth=4)
    meet(tx, rx)
    assert offered(tx, 9) == 4
    assert not tx.room
    assert len(meet(tx, rx)) == 4
    assert offered(tx, 1, start=4) == 0
    rx.consumed(1)
    meet(tx, rx)
    assert tx.room
    assert offered(tx, 9, start=4) == 2


def test_small_items_stop_at_the_window_in_bytes() -> None:
    tx, rx = sender(depth=4), receiver(depth=4)
    meet(tx, rx)
    array = np.zeros(1024, np.uint8)
    assert offered(tx, 1000, array) == WINDOW_BYTES // 1024
    assert len(meet(tx, rx)) == WINDOW_BYTES // 1024


def test_tiny_items_stop_at_the_window_in_items() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    assert offered(tx, WINDOW_ITEMS + 9, np.zeros(0, np.uint8)) == WINDOW_ITEMS
    messages = sent(tx)
    assert max(len(m.items) for m in messages if isinstance(m, Items)) == PACK_ITEMS


def test_room_is_that_for_the_item_that_was_refused() -> None:
    tx = sender(depth=1)
    assert offered(tx, 1, SMALL) == 1
    assert tx.room
    assert offered(tx, 1, LARGE, start=1) == 0
    assert not tx.room


def test_an_item_with_no_credit_at_the_receiver_is_not_taken() -> None:
    rx = receiver(depth=1)
    tx = sender(depth=8)
    meet(tx, rx)
    offered(tx, 2)
    forced = sender(depth=8)
    forced.on_message(Welcome(WIRE_VERSION, 100, 1, encode_contract(CONTRACT), 8, 0, 0, 0, 0))
    offered(forced, 2)
    first, second = sent(forced)
    assert len(rx.on_message(first, b"tx")) == 1
    assert rx.on_message(second, b"tx") == ()
    assert rx.garbage == 1


def test_credit_is_granted_in_batches_and_the_rest_on_a_tick() -> None:
    tx, rx = sender(depth=8), receiver(depth=8)
    meet(tx, rx)
    offered(tx, 8)
    meet(tx, rx)
    rx.consumed(0)
    rx.consumed(2)
    assert not rx.wants_out
    rx.consumed(3)
    assert answers(rx) == [Status(100, 1, 8, 4, 0)]
    rx.consumed(4)
    assert not rx.wants_out
    rx.on_tick(1.0)
    assert answers(rx) == [Status(100, 1, 8, 5, 0)]


def test_a_lost_credit_is_made_good_by_a_ping() -> None:
    tx, rx = sender(depth=2), receiver(depth=2)
    meet(tx, rx)
    offered(tx, 2)
    meet(tx, rx)
    rx.committed(1)
    assert len(answers(rx)) == 1  # and lost
    assert not tx.room
    meet(tx, rx, 1.0)
    assert tx.room


def test_what_is_committed_is_consumed() -> None:
    tx, rx = sender(depth=2), receiver(depth=2)
    meet(tx, rx)
    offered(tx, 2)
    meet(tx, rx)
    rx.committed(1)
    meet(tx, rx)
    assert tx.room
    assert tx.oldest_seq is None


def test_totals_that_cannot_be_are_counted_and_ignored() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    for message in (Status(100, 1, 0, 5, 0), Status(100, 1, 0, 0, 5), Resend(100, 1, 5), Ping(1, 2)):
        tx.on_message(message)
    assert tx.garbage == 4
    tx.on_message(Status(101, 1, 0, 0, 0))  # another receiver's
    rx.consumed(7)
    rx.committed(7)
    assert not rx.wants_out
    rx.on_message(Status(1, 2, 3, 4, 5), b"tx")
    assert rx.garbage == 1


# Overflow


def test_drop_oldest_drops_the_oldest_item_that_was_not_sent_and_counts_it() -> None:
    tx, rx = sender(depth=2, overflow="drop_oldest"), receiver(depth=2)
    meet(tx, rx)
    offered(tx, 2, SMALL)
    first = meet(tx, rx)
    assert offered(tx, 5, SMALL, start=2) == 5
    assert tx.dropped == 3
    assert meet(tx, rx) == []
    rx.committed(1)
    second = meet(tx, rx)
    assert [d.envelope.identity.seq for d in first + second if d.envelope] == [0, 1, 5, 6]
    assert tx.sent == 4


# Retention


def test_what_is_consumed_and_not_committed_is_bounded() -> None:
    tx, rx = sender(depth=2, retain=3 * LARGE.nbytes), receiver(depth=2)
    meet(tx, rx)
    for seq in range(3):
        assert tx.offer(item(seq), LARGE)
        for delivery in meet(tx, rx, 10.0 * seq):
            rx.consumed(delivery.n)
        meet(tx, rx, 10.0 * seq + 5)
    with pytest.raises(EdgeError, match=r"a.out -> b.in: the receiver has consumed 786432 bytes and committed none"):
        tx.offer(item(3), LARGE)


def test_one_item_beyond_the_bound_of_retention_still_passes() -> None:
    tx, rx = sender(depth=2, retain=10), receiver(depth=2)
    meet(tx, rx)
    for seq in range(3):
        assert tx.offer(item(seq), LARGE)
        rx.committed(meet(tx, rx, 10.0 * seq)[0].n)
        meet(tx, rx, 10.0 * seq + 5)


# Loss


def test_a_gap_is_asked_for_once_and_filled() -> None:
    tx, rx = sender(depth=9), receiver(depth=9)
    meet(tx, rx)
    got = []
    for seq in range(5):
        offered(tx, 1, start=seq)
        [message] = sent(tx)
        if seq != 1:
            got += rx.on_message(message, b"tx")
    assert [d.n for d in got] == [0]
    [request] = answers(rx)
    assert request == Resend(100, 1, 1)
    tx.on_message(request)
    messages = sent(tx)
    assert numbers(messages) == [1, 2, 3, 4]
    assert tx.resent == 4
    for message in messages + messages:
        got += rx.on_message(message, b"tx")
    assert [d.n for d in got] == [0, 1, 2, 3, 4]
    assert rx.doubles == 4


def test_a_lost_last_item_is_found_by_a_ping() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    offered(tx, 1)
    assert len(sent(tx)) == 1  # and lost
    assert [d.n for d in meet(tx, rx, 1.0)] == [0]


# End


def test_the_end_is_an_item_that_must_be_committed() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    offered(tx, 1)
    tx.end()
    tx.end()
    assert [d.envelope is None for d in meet(tx, rx)] == [False, True]
    rx.committed(0)
    meet(tx, rx, 1.0)
    assert not tx.done
    assert rx.ended
    assert not rx.done
    rx.committed(1)
    meet(tx, rx)
    assert tx.done
    meet(tx, rx)
    assert rx.done
    assert (tx.sent, rx.received) == (1, 1)
    with pytest.raises(EdgeError, match="an item came after the end"):
        tx.offer(item(9), SMALL)


def test_a_receiver_whose_sender_has_gone_ends_after_a_while() -> None:
    tx, rx = sender(), receiver()
    tx.end()
    meet(tx, rx)
    rx.committed(0)
    rx.on_tick(10.0)
    assert any(isinstance(message, Status) for message in answers(rx))
    rx.on_tick(10.5)
    assert rx.wants_out  # says it again
    assert not rx.done
    rx.on_tick(10.0 + LINGER_S)
    assert rx.done


def test_a_lost_acknowledgement_of_the_end_is_said_again() -> None:
    tx, rx = sender(), receiver()
    tx.end()
    meet(tx, rx)
    rx.committed(0)
    assert len(answers(rx)) == 1  # and lost
    meet(tx, rx, 1.0)
    assert tx.done
    assert rx.done or Bye(1) in sent(tx)


# Restarts


def test_a_restarted_receiver_gets_what_was_not_committed() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    offered(tx, 3)
    meet(tx, rx)
    rx.consumed(2)
    rx.committed(0)
    meet(tx, rx, 1.0)
    rx = receiver(101)
    assert [d.envelope.identity.seq for d in meet(tx, rx, 2.0) if d.envelope] == [1, 2]
    assert offered(tx, 9, start=3) == 2


def test_a_restarted_receiver_is_not_flooded() -> None:
    tx, rx = sender(depth=2), receiver(depth=2)
    meet(tx, rx)
    for seq in range(6):
        offered(tx, 1, start=seq)
        for delivery in meet(tx, rx, 10.0 * seq):
            rx.consumed(delivery.n)
        meet(tx, rx, 10.0 * seq + 5)
    rx = receiver(101, depth=2)
    assert len(meet(tx, rx, 100.0)) == 2
    rx.committed(1)
    assert len(meet(tx, rx, 101.0)) == 2


def test_a_restarted_receiver_that_knows_what_it_committed_gets_no_double() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    offered(tx, 3)
    meet(tx, rx)
    rx.committed(1)  # and killed before it could tell
    rx = receiver(101, after=Identity(1))
    got = meet(tx, rx, 1.0)
    assert [d.envelope.identity.seq for d in got if d.envelope] == [2]
    rx.committed(got[0].n)
    tx.end()
    [end] = meet(tx, rx, 2.0)
    rx.committed(end.n)
    meet(tx, rx, 3.0)
    assert tx.done


@pytest.mark.parametrize(("session", "expected"), [(1, [2]), (7, [0, 1, 2])])
def test_what_an_earlier_start_committed_holds_for_the_sender_it_had(session: int, expected: list[int]) -> None:
    tx = sender()
    rx = Receiver(CONTRACT, depth=4, session=101, after=Identity(1), after_session=session)
    meet(tx, rx)
    offered(tx, 3)
    assert [d.envelope.identity.seq for d in meet(tx, rx) if d.envelope] == expected


def test_a_late_word_of_a_dead_receiver_does_no_harm() -> None:
    tx, old = sender(depth=8), receiver(depth=8)
    meet(tx, old)
    offered(tx, 4)
    meet(tx, old)
    old.consumed(3)
    late = [*answers(old), Who(100), Resend(100, 1, 0)]
    new = receiver(101, depth=8)
    assert len(meet(tx, new, 1.0)) == 4
    for message in late:
        tx.on_message(message)
    assert meet(tx, new, 2.0) == []
    assert tx.greeted


def test_a_restarted_sender_begins_at_its_first_item_and_no_item_comes_twice() -> None:
    rx = receiver(depth=8)
    tx = sender(1, depth=8)
    meet(tx, rx)
    offered(tx, 5)
    first = meet(tx, rx)
    rx.committed(2)
    tx = sender(2, depth=8)
    offered(tx, 8)
    second = meet(tx, rx, 1.0)
    assert [d.envelope.identity.seq for d in first + second if d.envelope] == list(range(8))
    assert [d.n for d in first + second] == list(range(8))
    assert rx.doubles == 5
    assert tx.oldest_seq == 3  # delivered by the other session, and not committed yet
    rx.committed(4)
    meet(tx, rx, 2.0)
    assert tx.oldest_seq == 5
    tx.end()
    rx.committed(meet(tx, rx, 3.0)[-1].n)
    meet(tx, rx, 4.0)
    assert tx.done


def test_parts_of_one_item_are_told_apart_after_a_restart() -> None:
    rx, got = receiver(), []
    for session in (1, 2):
        tx = sender(session)
        for part in range(2 + session):
            tx.offer(Envelope(Identity(0, part, part == 3)), SMALL)
        got += meet(tx, rx, session)
    assert [d.envelope.identity.part for d in got if d.envelope] == [0, 1, 2, 3]


def test_a_stream_is_told_by_its_offsets_after_a_restart() -> None:
    rx, got = receiver(), []
    for session in (1, 2):
        tx = sender(session)
        for i in range(1 + session):
            tx.offer(Envelope(stream=Stream(64 * i, 1e6)), SMALL)
        got += meet(tx, rx, session)
    assert [d.envelope.stream.offset for d in got if d.envelope and d.envelope.stream] == [0, 64, 128]
    tx = sender(3)
    tx.offer(Envelope(stream=Stream(150, 1e6)), SMALL)
    with pytest.raises(EdgeError, match="chunk at sample 150 overlaps what came before, up to sample 192"):
        meet(tx, rx, 3.0)


def test_a_sender_that_restarts_after_the_end_is_done_at_once() -> None:
    rx = receiver()
    for session in (1, 2):
        tx = sender(session)
        offered(tx, 2)
        tx.end()
        for delivery in meet(tx, rx, session):
            rx.committed(delivery.n)
        meet(tx, rx, session + 0.5)
        assert tx.done
    assert rx.received == 2


def test_within_a_session_identities_need_not_rise() -> None:
    tx, rx = sender(), receiver()
    for seq in (3, 1, 2):
        tx.offer(item(seq), SMALL)
    assert len(meet(tx, rx)) == 3


# What else goes wrong


def test_items_whose_heads_are_too_large_for_one_message_are_split() -> None:
    envelope = Envelope(Identity(0), header=Header({"A": HeaderEntry(2**21, bytes(2**18))}))
    tx, rx = sender(depth=16), receiver(depth=16)
    for _ in range(16):
        assert tx.offer(envelope, SMALL)
    assert [d.n for d in meet(tx, rx)] == list(range(16))
    assert tx.sent == 16


def test_an_item_that_cannot_be_sent_names_the_edge() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    tx.offer(item(0), np.zeros(1, np.int32))
    with pytest.raises(WireError, match=r"edge a.out -> b.in: edge 2, item 0: expected uint8"):
        sent(tx)


def test_arrays_of_the_state_count_against_the_window() -> None:
    tx = sender(depth=1)
    state = State(h=np.zeros(WINDOW_BYTES // 8, np.complex64))
    assert tx.offer(Envelope(Identity(0), state=state), SMALL)
    assert not tx.offer(item(1), SMALL)


def test_a_depth_below_one_is_refused() -> None:
    for make in (sender, receiver):
        with pytest.raises(EdgeError, match="expected a depth of at least 1, got 0"):
            make(depth=0)


def test_items_of_another_edge_are_garbage() -> None:
    tx, rx = sender(), receiver()
    meet(tx, rx)
    assert rx.on_message(Items(5, 1, 0, []), b"tx") == ()
    assert rx.on_message(End(5, 1, 0), b"tx") == ()
    assert rx.garbage == 2


# A lossy network with restarts


class Network:
    """A sender and a receiver that may be killed, with a wire between them that may lose everything under way.

    What is on the receiver's disk (`history`) survives. Where ``durable`` is false the receiver does not look there
    when it starts again, so that it dies only when its acknowledgements have arrived.
    """

    def __init__(self, rng: random.Random, *, count: int, depth: int, large: bool, durable: bool) -> None:
        self.rng, self.count, self.depth, self.durable = rng, count, depth, durable
        self.array = LARGE if large else SMALL
        self.history: list[int] = []
        self.finished = False
        self.now_s, self.sessions = 0.0, 0
        self.up: deque[list[bytes]] = deque()
        self.down: deque[list[bytes]] = deque()
        self.start_sender()
        self.start_receiver()

    def start_sender(self) -> None:
        self.up.clear()
        self.sessions += 1
        self.tx = sender(self.sessions, depth=self.depth)
        self.next = 0

    def start_receiver(self) -> None:
        self.down.clear()
        self.sessions += 1
        after = Identity(self.history[-1]) if self.durable and self.history else None
        self.rx = receiver(self.sessions, depth=self.depth, after=after)
        self.inbox: deque[Delivery] = deque()
        self.working: deque[Delivery] = deque()

    def step(self, action: str) -> None:
        rng = self.rng
        self.now_s += rng.choice([0.0, 0.01, 0.2])
        if action == "offer":
            while self.next < self.count and self.tx.offer(item(self.next), self.array):
                self.next += 1
            if self.next == self.count:
                self.tx.end()
        elif action == "send":
            self.tx.on_tick(self.now_s)
            for _ in range(rng.randint(1, 4)):
                if (frames := self.tx.next_message()) is not None:
                    self.up.append([bytes(frame) for frame in frames])
        elif action == "arrive":
            for _ in range(rng.randint(1, 4)):
                if self.up:
                    self.inbox.extend(self.rx.on_message(decode(self.up.popleft()), b"tx"))
        elif action == "work":
            self.rx.on_tick(self.now_s)
            for _ in range(rng.randint(1, 4)):
                if self.inbox:
                    self.working.append(self.inbox.popleft())
                    self.rx.consumed(self.working[-1].n)
            for _ in range(rng.randint(0, 3)):
                if self.working:
                    delivery = self.working.popleft()
                    if delivery.envelope is None:
                        self.finished = True
                    else:
                        self.history.append(delivery.envelope.identity.seq)
                    self.rx.committed(delivery.n)
        elif action == "answer":
            while (got := self.rx.next_message()) is not None:
                self.down.append([bytes(frame) for frame in got[1]])
            for _ in range(rng.randint(1, 4)):
                if self.down:
                    self.tx.on_message(decode(self.down.popleft()))
        elif action == "lose":
            for line in (self.up, self.down):
                kept = [frames for frames in line if rng.random() < 0.5]
                line.clear()
                line.extend(kept)
        elif action == "double":
            for line in (self.up, self.down):
                if line:
                    line.insert(rng.randrange(len(line) + 1), rng.choice(line))
        elif action == "kill sender":
            self.start_sender()
        elif action == "kill receiver" and (self.durable or self.tx._window.base == len(self.history)):
            self.start_receiver()

    def settle(self) -> None:
        for _ in range(20_000):
            if self.tx.done and self.finished:
                return
            for action in ("offer", "send", "arrive", "work", "answer"):
                self.step(action)
        raise RuntimeError(f"stuck: {vars(self.tx)} {vars(self.rx)}")


WORK = ["offer", "send", "arrive", "work", "answer"]
TROUBLE = ["lose", "double", "kill sender", "kill receiver"]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.integers(1, 9),
    st.booleans(),
    st.lists(st.sampled_from(WORK * 3 + TROUBLE), max_size=150),
)
def test_every_item_arrives_once_and_in_order_whatever_happens(
    seed: int, count: int, depth: int, large: bool, actions: list[str]
) -> None:
    network = Network(random.Random(seed), count=count, depth=depth, large=large, durable=True)
    for action in actions:
        network.step(action)
    network.settle()
    assert network.history == list(range(count))
    assert network.tx.dropped == 0


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.integers(1, 9),
    st.booleans(),
    st.lists(st.sampled_from([*WORK * 3, "lose", "double", "kill receiver"]), max_size=150),
)
def test_a_receiver_without_memory_loses_and_doubles_nothing_if_its_acknowledgements_arrived(
    seed: int, count: int, depth: int, large: bool, actions: list[str]
) -> None:
    network = Network(random.Random(seed), count=count, depth=depth, large=large, durable=False)
    for action in actions:
        network.step(action)
    network.settle()
    assert network.history == list(range(count))
