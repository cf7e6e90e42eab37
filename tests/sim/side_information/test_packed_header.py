"""A whole header: what a radio sends, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.models.deepjscc.names import NUMBERS
from semcom.sim.codes.crc import attach_crc
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.field import HeaderField
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.link_agreement import LinkAgreement
from semcom.sim.side_information.link_scheme import LinkScheme
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.packed_header import OVERHEAD_BITS, pack_header, unpack_header
from semcom.sim.side_information.power_scale import PowerScale
from semcom.sim.side_information.qam_frame import QamFrame
from semcom.sim.side_information.rate_map import RateMap
from semcom.sim.side_information.sc_sic_mode import ScSicMode

LEVELS = np.add.outer(np.arange(8), np.arange(12)) // 2 % 16
DEEPJSCC = (ImageShape(128, 192), ModelId(1, 0x1234), JsccMode(2, 10), PowerScale(1.5, padded=True))
CDM_JSCC = (ImageShape(128, 180), ModelId(16, 9), CdmMode(3, 7), RateMap.of(LEVELS.astype(np.uint8)), PowerScale(0.5))
SC_SIC = (ImageShape(64, 96), ModelId(32, 5), ScSicMode(None), PowerScale(2.0))
CODED = (ImageShape(64, 96), LinkScheme(4, 512), QamFrame(4, 1))
AGREED = (LinkAgreement(100, 4, 512),)
HEADERS = [(DEEPJSCC, ()), (CDM_JSCC, ()), (SC_SIC, ()), (CODED, AGREED), ((), ())]


def classes(fields: tuple[HeaderField, ...]) -> list[type[HeaderField]]:
    return [type(field) for field in fields]


@pytest.mark.parametrize(("fields", "known"), HEADERS)
def test_a_header_comes_back(fields: tuple[HeaderField, ...], known: tuple[HeaderField, ...]) -> None:
    bits = pack_header(fields)
    assert unpack_header(bits, classes(fields), known) == fields
    assert bits.size == -(-(sum(field.bits() for field in fields) + OVERHEAD_BITS) // 8) * 8
    np.testing.assert_array_equal(np.unpackbits(np.packbits(bits)), bits)


def test_the_length_of_a_learned_frames_header() -> None:
    """4 bits of version, 20 of length and 16 of CRC beside 79, 81 + the map, and 74 bits of fields; in whole bytes."""
    assert OVERHEAD_BITS == 40
    assert [pack_header(fields).size // 8 for fields in (DEEPJSCC, SC_SIC)] == [15, 15]
    rates = CDM_JSCC[3].bits()
    assert pack_header(CDM_JSCC).size == -(-(40 + 81 + rates) // 8) * 8


def test_every_bit_is_where_the_format_says() -> None:
    bits = "".join(map(str, pack_header((ModelId(0x21, 0xBEEF),))))
    assert bits[:24] == f"0001{8:020b}"
    assert bits[24:48] == "001000011011111011101111"
    assert len(bits) == 64


@pytest.mark.parametrize(("fields", "known"), HEADERS)
def test_a_header_that_is_cut_short_or_too_long(
    fields: tuple[HeaderField, ...], known: tuple[HeaderField, ...]
) -> None:
    bits = pack_header(fields)
    for size in (0, 5, 39, bits.size - 8, bits.size - 1):
        with pytest.raises(
            SignalError, match=r"packed header: expected .* it is cut short; wait for (all|the whole) of it"
        ):
            unpack_header(bits[:size], classes(fields), known)
    with pytest.raises(SignalError) as caught:
        unpack_header(np.append(bits, np.zeros(8, np.uint8)), classes(fields), known)
    assert str(caught.value) == (
        f"packed header: expected {bits.size} bits, as it says, got {bits.size + 8}: it is too long; take no more than "
        "it says"
    )


def test_a_header_of_another_version() -> None:
    bits = pack_header(DEEPJSCC)
    bits[2:4] = 1, 0
    with pytest.raises(SignalError) as caught:
        unpack_header(bits, classes(DEEPJSCC))
    assert str(caught.value) == ("packed header: expected format version 1, got 2; run the same gr-semcom at both ends")


@given(st.data())
def test_bits_received_with_errors(data: st.DataObject) -> None:
    """The CRC16 finds every burst of up to 16 bits, and every odd number of errors."""
    bits = pack_header(DEEPJSCC)
    at = data.draw(st.integers(24, bits.size - 16))
    burst = data.draw(st.lists(st.integers(0, 1), min_size=14, max_size=14))
    bits[at : at + 16] ^= np.array([1, *burst, 1], np.uint8)
    with pytest.raises(SignalError) as caught:
        unpack_header(bits, classes(DEEPJSCC))
    assert str(caught.value) == (
        "packed header: expected bits whose CRC16 holds, got others: received with errors; drop the frame, or protect "
        "headers by a stronger code"
    )


@pytest.mark.parametrize(
    ("sent", "expected", "message"),
    [
        (DEEPJSCC, SC_SIC, "expected ImageShape, ModelId, ScSicMode, PowerScale and up to 7 zeros, got 6 bits after"),
        (SC_SIC[:3], SC_SIC, r"expected ImageShape, ModelId, ScSicMode, PowerScale and up to 7 zeros, got -10 bits"),
        (DEEPJSCC[:2], DEEPJSCC[:1], "expected ImageShape and up to 7 zeros, got 24 bits after them; run the same"),
        (CODED, CODED, "expected LinkAgreement to be known before, got ImageShape"),
        ((JsccMode(3, 20), ModelId(255, 65535)), (ModelId(0, 0), JsccMode(0, 0)), "JsccMode.esn0_db: expected 0 to 20"),
    ],
)
def test_fields_of_another_flowgraph(
    sent: tuple[HeaderField, ...], expected: tuple[HeaderField, ...], message: str
) -> None:
    with pytest.raises(SignalError, match=message):
        unpack_header(pack_header(sent), classes(expected))


def test_a_right_crc_from_other_weights() -> None:
    """The header is whole; the block that decodes refuses it, and says which weights it expected and which came."""
    model = unpack_header(pack_header(DEEPJSCC), classes(DEEPJSCC))[1]
    assert isinstance(model, ModelId)
    with pytest.raises(SignalError) as caught:
        model.check_weights("decoders/deepjscc", NUMBERS, "adaptive", 0x4321)
    assert str(caught.value) == (
        "decoders/deepjscc: expected a frame for adaptive with weights 4321, got one of adaptive with weights 1234; "
        "give encoder and decoder the same variant, and weights of one training"
    )


@given(st.binary(max_size=60), st.sampled_from(HEADERS), st.booleans())
def test_any_bits_give_a_header_or_an_error(
    raw: bytes, header: tuple[tuple[HeaderField, ...], tuple[HeaderField, ...]], whole: bool
) -> None:
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    if whole:  # with a right version, length and CRC
        head = np.array([int(bit) for bit in f"0001{len(raw) + 5:020b}"], np.uint8)
        bits = attach_crc(np.concatenate([head, bits]), "16")
    fields, known = header
    try:
        found = unpack_header(bits, classes(fields), known)
    except SignalError:
        return
    assert classes(found) == classes(fields)


def test_a_header_that_is_too_long_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semcom.sim.side_information.packed_header._LENGTH_BITS", 4)
    with pytest.raises(SignalError, match="packed header: expected fewer than 16 bytes, got 381; send less"):
        pack_header((RateMap.of(np.random.default_rng(0).integers(0, 16, (25, 30)).astype(np.uint8)),))


def test_what_are_no_bits() -> None:
    with pytest.raises(SignalError, match="packed header: expected bits of 0 and 1, got 2"):
        unpack_header(np.full(80, 2, np.uint8), [])
