"""`encoders/coded_link` and `decoders/coded_link`: the chain of blocks in one, in the place of a learned system."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.coded_link import CodedLink as Decoder
from semcom.blocks.encoders.coded_link import CodedLink as Encoder
from semcom.blocks.envelope import Header, State
from semcom.blocks.mappers.complex_to_real import ComplexToReal
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.errors import SignalError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run
from semcom.sim.metrics.psnr import psnr_db

SWAPS = ("encoder=encoders/coded_link:cbr=1/12", "decoder=decoders/coded_link")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rows, columns = np.mgrid[:64, :96]
    return np.stack([2 * rows, columns, rows + columns], axis=-1).astype(np.uint8)


def ran(name: str, *sets: str, swaps: tuple[str, ...] = (), **given: tuple[str, ...]) -> RunResult:
    graph = load_graph(name, Overrides.parse(swaps=swaps, sets=("photos.size=[96, 128]", *sets), **given))
    return run(graph, RunOptions("inline", items=2))


def sent(image: np.ndarray, link: np.ndarray | None = None, **params) -> tuple[np.ndarray, Header]:
    encoder = Encoder(Encoder.Params(**params))
    encoder.start()
    out = encoder.work(image, link)
    symbols = RealToComplex().work(out.value)
    return symbols.value, Header().with_fields(*out.header, *symbols.header)


def received(symbols: np.ndarray, header: Header, n0: float | np.ndarray = 1e-4):
    decoder = Decoder()
    decoder.start()
    return decoder.work(ComplexToReal().work(symbols, header), header, State(n0=n0))


@pytest.mark.parametrize("scheme", ["adapted", "matched", "shaped", "qpsk-1/2", "256qam-3/4"])
def test_what_is_sent_is_received_and_never_costs_more_than_it_may(picture, scheme):
    symbols, header = sent(picture, scheme=scheme, cbr="1/6", esn0_db=20)
    out = received(symbols, header)
    assert (out.state.crc_ok, out.trace["failed"], out.trace["block_errors"]) == (True, 0, 0)
    assert psnr_db(picture, out.value) > 30
    uses = symbols.size + header.uses
    assert 0 <= picture.size // 6 - uses < 2  # bits do not always fill the last use


def test_the_noise_of_each_symbol_is_scaled_as_the_symbols_are(picture):
    """Of QPSK all energies are 1; of a high order the frame's is not, and the scale undoes it exactly."""
    symbols, header = sent(picture, scheme="16qam-1/2", cbr="1/6")
    rng = np.random.default_rng(4)
    n0 = np.where(np.arange(symbols.size) < 600, 0.02, 0.2).astype(np.float32)
    noise = rng.standard_normal((symbols.size, 2)) @ [1, 1j] * np.sqrt(n0 / 2)
    out = received((symbols + noise).astype(np.complex64), header, n0)
    assert out.state.crc_ok


def test_a_frame_that_fails_is_counted_and_gives_a_plain_picture(picture):
    symbols, header = sent(picture, scheme="64qam-3/4", cbr="1/6")
    out = received(-symbols[::-1].copy(), header)
    assert (out.state.crc_ok, out.trace["failed"]) == (False, 1)
    assert len(np.unique(out.value.reshape(-1, 3), axis=0)) == 1


def test_a_link_is_followed_picture_by_picture(picture):
    sizes = [sent(picture, np.array([cbr, 20], np.float32), cbr="1/2")[0].size for cbr in (1 / 6, 1 / 12)]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.2)


def test_what_makes_no_sense_is_refused(picture):
    with pytest.raises(
        ValueError, match="expected adapted, matched, shaped or a scheme such as 16qam-1/2, got capacity"
    ):
        Encoder.Params(scheme="capacity")
    _, header = sent(picture, cbr="1/6")
    with pytest.raises(SignalError, match="expected two features a symbol, got 3"):
        Decoder().work(np.zeros(3, np.float32), header, State(n0=0.1))
    decoder = Decoder()
    decoder.start()
    with pytest.raises(SignalError, match="expected n0 in the receiver's state, got none"):
        decoder.work(np.zeros(4, np.float32), header, State())


def test_it_gives_the_pictures_of_the_chain_of_blocks():
    """Over AWGN at 20 dB, where neither fails; the 32 uses of the scale are some bytes less for the picture."""
    one = ran("deepjscc-awgn", swaps=SWAPS, vars=("esn0_db=20",))
    chain = ran("hevc-ldpc", vars=("esn0_db=20", "cbr=1/12"))
    assert one.metrics["failed"] == chain.metrics["failed"] == 0
    assert one.metrics["psnr_db"] == pytest.approx(chain.metrics["psnr_db"], abs=0.3)
    assert one.metrics["cbr"] <= 1 / 12


@pytest.mark.parametrize("scheme", ["adapted", "matched", "shaped"])
def test_over_a_waveform_it_swaps_in_as_learned_systems_do(scheme):
    found = ran("radio-loopback", "encoder.esn0_db=15", f"encoder.scheme={scheme}", swaps=SWAPS)
    assert found.blocks["sync"].counted == {"bursts": 2}
    assert found.metrics["failed"] == 0
    assert found.metrics["psnr_db"] > 25
