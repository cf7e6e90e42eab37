from __future__ import annotations

import math

from semcom.flowgraphs.runtime.edges.place_ledger import PlaceLedger
from semcom.flowgraphs.runtime.graph import BlockNode, Edge, Graph

EDGES = (Edge(0, "a", "out", "b", "x", "Features"), Edge(1, "a", "out", "c", "x", "Features"))
GRAPH = Graph(name="g", blocks=(BlockNode("a", "x", {}),), edges=EDGES)


def make(path, graph=GRAPH):
    return PlaceLedger(["sink", "log"], EDGES, graph, path)


def test_a_second_start_knows_what_the_first_finished_with_the_same_sender(tmp_path):
    first = make(tmp_path / "p")
    assert dict(first) == {"sink": -1, "log": -1}
    first.met(EDGES[0], 11)
    first["sink"], first["log"] = 7, 5
    second = make(tmp_path / "p")
    assert second.left_off(EDGES[0], ["sink", "log"]) == (11, 5)
    assert second.left_off(EDGES[0], ["sink"]) == (11, 7)
    assert second.left_off(EDGES[1], ["sink"]) is None  # its sender was never met
    second.met(EDGES[0], 11)
    assert second["sink"] == 7


def test_another_sender_begins_anew_and_takes_nothing_from_this_start(tmp_path):
    first = make(tmp_path / "p")
    first.met(EDGES[0], 11)
    first["sink"], first["log"] = math.inf, 5
    second = make(tmp_path / "p")
    second["log"] = 1
    second.met(EDGES[0], 12)
    assert dict(second) == {"sink": -1, "log": 1}
    second["sink"] = 2
    second.met(EDGES[0], 13)  # the sender started again while this place lived: the numbers go on
    assert second["sink"] == 2


def test_the_end_of_the_stream_is_still_to_come_where_all_items_are_finished(tmp_path):
    first = make(tmp_path / "p")
    first.met(EDGES[0], 11)
    first["sink"] = math.inf
    assert make(tmp_path / "p").left_off(EDGES[0], ["sink"]) == (11, 2**53)


def test_the_file_of_another_graph_or_no_file_of_ours_is_not_used(tmp_path):
    first = make(tmp_path / "p")
    first.met(EDGES[0], 11)
    first["sink"] = 3
    other = make(tmp_path / "p", Graph(name="other", blocks=GRAPH.blocks, edges=EDGES))
    assert other.left_off(EDGES[0], ["sink"]) is None
    (tmp_path / "q").write_bytes(b"garbage")
    assert make(tmp_path / "q").left_off(EDGES[0], ["sink"]) is None


def test_the_file_goes_when_the_run_came_to_its_end(tmp_path):
    progress = make(tmp_path / "p")
    assert (tmp_path / "p").exists()
    progress.forget()
    assert not (tmp_path / "p").exists()
    assert make(None)["sink"] == -1
