from __future__ import annotations

import time

import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from semcom.blocks.envelope import Annotation, Envelope, Identity, SentFrame, Stream, Trace
from semcom.errors import HelloRefused
from semcom.flowgraphs.runtime.edges.admission import GONE_S, Admission, Start
from semcom.flowgraphs.runtime.edges.decode import decode
from semcom.flowgraphs.runtime.edges.messages import Contract
from semcom.flowgraphs.runtime.edges.receiver import Receiver
from semcom.flowgraphs.runtime.edges.sender import Sender
from semcom.flowgraphs.runtime.edges.socket_receiver import SocketReceiver
from semcom.flowgraphs.runtime.edges.socket_sender import SocketSender

ONE, AGAIN, OTHER = Start(1, "aaaa", "7"), Start(2, "aaaa", "7"), Start(3, "bbbb", "7")


def item(seq: int) -> Envelope:
    return Envelope(identity=Identity(seq))


def test_the_first_that_says_hello_is_listened_to_on_every_edge():
    admission = Admission()
    assert admission.knock(ONE, 0.0) == "welcome"
    assert admission.knock(ONE, 1.0) == "welcome"
    assert admission.listens_to(1)
    assert not admission.listens_to(3)


@pytest.mark.parametrize("second", [AGAIN, OTHER], ids=str)
def test_a_second_one_waits_and_is_refused_once_the_first_is_heard(second):
    admission = Admission()
    admission.knock(ONE, 0.0)
    assert admission.knock(second, 1.0) == "wait"
    admission.heard(1.4)
    assert admission.knock(second, 1.5) == "refuse"
    assert [start for start, _ in admission.senders] == [ONE]


def test_one_that_is_gone_is_taken_over_whole_and_stays_gone():
    admission = Admission()
    admission.knock(ONE, 0.0)
    for seq in range(5):
        admission.numbered(item(seq), 0)
    assert admission.knock(OTHER, 1.0) == "wait"
    assert admission.knock(OTHER, GONE_S) == "welcome"
    assert admission.knock(ONE, GONE_S + 1) == "refuse"
    assert admission.senders == [(ONE, 0), (OTHER, 5)]
    assert admission.numbered(item(0), 0).identity.seq == 5


def test_the_same_graph_and_seed_go_on_where_they_were_cut_off():
    admission = Admission()
    admission.knock(ONE, 0.0)
    admission.numbered(item(4), 0)
    assert admission.knock(AGAIN, GONE_S + 1) == "welcome"
    assert admission.numbered(item(5), 0).identity.seq == 5


def test_streams_and_what_lies_in_them_are_numbered_on_too():
    admission = Admission()
    admission.knock(ONE, 0.0)
    admission.numbered(Envelope(identity=Identity(1), stream=Stream(100, 1e6)), 50)
    admission.knock(OTHER, GONE_S)
    around = Envelope(stream=Stream(8, 1e6, 0, (Annotation(9, "tag"),)), sent=(SentFrame(9, 3, 0, Trace()),))
    got = admission.numbered(around, 4)
    assert got.stream == Stream(158, 1e6, 0, (Annotation(159, "tag"),))
    assert got.sent == (SentFrame(159, 5, 0, Trace()),)
    assert got.identity.seq == 2


def test_another_sender_after_the_end_of_a_stream_is_refused():
    admission = Admission()
    admission.knock(ONE, 0.0)
    admission.ended()
    assert admission.knock(OTHER, 100.0) == "refuse"
    assert admission.knock(AGAIN, 100.0) == "welcome"  # it may not know that all of it arrived


def test_a_receiver_that_starts_again_keeps_the_numbers_of_the_sender_it_knew():
    known = Admission((3, 38))
    known.knock(OTHER, 0.0)
    assert known.numbered(item(2), 0).identity.seq == 40
    unknown = Admission((3, 38))
    unknown.knock(ONE, 0.0)
    assert unknown.numbered(item(2), 0).identity.seq == 2


CONTRACT = Contract(graph="g", edge=0, source="a.out", target="b.in", port="Features")


def edges(count: int) -> list[Receiver]:
    admission = Admission()
    return [Receiver(CONTRACT, depth=50, session=100 + n, admission=admission) for n in range(count)]


def talk(sender: Sender, receiver: Receiver, now_s: float) -> list[int]:
    """Let both ends say what they have to say; return the numbers of what was delivered."""
    got = []
    for _ in range(8):
        sender.on_tick(now_s)
        receiver.on_tick(now_s)
        while (frames := sender.next_message()) is not None:
            got += [one.envelope.identity.seq for one in receiver.on_message(decode(frames), b"x") if one.envelope]
        while (out := receiver.next_message()) is not None:
            sender.on_message(decode(out[1]))
    return got


def listens(receiver: Receiver, from_s: float, to_s: float) -> None:
    """Nothing comes, and the receiver looks."""
    for now_s in np.arange(from_s, to_s, 0.5):
        receiver.on_tick(float(now_s))


def offered(start: Start, count: int, first: int = 0) -> Sender:
    sender = Sender(CONTRACT, depth=50, start=start)
    for seq in range(first, count):
        sender.offer(item(seq), np.zeros(1, np.float32))
    return sender


def test_a_second_transmitter_is_refused_in_one_sentence_while_the_first_lives():
    (receiver,) = edges(1)
    first, second = offered(ONE, 3), offered(OTHER, 3)
    assert talk(first, receiver, 0.0) == [0, 1, 2]
    assert talk(second, receiver, 0.5) == []
    first.on_tick(1.5)  # it asks how far the receiver is
    receiver.on_tick(1.5)
    receiver.on_message(decode(first.next_message()), b"x")
    with pytest.raises(
        HelloRefused,
        match=r"edge a.out -> b.in: another sender \(graph aaaa, seed 7\) is heard here, and this one is another "
        r"\(graph bbbb, seed 7\); stop the first, start the receiver again, or give each a receiver of its own",
    ):
        talk(second, receiver, 1.6)
    assert receiver.refused == 1


@given(st.integers(0, 9), st.integers(0, 9))
def test_whatever_each_edge_had_got_a_new_session_never_meets_the_old_one(one, other):
    """Two edges of one place, cut off at different items; a sender with other pictures takes both over."""
    left, right = edges(2)
    before = talk(offered(ONE, one), left, 0.0), talk(offered(ONE, other), right, 0.0)
    assert before == (list(range(one)), list(range(other)))
    new = [offered(OTHER, 4) for _ in range(2)]
    assert talk(new[0], left, 0.1) == []
    listens(left, 0.1, GONE_S + 1)
    after = talk(new[0], left, GONE_S + 1), talk(new[1], right, GONE_S + 1)
    first = max(one, other)
    assert after == (list(range(first, first + 4)), list(range(first, first + 4)))


def test_the_old_one_that_wakes_up_finds_every_edge_taken():
    left, right = edges(2)
    old = [offered(ONE, 2), offered(ONE, 2)]
    talk(old[0], left, 0.0), talk(old[1], right, 0.0)
    new = offered(OTHER, 2)
    talk(new, left, 0.1)
    listens(left, 0.1, GONE_S + 1)
    assert talk(new, left, GONE_S + 1) == [2, 3]
    old[1].offer(item(2), np.zeros(1, np.float32))
    with pytest.raises(HelloRefused, match="another sender"):
        talk(old[1], right, GONE_S + 2)  # this edge has not met the new one yet


def knocks(receiver: Receiver, *senders: Sender) -> None:
    """Hand what these senders have to say to the receiver, in this order."""
    for sender in senders:
        while (frames := sender.next_message()) is not None:
            receiver.on_message(decode(frames), b"x")


@pytest.mark.parametrize("work_s", [0.5, 3.0, 30.0])
def test_a_receiver_that_computes_for_long_does_not_take_that_for_silence(work_s):
    """What the first sender said meanwhile may stand in the queue behind the second one's hello."""
    (receiver,) = edges(1)
    first, second = offered(ONE, 3), offered(OTHER, 3)
    assert talk(first, receiver, 100.0) == [0, 1, 2]
    now_s = 100.0
    for _ in range(4):
        now_s += work_s
        first.on_tick(now_s), second.on_tick(now_s), receiver.on_tick(now_s)
        knocks(receiver, second, first)
    assert receiver.refused > 0
    assert receiver.peer_session == ONE.session
    listens(receiver, now_s, now_s + GONE_S + 0.5)  # now the first is gone
    third = offered(AGAIN, 4)
    assert talk(third, receiver, now_s + GONE_S + 0.5) == [3]


def test_of_two_that_wait_for_a_receiver_one_gets_it(tmp_path):
    """The receiver finds the hellos of both when it first looks."""
    context: zmq.Context = zmq.Context()
    endpoint, admission = f"ipc://{tmp_path}/edge", Admission()
    senders = [SocketSender(context, endpoint, CONTRACT, start, depth=4) for start in (ONE, OTHER)]
    receiver = SocketReceiver(context, endpoint, CONTRACT, depth=4, admission=admission)
    for _ in range(20):  # the receiver's block starts meanwhile
        time.sleep(0.02)
        for sender in senders:
            sender.service()
    refused, until_s = 0, time.monotonic() + 10
    while not refused and time.monotonic() < until_s:
        time.sleep(0.02)
        receiver.service()
        for sender in list(senders):
            try:
                sender.service()
            except HelloRefused:
                refused += 1
                senders.remove(sender)
                sender.close()
    assert (refused, len(admission.senders)) == (1, 1)
    for end in (*senders, receiver):
        end.close()
    context.term()
