from __future__ import annotations

import select
import threading

import numpy as np
import pytest
import zmq
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Envelope, Identity
from semcom.flowgraphs.runtime.edges.ends import END
from semcom.flowgraphs.runtime.edges.thread_edge import thread_edge
from semcom.flowgraphs.runtime.engine.actor import Actor
from semcom.flowgraphs.runtime.engine.commands import Stop
from semcom.flowgraphs.runtime.engine.place import _end_points, _reaches
from semcom.flowgraphs.runtime.engine.worker import Worker
from semcom.flowgraphs.runtime.graph import BlockNode, Edge, Graph
from semcom.flowgraphs.runtime.item import Item


def edge(index, source, target, port="Features", **options):
    return Edge(index, source, "out", target, "in", port, **options)


def graph(*edges):
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target))
    return Graph(name="g", blocks=tuple(BlockNode(name, "channels/awgn", {}) for name in names), edges=edges)


def item(seq):
    return Item(Envelope(identity=Identity(seq)), np.full(1, seq, np.float32))


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def test_an_item_is_finished_where_it_leaves_the_place():
    whole = graph(edge(0, "far", "a"), edge(1, "a", "sink"), edge(2, "a", "away"))
    here = ["a", "sink"]
    points = _end_points(whole, here)
    assert points == ["sink", "a.out -> away.in"]
    assert [point for point in points if _reaches(whole, "a", point)] == points


def test_an_item_is_finished_where_it_loses_its_number():
    whole = graph(edge(0, "far", "map"), edge(1, "map", "modulate"), edge(2, "modulate", "sink", "Samples"))
    points = _end_points(whole, ["map", "modulate", "sink"])
    assert points == ["modulate", "sink"]
    watched = {
        name: [point for point in points if _reaches(whole, name, point)] for name in ("map", "modulate", "sink")
    }
    assert watched == {"map": ["modulate"], "modulate": ["modulate"], "sink": ["sink"]}


def test_threads_that_pass_items_lose_no_wake_up(context):
    writer, reader = thread_edge(context, edge(0, "a", "b", depth=2), "run")
    got = []

    def read():
        while (taken := reader.take()) is not END:
            if taken is not None:
                got.append(taken.envelope.identity.seq)
            elif not reader.prepare_wait():
                assert reader.socket.poll(10_000)
                reader.service()
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for seq in range(5000):
        while not writer.offer(item(seq)):
            if not writer.prepare_wait():
                assert writer.socket.poll(10_000)
                writer.service()
    writer.end()
    thread.join(20)
    writer.close()
    assert got == list(range(5000))
    assert (writer.count.into, writer.count.out, writer.count.dropped) == (5000, 5000, 0)


def test_the_end_passes_a_full_edge_and_is_never_dropped(context):
    writer, reader = thread_edge(context, edge(0, "a", "b", depth=2, overflow="drop_oldest"), "run")
    for seq in range(5):
        assert writer.offer(item(seq))
    assert writer.end()
    taken = [reader.take() for _ in range(4)]
    assert [one.envelope.identity.seq for one in taken[:2]] == [3, 4]
    assert taken[2:] == [END, None]
    assert (writer.count.into, writer.count.out, writer.count.dropped) == (5, 2, 3)
    reader.close()
    assert writer.offer(item(9))
    writer.close()


def test_an_actor_that_waits_leaves_no_command_to_be_polled_again(context):
    whole = graph(edge(0, "a", "b"))
    actor = Actor(whole.block("a"), whole, [], [], RunContext(), items=None, finished={}, watched=[], post=print)
    actor._poller.register(actor.commands.fileno(), zmq.POLLIN)
    actor.commands.post(Stop())
    actor._poll()
    assert not select.select([actor.commands.fileno()], [], [], 0)[0]
    assert actor.commands
    actor.commands._messages.clear()  # as when the message was taken between its posting and its wake-up
    actor.commands.post(Stop())
    actor.commands._messages.clear()
    actor._poll()
    assert not select.select([actor.commands.fileno()], [], [], 0)[0]
    actor.commands.close()


def test_a_worker_whose_threads_never_began_can_be_closed():
    worker = Worker(graph(edge(0, "a", "b")), ["a", "b"], {}, RunContext())
    worker.close()
