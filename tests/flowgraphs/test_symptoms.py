"""What `run.json` counts where a link is set up wrongly: the table of the guide, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from semcom.blocks.block import RunContext
from semcom.flowgraphs.runtime.engine.inline import InlineExecutor
from semcom.flowgraphs.runtime.graph import Edge
from semcom.flowgraphs.runtime.item import Item
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

PICTURES = 2
IDEAL = "channels/copy"
GOOD = {"bursts": PICTURES}
WRONG: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, int]]] = {
    "nothing": ({}, GOOD),
    "carriers too far apart": ({"vars": ("cfo_hz=200000",)}, {}),
    "another pulse": ({"sets": ("sync.samples_per_symbol=2",)}, {}),
    "no signal": ({"swaps": ("multipath=channels/clipping:clip_db=-20,reference=one",), "vars": ("esn0_db=-5",)}, {}),
    "too little power for the header": ({"vars": ("esn0_db=-4",)}, {"header_failures": PICTURES}),
    "too little power for the preamble": ({"vars": ("esn0_db=-8",)}, {"false_bursts": PICTURES}),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", WRONG)
def test_the_receiver_counts_what_the_guide_says(name):
    given, counted = WRONG[name]
    sets: Any = ("photos.size=[64, 96]", *given.get("sets", ()))
    graph = load_graph("radio-loopback", Overrides.parse(**{**given, "sets": sets}))
    assert run(graph, RunOptions("inline", items=PICTURES)).blocks["sync"].counted == counted


@pytest.mark.parametrize(
    "fault",
    [
        "channels/clipping:clip_db=0,reference=one",
        "channels/phase_noise:rms_deg=5,bandwidth_hz=1e5",
        "channels/iq_imbalance:amplitude_db=1.5,phase_deg=8",
    ],
)
def test_what_a_radio_does_wrong_shows_as_errors_that_do_not_fall_as_power_rises(fault):
    """Of noise alone the error is 10^(-esn0_db / 20): a tenth at 20 dB, a hundredth at 40 dB."""
    good, bad = (
        {esn0_db: evm(swap, esn0_db) for esn0_db in (20, 40)} for swap in (f"multipath={use}" for use in (IDEAL, fault))
    )
    assert good[20] == pytest.approx(0.1, rel=0.2)
    assert good[40] == pytest.approx(0.01, rel=0.3)
    assert bad[40] > 0.5 * bad[20]
    assert bad[40] > 5 * good[40]


def evm(swap: str, esn0_db: int) -> float:
    """Of the first burst, as the report shows it."""
    given = Overrides.parse(vars=(f"esn0_db={esn0_db}",), swaps=(swap,), sets=("encoder.esn0_db=6",))
    seen: list[float] = []

    def look(edge: Edge, item: Item) -> None:
        if edge.source == "sync" and item.envelope.state.reception is not None:
            seen.append(item.envelope.state.reception.evm)

    InlineExecutor(load_graph("radio-loopback-hevc", given), RunContext(), 1, on_item=look).run()
    return seen[0]
