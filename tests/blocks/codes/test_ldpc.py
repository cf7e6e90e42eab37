"""`codes/ldpc_encode` and `codes/ldpc_decode`: over a noisy channel, by header and by LinkScheme, and bad input."""

from typing import Any

import numpy as np
import pytest
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.codes.ldpc_decode import LdpcDecode
from semcom.blocks.codes.ldpc_encode import LdpcEncode
from semcom.blocks.envelope import Header, Identity, State
from semcom.blocks.mappers.qam_decide import QamDecide
from semcom.blocks.mappers.qam_demap import QamDemap
from semcom.blocks.mappers.qam_map import QamMap
from semcom.errors import MissingExtra, SignalError
from semcom.sim.codes.ldpc import graph
from semcom.sim.codes.scrambling import gold_sequence
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import MATCHED_SCHEMES, Scheme, payload_bits_for
from semcom.sim.links.shaped_qam import SHAPED_SCHEMES
from semcom.sim.links.transport_block import encode_transport_block, plan_transport_block
from semcom.sim.side_information.field import Unsent
from semcom.sim.side_information.link_agreement import LinkAgreement
from semcom.sim.side_information.link_scheme import LinkScheme
from semcom.sim.side_information.matched_scheme import MatchedScheme
from semcom.sim.side_information.shaped_scheme import ShapedScheme
from semcom.sim.side_information.transport_block import TransportBlock

PAYLOAD = np.random.default_rng(0).integers(0, 2, 20_000, dtype=np.uint8)


def scheme_header(bits_per_symbol: int = 4, rate: float = 512, uses: int = 5000) -> Header:
    agreed = LinkAgreement(uses, bits_per_symbol, rate)
    return Header().with_fields(LinkScheme(bits_per_symbol, rate), Unsent(agreed))


def decode(llrs: Any, header: Header, **params: Any) -> Any:
    block = LdpcDecode(LdpcDecode.Params(**params))
    block.start()
    return block.work(llrs, header)


def certain(bits: np.ndarray) -> np.ndarray:
    return np.float32(bits) * 16 - 8


@pytest.mark.parametrize(("esn0_db", "arrives"), [(6.5, True), (4.5, False)])
@pytest.mark.parametrize("by", ["code_rate", "LinkScheme"])
def test_a_link_on_both_sides_of_its_threshold(esn0_db: float, arrives: bool, by: str) -> None:
    """16-QAM at rate 1/2 needs about 6 dB; capacity is 4.5 dB for Gaussian symbols, more for 16-QAM."""
    if by == "code_rate":
        encoder, mapper, header = LdpcEncode.Params(code_rate=0.5, bits_per_symbol=4), 4, Header()
    else:
        encoder, mapper, header = LdpcEncode.Params(), None, scheme_header(uses=10_100)
    coded = LdpcEncode(encoder).work(PAYLOAD, header)
    header = header.with_fields(*coded.header)
    mapped = QamMap(QamMap.Params(bits_per_symbol=mapper)).work(coded.value, header)
    header = header.with_fields(*mapped.header)
    received = Awgn(Awgn.Params(esn0_db=esn0_db), name="channel", seed=3).work(mapped.value, Identity(0))
    llrs = QamDemap().work(received.value, header, State().updated(received.state))
    out = decode(llrs, header)
    assert out.value.size == (20_000 if by == "code_rate" else payload_bits_for(Scheme(4, 512), 10_100))
    assert out.state.crc_ok is arrives
    assert np.array_equal(out.value[:20_000], PAYLOAD) is arrives
    assert not out.value[20_000:].any() or not arrives  # the filling
    assert out.trace["blocks"] == 3
    assert (out.trace["block_errors"] == 0) is arrives


def test_the_header_is_charged_once() -> None:
    out = LdpcEncode(LdpcEncode.Params(code_rate=0.5)).work(PAYLOAD, Header())
    assert Header().with_fields(*out.header).bits == 32
    header = scheme_header(uses=10_100)
    out = LdpcEncode().work(PAYLOAD, header)
    assert header.with_fields(*out.header).bits == header.bits == 5


@pytest.mark.parametrize("number", [0, 200, 350, 479])
def test_a_frame_of_a_free_rate_comes_back(number: int) -> None:
    scheme = MATCHED_SCHEMES[number]
    header = Header().with_fields(MatchedScheme(number), Unsent(LinkAgreement(3000)))
    payload = PAYLOAD[: payload_bits_for(scheme, 3000)]
    coded = LdpcEncode().work(payload, header)
    mapped = QamMap().work(coded.value, header)
    assert mapped.value.size == 3000
    assert header.with_fields(*coded.header, *mapped.header).bits == 9
    back = decode(QamDemap().work(mapped.value, header, State(n0=0.001)), header)
    assert back.state.crc_ok
    assert back.value.size == payload_bits_for(scheme, 3000)
    np.testing.assert_array_equal(back.value[: payload.size], payload)


@pytest.mark.parametrize("number", [0, 479, 480, 560, 660, len(SHAPED_SCHEMES) - 1])
def test_a_shaped_frame_comes_back(number: int) -> None:
    plan = plan_frame(SHAPED_SCHEMES[number], 3000)
    assert plan
    header = Header().with_fields(ShapedScheme(number), Unsent(LinkAgreement(3000)))
    payload = PAYLOAD[: plan.payload_bits]
    coded = LdpcEncode().work(payload, header)
    mapped = QamMap().work(coded.value, header)
    assert mapped.value.size == 3000
    assert np.mean(abs(mapped.value) ** 2) == pytest.approx(1, abs=0.003 if number >= 480 else 0.05)
    assert header.with_fields(*coded.header, *mapped.header).bits == 10
    np.testing.assert_array_equal(QamDecide().work(mapped.value, header), coded.value)
    back = decode(QamDemap().work(mapped.value, header, State(n0=0.001)), header)
    assert back.state.crc_ok
    assert back.value.size == plan.payload_bits
    np.testing.assert_array_equal(back.value[: payload.size], payload)


@pytest.mark.parametrize(("number", "iterations", "others"), [(660, 50, 20), (100, 20, 50)])
def test_without_a_word_of_it_as_many_iterations_are_taken_as_thresholds_were_measured_with(
    number: int, iterations: int, others: int
) -> None:
    """So much noise that no word is found: what is decided depends on them."""
    scheme = SHAPED_SCHEMES[number]
    header = Header().with_fields(ShapedScheme(number), Unsent(LinkAgreement(700)))
    noise = np.random.default_rng(1).standard_normal(700 * scheme.bits_per_symbol)
    llrs = (8**0.5 * noise - 4).astype(np.float32)
    found = decode(llrs, header).value
    np.testing.assert_array_equal(found, decode(llrs, header, iterations=iterations).value)
    assert (found != decode(llrs, header, iterations=others).value).any()


@pytest.mark.parametrize("rate", [0.05, 1 / 3, 0.5, 0.95])
@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_any_frame_comes_back(size: int, rate: float) -> None:
    out = LdpcEncode(LdpcEncode.Params(code_rate=rate, bits_per_symbol=6)).work(PAYLOAD[:size], Header())
    assert out.value.size % 6 == 0
    back = decode(certain(out.value), Header().with_fields(*out.header))
    assert back.state.crc_ok
    np.testing.assert_array_equal(back.value, PAYLOAD[:size])


def test_threads_change_nothing() -> None:
    out = LdpcEncode(LdpcEncode.Params(code_rate=0.5)).work(PAYLOAD, Header())
    noise = np.random.default_rng(1).standard_normal(out.value.size).astype(np.float32)
    header = Header().with_fields(*out.header)
    one, other = (decode(certain(out.value) / 4 + 2.2 * noise, header, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.value, other.value)
    assert one.trace == other.trace


def test_an_erased_frame_fails() -> None:
    out = LdpcEncode(LdpcEncode.Params(code_rate=0.5)).work(PAYLOAD, Header())
    back = decode(np.zeros(out.value.size, np.float32), Header().with_fields(*out.header))
    assert back.state.crc_ok is False
    assert back.trace == {"blocks": 3.0, "block_errors": 3.0}


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8, 10])
def test_a_payload_of_zeros_is_sent_with_the_energy_of_the_alphabet(bits_per_symbol: int) -> None:
    """Es = 1 whatever the padding: within five standard deviations, E|x|^4 of M-QAM being 7/5 (M - 13/7) / (M - 1)."""
    header = scheme_header(bits_per_symbol, uses=20_000)
    out = LdpcEncode().work(PAYLOAD[:0], header)
    symbols = QamMap().work(out.value, header.with_fields(*out.header)).value
    order = 2**bits_per_symbol
    variance = max(0.0, 7 / 5 * (order - 13 / 7) / (order - 1) - 1)
    assert abs(np.mean(np.abs(symbols) ** 2) - 1) <= 5 * np.sqrt(variance / symbols.size) + 1e-6


def test_the_frame_is_the_transport_block_scrambled_as_pdsch_is() -> None:
    out = LdpcEncode(LdpcEncode.Params(code_rate=0.5)).work(PAYLOAD, Header())
    block = encode_transport_block(plan_transport_block(PAYLOAD.size, out.value.size, 2), PAYLOAD)
    np.testing.assert_array_equal(out.value ^ block, gold_sequence(block.size, c_init=1 * 2**15 + 1))


def test_the_encoder_says_what_it_needs() -> None:
    block = LdpcEncode()
    with pytest.raises(SignalError, match=r"codes/ldpc_encode: expected LinkScheme .* set code_rate, or connect"):
        block.work(PAYLOAD, Header())
    with pytest.raises(SignalError, match="at most 9928 bits, which fit into 5000 uses at 16qam-1/2, got 20000"):
        block.work(PAYLOAD, scheme_header())
    with pytest.raises(SignalError, match=r"codes/ldpc_encode: expected a LinkScheme .* got an ideal code"):
        block.work(PAYLOAD, scheme_header(0, 0))
    with pytest.raises(SignalError, match="expected uses enough for a byte at 16qam-1/2, got 3"):
        block.work(PAYLOAD[:0], scheme_header(uses=3))
    with pytest.raises(SignalError, match="expected bits of 0 and 1, got 2"):
        LdpcEncode(LdpcEncode.Params(code_rate=0.5)).work(np.full(100, 2, np.uint8), Header())


def test_the_decoder_says_what_it_needs() -> None:
    header = Header().with_fields(TransportBlock(500, 2))
    with pytest.raises(SignalError, match="expected coded bits in whole symbols of 2 bits, got 1031"):
        decode(np.zeros(1031, np.float32), header)
    with pytest.raises(SignalError, match="expected LLRs, got values that are not a number"):
        decode(np.full(1032, np.nan, np.float32), header)
    with pytest.raises(SignalError, match="expected TransportBlock, got nothing"):
        decode(np.zeros(20_000, np.float32), Header())
    with pytest.raises(SignalError, match="expected LLRs for whole symbols of 4 bits, got 18"):
        decode(np.zeros(18, np.float32), scheme_header())
    with pytest.raises(SignalError, match="expected uses enough for a byte at 16qam-1/2, got 4"):
        decode(np.zeros(16, np.float32), scheme_header())
    with pytest.raises(SignalError, match=r"codes/ldpc_decode: expected a LinkScheme .* got an ideal code"):
        decode(np.zeros(16, np.float32), scheme_header(0, 0))
    with pytest.raises(SignalError, match="transport block: expected"):
        decode(np.zeros(1032, np.float32), Header().with_fields(TransportBlock(2**29 - 1, 2)))


def test_without_the_base_graphs_a_chain_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    graph._base_graph_table.cache_clear()
    for block in (LdpcEncode(), LdpcDecode()):
        with pytest.raises(MissingExtra, match=r'codes/ldpc needs sionna: pip install "gr-semcom\[links\]"'):
            block.start()
