from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.envelope import Envelope, Identity, Stream, Trace
from semcom.errors import JoinError
from semcom.flowgraphs.runtime.engine.join import Join
from semcom.flowgraphs.runtime.graph import Edge, Feedback
from semcom.flowgraphs.runtime.item import Item


def edge(index, port, kind="Features", feedback=None):
    return Edge(index, f"from_{port}", "out", "join", port, kind, feedback=feedback)


def item(seq, part=0, size=1):
    return Item(Envelope(identity=Identity(seq, part)), np.full(size, seq, np.float32))


def sets(join):
    return [{port: got.envelope.identity.seq for port, got in inputs.items()} for inputs in join.ready()]


def test_items_of_one_identity_are_handed_out_together_whatever_their_order_of_arrival():
    join = Join([edge(0, "a"), edge(1, "b")], 1000)
    join.add("a", item(0))
    join.add("a", item(1))
    assert sets(join) == []
    join.add("b", item(0))
    assert sets(join) == [{"a": 0, "b": 0}]
    join.add("b", item(1))
    assert sets(join) == [{"a": 1, "b": 1}]


def test_a_higher_number_proves_an_item_missing_and_drops_its_partners():
    join = Join([edge(0, "a"), edge(1, "b")], 1000)
    for seq in (0, 1, 2):
        join.add("a", item(seq))
    join.add("b", item(2))
    assert sets(join) == [{"a": 2, "b": 2}]
    assert join.missing == {"a": 0, "b": 2}


def test_what_comes_after_the_end_of_the_other_input_is_counted_missing():
    join = Join([edge(0, "a"), edge(1, "b")], 1000)
    join.end("b")
    join.add("a", item(0))
    assert sets(join) == []
    assert join.missing == {"a": 0, "b": 1}
    assert not join.done
    join.end("a")
    assert join.done


def test_parts_join_by_seq_and_part():
    join = Join([edge(0, "a"), edge(1, "b")], 1000)
    join.add("a", item(0, 0))
    join.add("a", item(0, 1))
    join.add("b", item(0, 1))
    assert sets(join) == [{"a": 0, "b": 0}]
    assert join.missing["b"] == 1


def test_the_bound_names_the_edge_that_is_ahead_and_the_depth_needed():
    join = Join([edge(0, "a"), edge(1, "b")], 100, "flow.yaml:7:3")
    for seq in range(25):
        join.add("a", item(seq))
    with pytest.raises(JoinError) as caught:
        join.add("a", item(25))
    text = str(caught.value)
    assert text.startswith("flow.yaml:7:3: block 'join': edge")
    assert "'from_a.out -> join.a' is 26 items ahead of 'from_b.out -> join.b'" in text
    assert "a depth of at least 26 items" in text
    assert "join_bytes = 100" in text


def test_a_feedback_input_begins_with_its_initial_items():
    join = Join([edge(0, "a"), edge(1, "back", feedback=Feedback(delay=2, initial=0.5))], 1000)
    for seq in range(3):
        join.add("a", item(seq))
    ready = list(join.ready())
    assert [float(inputs["back"].value[0]) for inputs in ready] == [0.5, 0.5]
    join.add("back", item(0))
    ((third),) = list(join.ready())
    assert third["a"].envelope.identity.seq == 2
    assert float(third["back"].value[0]) == 0


def loop():
    return Join([edge(0, "a"), edge(1, "back", feedback=Feedback(delay=1, wait_s=2.0))], 1000)


def test_an_item_goes_without_what_a_later_one_proves_lost():
    join = loop()
    for seq in range(4):
        join.add("a", item(seq))
    assert sets(join) == [{"a": 0, "back": 0}]
    join.add("back", item(1))  # for item 2: nothing has come back for item 1
    assert sets(join) == [{"a": 1}, {"a": 2, "back": 2}]
    assert join.missing == {"a": 0, "back": 1}


def test_an_item_goes_without_what_is_given_up_and_what_comes_late_meets_nothing():
    join = loop()
    join.add("a", item(0))
    assert join.patience_s is None
    assert sets(join) == [{"a": 0, "back": 0}]
    assert join.patience_s is None  # nothing waits
    join.add("a", item(1))
    assert sets(join) == []
    assert (join.patience_s, join.unanswered) == (2.0, "")
    join.give_up()
    assert sets(join) == [{"a": 1}]
    join.add("back", item(0))
    join.add("a", item(2))
    assert sets(join) == []
    join.add("back", item(1))
    assert sets(join) == [{"a": 2, "back": 2}]
    assert join.missing == {"a": 0, "back": 1}


def test_what_another_input_lacks_is_dropped_whatever_comes_back():
    back = edge(2, "back", feedback=Feedback(delay=1, wait_s=2.0))
    join = Join([edge(0, "a"), edge(1, "b"), back], 1000)
    for seq in (0, 1, 2):
        join.add("a", item(seq))
    for seq in (0, 2):
        join.add("b", item(seq))
    assert sets(join) == [{"a": 0, "b": 0, "back": 0}]
    join.add("back", item(0))  # for item 1, which was dropped
    join.add("back", item(1))
    assert sets(join) == [{"a": 2, "b": 2, "back": 2}]
    assert join.missing == {"a": 0, "b": 1, "back": 0}


def test_streams_are_joined_sample_by_sample():
    join = Join([edge(0, "a", "Samples"), edge(1, "b", "Samples")], 10_000)

    def chunk(offset, size, value):
        return Item(Envelope(stream=Stream(offset, 1.0)), np.full(size, value, np.complex64))

    join.add("a", chunk(0, 5, 1))
    join.add("b", chunk(0, 3, 2))
    join.add("b", chunk(3, 4, 2))
    lengths = [(inputs["a"].value.size, inputs["b"].value.size) for inputs in join.ready()]
    assert lengths == [(3, 3), (2, 2)]
    join.add("a", chunk(5, 2, 1))
    (last,) = join.ready()
    assert last["b"].envelope.stream.offset == 5


def chunk(offset, size, value=0.0):
    return Item(Envelope(stream=Stream(offset, 1.0)), np.full(size, value, np.complex64))


def test_chunks_that_were_dropped_on_one_branch_leave_the_other_aligned():
    join = Join([edge(0, "a", "Samples"), edge(1, "b", "Samples")], 10_000)
    for offset in (0, 4, 8):
        join.add("a", chunk(offset, 4))
    join.add("b", chunk(6, 6))
    got = [(port, part.envelope.stream.offset, part.value.size) for sets in join.ready() for port, part in sets.items()]
    assert got == [("a", 6, 2), ("b", 6, 2), ("a", 8, 4), ("b", 8, 4)]
    assert join.missing["b"] > 0
    assert join.missing["a"] == 0


def test_the_rest_of_a_stream_is_missing_its_partner_once_the_other_has_ended():
    join = Join([edge(0, "a", "Samples"), edge(1, "b", "Samples")], 10_000)
    join.add("a", chunk(0, 4))
    join.add("a", chunk(4, 4))
    join.add("b", chunk(0, 4))
    join.end("b")
    assert len(list(join.ready())) == 1
    join.end("a")
    assert join.done
    assert join.missing == {"a": 0, "b": 1}


def test_what_comes_back_brings_its_value_alone():
    join = Join([edge(0, "back", feedback=Feedback(delay=1)), edge(1, "a")], 1000)
    for seq in range(2):
        join.add("a", item(seq))
        if not seq:
            join.add("back", Item(Envelope(identity=Identity(0), trace=Trace(label="old")), np.ones(1, np.float32)))
    sets = list(join.ready())
    assert [list(inputs) for inputs in sets] == [["a", "back"]] * 2
    assert [inputs["back"].envelope for inputs in sets] == [Envelope(identity=Identity(seq)) for seq in range(2)]


def test_what_a_loop_brings_back_after_the_end_is_not_missing_anything():
    join = Join([edge(0, "a"), edge(1, "back", feedback=Feedback(delay=2))], 1000)
    join.add("a", item(0))
    assert len(list(join.ready())) == 1
    join.end("a")
    assert list(join.ready()) == []
    assert join.done
    assert join.missing == {"a": 0, "back": 0}
    assert join.unanswered == ""
