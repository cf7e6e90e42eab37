"""Impairments that are written once for frames of symbols and for streams of samples."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.block import Block
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.channels.clipping import Clipping
from semcom.blocks.channels.converter import Converter
from semcom.blocks.channels.iq_imbalance import IqImbalance
from semcom.blocks.channels.phase_noise import PhaseNoise
from semcom.blocks.envelope import Header, Identity, State, Stream
from semcom.blocks.lookup import load_block
from semcom.blocks.ports import SAMPLES, SYMBOLS
from semcom.blocks.signature import read_signature
from semcom.errors import FlowgraphError, SignalError
from semcom.flowgraphs.runtime.language.check import load_graph

RATE_HZ = 2e6
X = np.exp(2j * np.pi * np.random.default_rng(1).random(20_000)).astype(np.complex64)
ON_BOTH = [Cfo, Clipping, Converter, IqImbalance, PhaseNoise]


def sent(block: Block, x: np.ndarray = X, *, offset: int = 0, gap: int = 0) -> np.ndarray:
    asked = read_signature(type(block)).injected
    given = {"identity": Identity(), "stream": Stream(offset, RATE_HZ, gap), "header": Header(), "state": State()}
    out = block.work(x, **{name: given[what] for name, what in asked.items()})
    return getattr(out, "value", out)


@pytest.mark.parametrize("cls", ON_BOTH)
def test_their_port_takes_symbols_and_samples(cls):
    signature = read_signature(cls)
    assert signature.inputs["symbols"].type.choices == signature.outputs["out"].choices == (SYMBOLS, SAMPLES)


def test_an_offset_turns_at_the_rate_of_the_stream_and_goes_on():
    block = Cfo(Cfo.Params(cfo_hz=3e3, symbol_rate_hz=1.0))
    want = X * np.exp(2j * np.pi * 3e3 / RATE_HZ * np.arange(X.size))
    got = np.concatenate([sent(block, X[:7000]), sent(block, X[7000:], offset=7000)])
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_free_running_phase_noise_has_the_variance_of_its_linewidth_and_time():
    """Var of the phase after n samples: 2 pi beta n / f_s, over a gap too (Demir et al.); 400 oscillators."""
    ends = []
    for seed in range(400):
        block = PhaseNoise(PhaseNoise.Params(model="wiener", linewidth_hz=50.0), seed=seed)
        ones = np.ones(1000, np.complex64)
        sent(block, ones)
        ends.append(float(np.angle(sent(block, ones, offset=4000, gap=3000)[-1])))
    expected = 2 * np.pi * 50 / RATE_HZ * 4999
    assert expected == pytest.approx(0.785, abs=0.01)
    # the variance of 400 normal values lies within 0.72 and 1.34 of its expectation with probability 1 - 1e-5 (chi2)
    assert 0.72 * expected < np.mean(np.square(ends)) < 1.34 * expected


def test_locked_phase_noise_keeps_its_level():
    block = PhaseNoise(PhaseNoise.Params(model="stationary", rms_deg=3.0, bandwidth_hz=1e5))
    phase = np.angle(sent(block, np.ones(200_000, np.complex64)))
    # one value in 1 / (pi B T) = 6.4 is independent: 31,000 of them know their rms to 0.4 %; 3 % is seven sigma
    assert np.degrees(phase.std()) == pytest.approx(3.0, rel=0.03)
    assert np.corrcoef(phase[:-1], phase[1:])[0, 1] == pytest.approx(np.exp(-2 * np.pi * 1e5 / RATE_HZ), abs=0.01)


@pytest.mark.parametrize("cls", [Clipping, Converter])
def test_levels_relative_to_a_frame_are_refused_on_a_stream(cls):
    with pytest.raises(SignalError, match=r"reference: expected one on a stream of samples, which is cut anywhere"):
        sent(cls(cls.Params(reference="frame")))
    assert sent(cls(cls.Params(reference="one"))).shape == X.shape


@pytest.mark.parametrize("params", [{"esn0_db": 10}, {"correction": "perfect"}], ids=str)
def test_an_offset_of_samples_adds_no_noise_and_corrects_nothing(params):
    with pytest.raises(SignalError, match=r"channels/cfo: expected neither esn0_db nor correction on a stream"):
        sent(Cfo(Cfo.Params(**params)))


def test_phase_noise_of_samples_is_not_tracked():
    with pytest.raises(SignalError, match=r"tracking: expected none on a stream of samples.*got ideal"):
        sent(PhaseNoise(PhaseNoise.Params(tracking="ideal")))


FILE = """
semcom: 1
name: both
blocks:
  tone:   {use: sources/tone, samples: 1000}
  cfo:    {use: channels/cfo, cfo_hz: 5}
  mixer:  {use: channels/iq_imbalance}
  SINK
connect:
  - tone -> cfo -> mixer -> SINKPORT
"""


def checked(tmp_path, sink: str, port: str):
    (tmp_path / "both.yaml").write_text(FILE.replace("SINKPORT", port).replace("SINK", sink))
    return load_graph(tmp_path / "both.yaml")


def test_what_is_connected_decides_and_goes_on_through_a_chain(tmp_path):
    graph = checked(tmp_path, "end: {use: sinks/null}", "end")
    assert [edge.port for edge in graph.edges] == ["Samples"] * 3
    assert graph.edges[-1].target_port == "samples"


def test_a_mismatch_behind_such_blocks_names_the_type_that_comes(tmp_path):
    with pytest.raises(FlowgraphError, match=r"unmap.symbols: expected Symbols .*, got Samples .* from mixer.out"):
        checked(tmp_path, "unmap: {use: mappers/complex_to_real}\n  end: {use: sinks/null}", "unmap -> end")


def test_a_cascade_takes_them_as_stages():
    cascade = load_block("channels/cascade")
    stages = [{"use": "channels/iq_imbalance", "phase_deg": 3}, {"use": "channels/awgn", "esn0_db": 10}]
    block = cascade(cascade.Params(stages=stages), name="channel", seed=1)
    block.start()
    assert sent(block).shape == X.shape
