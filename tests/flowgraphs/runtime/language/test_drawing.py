from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from semcom.flowgraphs.runtime.graph import BlockNode, Edge, Feedback, Graph, Place
from semcom.flowgraphs.runtime.language.drawing import mermaid, svg

SVG = "{http://www.w3.org/2000/svg}"


def graph(chains: list[str], *, places: tuple[Place, ...] = (), feedback: str = "") -> Graph:
    """Make a graph of chains such as ``a b c``; what is named in ``feedback`` is the last edge, going back."""
    names = list(dict.fromkeys(name for chain in chains for name in chain.split()))
    pairs = [pair for chain in chains for pair in zip(chain.split(), chain.split()[1:], strict=False)]
    edges = [Edge(i, a, "out", b, f"in{i}", "Image") for i, (a, b) in enumerate(pairs)]
    if feedback:
        a, b = feedback.split()
        edges.append(Edge(len(edges), a, "out", b, "back", "Symbols", feedback=Feedback(2)))
    roles = {"s": "sources", "r": "sinks"}
    blocks = tuple(BlockNode(name, f"{roles.get(name[0], 'channels')}/kind", {}) for name in names)
    return Graph(name="drawn", blocks=blocks, edges=tuple(edges), places=places)


DIAMOND = graph(["s a b r", "s c r", "s r", "b r2"])
PLACED = graph(
    ["s a b r", "s r"],
    places=(Place("tx", ("s", "a"), "tcp://127.0.0.1:5601"), Place("rx", ("b", "r"), "tcp://127.0.0.1:5602")),
)
FEEDBACK = graph(["s a b r"], feedback="b a")


def boxes(text: str) -> dict[str, tuple[float, float, float, float]]:
    """Return the boxes of the blocks: left, top, right, bottom."""
    found = {}
    for group in ElementTree.fromstring(text).iter(f"{SVG}g"):
        name = group.find(f"{SVG}title").text.split(":")[0]
        rect = group.find(f"{SVG}rect").attrib
        x, y, width, height = (float(rect[key]) for key in ("x", "y", "width", "height"))
        found[name] = (x, y, x + width, y + height)
    return found


def test_mermaid_names_blocks_types_and_places():
    text = mermaid(PLACED)
    assert text.startswith("flowchart LR\n")
    assert '  subgraph p0["tx · tcp://127.0.0.1:5601"]' in text
    assert '    b0(["s<br/><small>sources/kind</small>"])' in text
    assert '  b0 -->|"Image"| b1' in text
    assert '  b0 -->|"Image → in3"| b3' in text
    assert '-.->|"Symbols → back, 2 late"|' in mermaid(FEEDBACK)


def test_mermaid_text_cannot_break_out():
    text = mermaid(Graph(name="x", blocks=(BlockNode("a", '/tmp/"<b>.py', {}),), edges=()))
    assert '"a<br/><small>#quot;#lt;b#gt;.py</small>"' in text


@pytest.mark.parametrize("drawn", [DIAMOND, PLACED, FEEDBACK], ids=["diamond", "places", "feedback"])
def test_svg_is_one_self_contained_element(drawn):
    text = svg(drawn)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert not re.search(r"<script|href=|url\(|@import|src=", text)
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]) == len(drawn.edges)
    assert svg(drawn) == text
    width, height = float(root.get("width")), float(root.get("height"))
    for left, top, right, bottom in boxes(text).values():
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@pytest.mark.parametrize("drawn", [DIAMOND, PLACED, FEEDBACK], ids=["diamond", "places", "feedback"])
def test_boxes_do_not_overlap_and_signals_run_to_the_right(drawn):
    found = boxes(svg(drawn))
    names = sorted(found)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            a, b = found[one], found[other]
            assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1], (one, other)
    for edge in drawn.edges:
        if edge.feedback is None:
            assert found[edge.source][2] < found[edge.target][0]


def test_a_chain_is_straight():
    found = boxes(svg(graph(["s a b c r", "s r"])))
    assert len({box[1] for box in found.values()}) == 1


def test_places_are_frames_around_their_blocks():
    text = svg(PLACED)
    found = boxes(text)
    frames = [r.attrib for r in ElementTree.fromstring(text).findall(f"{SVG}rect")]
    for place, frame in zip(PLACED.places, frames, strict=True):
        x, y, width, height = (float(frame[key]) for key in ("x", "y", "width", "height"))
        for name, (left, top, right, bottom) in found.items():
            inside = x <= left and y <= top and right <= x + width and bottom <= y + height
            assert inside == (name in place.blocks)


def test_types_and_texts_are_in_it_and_escaped():
    text = svg(graph(["s a r"]))
    assert text.count(">Image</text>") == 2
    node = BlockNode("a", "/tmp/<&>.py", {})
    assert "&lt;&amp;&gt;.py" in svg(Graph(name='"<x>', blocks=(node,), edges=()))
