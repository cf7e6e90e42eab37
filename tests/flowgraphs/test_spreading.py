"""Shipped flowgraphs over Rayleigh fading spread values over the frame, and can be told not to."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import State
from semcom.flowgraphs.runtime.engine.inline import InlineExecutor
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

OVER_AWGN = {
    "deepjscc-rayleigh": "deepjscc-awgn",
    "swinjscc-rayleigh": "swinjscc",
    "ntscc-rayleigh": "ntscc",
    "cdm-jscc-rayleigh": "cdm-jscc",
    "sc-sic-rayleigh": "sc-sic-mini",
    "training-free-rayleigh": "training-free-mini",
    "latent-denoiser-rayleigh": "latent-denoiser-mini",
}
SETS = ("photos.size=[64, 96]", "channel.coherence_symbols=16")


def metrics(name: str, **given: tuple[str, ...]) -> dict[str, float]:
    """Of one small picture, times aside."""
    result = run(load_graph(name, Overrides.parse(sets=SETS, **given)), RunOptions("inline", items=1))
    assert result.status == "ok"
    return {key: value for key, value in result.metrics.items() if key != "latency_s"}


@pytest.mark.parametrize("name", OVER_AWGN)
def test_without_spreading_it_is_the_flowgraph_over_awgn_with_its_channel_swapped(name: str) -> None:
    expected = metrics(OVER_AWGN[name], swaps=("channel=channels/rayleigh",))
    assert metrics(name, vars=("spreading=none",)) == expected


def test_with_spreading_the_decoder_is_told_the_noise_of_the_closed_form() -> None:
    r""":math:`(1 - w) / w` of all values, w the mean of :math:`|h|^2 / (|h|^2 + N_0)`."""
    graph = load_graph("deepjscc-rayleigh", Overrides.parse(sets=SETS, vars=("esn0_db=3",)))
    heard: dict[str, State] = {}
    InlineExecutor(
        graph, RunContext(), 1, on_item=lambda edge, item: heard.update({edge.source: item.envelope.state})
    ).run()
    energy = np.abs(np.asarray(heard["channel"].h, np.complex128)) ** 2
    share = np.mean(energy / (energy + 10**-0.3))
    assert heard["unmap"].n0 == pytest.approx((1 - share) / share, rel=1e-5)
