"""Systems with frames of other lengths meet the same fades: a comparison over fading is one of like with like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from semcom.blocks.block import Block, RunContext
from semcom.blocks.channels.capacity import Capacity
from semcom.blocks.channels.rayleigh import Rayleigh
from semcom.blocks.channels.rician import Rician
from semcom.blocks.channels.shadowing import Shadowing
from semcom.blocks.envelope import Header, Identity, Out
from semcom.flowgraphs.runtime.engine.inline import InlineExecutor
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.sim.side_information.link_agreement import LinkAgreement

SYSTEMS = {
    "hevc-ldpc": (Rayleigh, ["channel=channels/rayleigh"], ["encoder.scheme=qpsk-1/2"]),
    "deepjscc-rayleigh": (Rayleigh, [], ["channel.coherence_symbols=null"]),
    "hevc-capacity": (Capacity, [], ["channel.fading=rayleigh", "channel.coherence=block"]),
}


def gains(name: str) -> list[float]:
    """|h|^2 of each of the pictures that a shipped flowgraph sends."""
    kind, swaps, sets = SYSTEMS[name]
    graph = load_graph(name, Overrides.parse(swaps=swaps, sets=["photos.size=[48, 64]", "photos.repeat=2", *sets]))
    found: list[float] = []

    node = graph.block("channel")
    channel = kind(kind.Params.model_validate(node.params), name="channel", seed=graph.seed)
    work = channel.work

    def watched(*given: Any, **more: Any) -> Any:
        out = work(*given, **more)
        found.append(out.trace["signal_energy"] if kind is Capacity else float(np.abs(out.state.h[0]) ** 2))
        return out

    channel.work = watched
    InlineExecutor(graph, RunContext(), items=2, started={"channel": channel}).run()
    return found


def test_shipped_flowgraphs_meet_the_same_gain_picture_by_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {name: gains(name) for name in SYSTEMS}
    assert len(set(found["hevc-ldpc"])) == 2
    for name in SYSTEMS:
        assert found[name] == pytest.approx(found["hevc-ldpc"], rel=1e-5)


def fades(kind: type[Block], size: int, seq: int = 3, **params: Any) -> Any:
    out: Out[Any] = kind(kind.Params(**params), name="channel", seed=7).work(np.ones(size, np.complex64), Identity(seq))
    return out.state.h


@pytest.mark.parametrize(
    ("kind", "params"),
    [(Rayleigh, {}), (Rician, {"k_db": 3}), (Shadowing, {"fading": "rayleigh"}), (Shadowing, {"correlation": 0.9})],
)
@pytest.mark.parametrize("coherence_symbols", [None, 1, 64])
def test_a_longer_frame_begins_with_the_fades_of_a_shorter_one(kind, params, coherence_symbols):
    short, long = (fades(kind, size, coherence_symbols=coherence_symbols, **params) for size in (1000, 20_000))
    np.testing.assert_array_equal(short, long[:1000])


@pytest.mark.parametrize(("kind", "params"), [(Rayleigh, {}), (Rician, {"k_db": 3})])
def test_an_ideal_code_meets_the_fades_that_symbols_meet(kind, params):
    name = kind.__name__.lower()
    ideal = Capacity(Capacity.Params(fading=name, coherence="block", **params), name="channel", seed=7)
    header = Header().with_fields(LinkAgreement(100))
    for seq in range(5):
        gain = ideal.work(np.zeros(1, np.uint8), header, Identity(seq)).trace["signal_energy"]
        assert gain == pytest.approx(np.abs(fades(kind, 500, seq, **params)[0]) ** 2, rel=1e-5)
