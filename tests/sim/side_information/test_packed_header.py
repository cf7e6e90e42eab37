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
from semcom.sim.side_information.packed_header import OVERHEAD_BITS, SENT_FIELDS, pack_header, unpack_header
from semcom.sim.side_information.power_scale import PowerScale
from semcom.sim.side_information.qam_frame import QamFrame
from semcom.sim.side_information.rate_map import RateMap
from semcom.sim.side_information.sc_sic_mode import ScSicMode
from semcom.sim.side_information.start_word import StartWord

LEVELS = np.add.outer(np.arange(8), np.arange(12)) // 2 % 16
DEEPJSCC = (ImageShape(128, 192), ModelId(1, 0x1234), JsccMode(2, 10), PowerScale(1.5, padded=True))
CDM_JSCC = (ImageShape(128, 180), ModelId(16, 9), CdmMode(3, 7), RateMap.of(LEVELS.astype(np.uint8)), PowerScale(0.5))
SC_SIC = (ImageShape(64, 96), ModelId(32, 5), ScSicMode(None), PowerScale(2.0))
CODED = (ImageShape(64, 96), LinkScheme(4, 512), QamFrame(4, 1))
AGREED = (LinkAgreement(100, 4, 512),)
HEADERS = [(DEEPJSCC, ()), (CDM_JSCC, ()), (SC_SIC, ()), (CODED, AGREED), ((), ())]


@pytest.mark.parametrize(("fields", "known"), HEADERS)
def test_a_header_comes_back(fields: tuple[HeaderField, ...], known: tuple[HeaderField, ...]) -> None:
    bits = pack_header(fields)
    assert unpack_header(bits, known) == fields
    assert bits.size == -(-(sum(6 + field.bits() for field in fields) + OVERHEAD_BITS) // 8) * 8
    np.testing.assert_array_equal(np.unpackbits(np.packbits(bits)), bits)


def test_the_length_of_a_learned_frames_header() -> None:
    """Version 4 bits, length 20, CRC 16, numbers 6 each, beside 79, 81 + the map, and 74 bits; whole bytes."""
    assert OVERHEAD_BITS == 40
    assert [pack_header(fields).size // 8 for fields in (DEEPJSCC, SC_SIC)] == [18, 18]
    rates = CDM_JSCC[3].bits()
    assert pack_header(CDM_JSCC).size == -(-(40 + 30 + 81 + rates) // 8) * 8


def test_every_bit_is_where_the_format_says() -> None:
    bits = "".join(map(str, pack_header((ModelId(0x21, 0xBEEF),))))
    assert bits[:24] == f"0010{9:020b}"
    assert bits[24:30] == "000010"  # the second of the fields that have numbers
    assert bits[30:54] == "001000011011111011101111"
    assert bits[54:56] == "00"
    assert len(bits) == 72


@pytest.mark.parametrize(("fields", "known"), HEADERS)
def test_a_header_that_is_cut_short_or_too_long(
    fields: tuple[HeaderField, ...], known: tuple[HeaderField, ...]
) -> None:
    bits = pack_header(fields)
    for size in (0, 5, 39, bits.size - 8, bits.size - 1):
        with pytest.raises(
            SignalError, match=r"packed header: expected .* it is cut short; wait for (all|the whole) of it"
        ):
            unpack_header(bits[:size], known)
    with pytest.raises(SignalError) as caught:
        unpack_header(np.append(bits, np.zeros(8, np.uint8)), known)
    assert str(caught.value) == (
        f"packed header: expected {bits.size} bits, as it says, got {bits.size + 8}: it is too long; take no more than "
        "it says"
    )


def test_a_header_of_another_version() -> None:
    bits = pack_header(DEEPJSCC)
    bits[2:4] = 0, 1
    with pytest.raises(SignalError) as caught:
        unpack_header(bits)
    assert str(caught.value) == ("packed header: expected format version 2, got 1; run the same gr-semcom at both ends")


@given(st.data())
def test_bits_received_with_errors(data: st.DataObject) -> None:
    """The CRC16 finds every burst of up to 16 bits, and every odd number of errors."""
    bits = pack_header(DEEPJSCC)
    at = data.draw(st.integers(24, bits.size - 16))
    burst = data.draw(st.lists(st.integers(0, 1), min_size=14, max_size=14))
    bits[at : at + 16] ^= np.array([1, *burst, 1], np.uint8)
    with pytest.raises(SignalError) as caught:
        unpack_header(bits)
    assert str(caught.value) == (
        "packed header: expected bits whose CRC16 holds, got others: received with errors; drop the frame, or protect "
        "headers by a stronger code"
    )


def with_crc(text: str) -> np.ndarray:
    """Return a header of these bits between length and CRC."""
    body = text + "0" * (-len(text) % 8)
    head = f"0010{len(body) // 8 + 5:020b}" + body
    return attach_crc(np.array([int(bit) for bit in head], np.uint8), "16")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            f"{len(SENT_FIELDS) + 1:06b}",
            f"expected field numbers up to {len(SENT_FIELDS)}, got {len(SENT_FIELDS) + 1}; run the same gr-semcom at",
        ),
        (f"{2:06b}{5:08b}", "ModelId.weights: expected 16 bits, got 2; the header is cut short"),
        (f"{3:06b}11{21:05b}", "JsccMode.esn0_db: expected 0 to 20"),
        (f"{5:06b}1", "expected ImageShape to be known before, got nothing; read it first"),
        (f"{2:06b}{0:024b}" + "0" * 16, "expected up to 7 zeros behind ModelId, got 12 bits"),
    ],
)
def test_fields_that_no_transmitter_writes(body: str, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        unpack_header(with_crc(body))


def test_a_scheme_that_was_agreed_on_must_be_known() -> None:
    with pytest.raises(SignalError, match="expected LinkAgreement to be known before, got ImageShape"):
        unpack_header(pack_header(CODED))


def test_every_field_has_a_number_and_keeps_it() -> None:
    """Numbers are on the air: a field that is added comes last."""
    names = "ImageShape ModelId JsccMode CdmMode RateMap ScSicMode PowerScale ConstellationFrame CodedImage LinkScheme"
    names += " QamFrame TransportBlock FeatureShape FeatureCode FullScale LatentMode JoinedSymbols"
    names += " LabelClasses TileMap SwinMode StreamPart MotionMap MatchedScheme ShapedScheme"
    assert [cls.__name__ for cls in SENT_FIELDS] == names.split()
    own = {cls for cls in HeaderField.__subclasses__() if cls.__module__.startswith("semcom.sim.side_information")}
    assert own - set(SENT_FIELDS) == {LinkAgreement, StartWord}  # what both ends know, and a word of its own


def test_a_field_without_a_number_is_not_sent() -> None:
    with pytest.raises(SignalError, match=r"expected fields among ImageShape, .*, got LinkAgreement; only these go on"):
        pack_header(AGREED)


def test_a_right_crc_from_other_weights() -> None:
    """The header is whole; the block that decodes refuses it, and says which weights it expected and which came."""
    model = unpack_header(pack_header(DEEPJSCC))[1]
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
        head = np.array([int(bit) for bit in f"0010{len(raw) + 5:020b}"], np.uint8)
        bits = attach_crc(np.concatenate([head, bits]), "16")
    _, known = header
    try:
        found = unpack_header(bits, known)
    except SignalError:
        return
    assert all(isinstance(field, HeaderField) for field in found)


@pytest.mark.parametrize("number", range(len(HEADERS)))
def test_ten_thousand_damaged_headers_with_a_right_crc_are_read_or_refused(number: int) -> None:
    """Bits of whole headers are flipped, cut out, put in; then length and CRC are made to fit."""
    rng, refused = np.random.default_rng(number), 0
    fields, known = HEADERS[number]
    body = pack_header(fields)[24:-16]
    for _ in range(10_000 // len(HEADERS)):
        bits = body.copy()
        for at in rng.integers(0, bits.size + 1, rng.integers(1, 4)):
            change = rng.integers(0, 2, rng.integers(1, 20)).astype(np.uint8)
            bits = np.concatenate([bits[:at], change, bits[at + rng.integers(0, 2) * change.size :]])
        bits = bits[: bits.size // 8 * 8]
        head = np.array([int(bit) for bit in f"0010{bits.size // 8 + 5:020b}"], np.uint8)
        try:
            unpack_header(attach_crc(np.concatenate([head, bits]), "16"), known)
        except SignalError:
            refused += 1
    assert refused > 100


def test_a_header_that_is_too_long_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semcom.sim.side_information.packed_header._LENGTH_BITS", 4)
    with pytest.raises(SignalError, match="packed header: expected fewer than 16 bytes, got 381; send less"):
        pack_header((RateMap.of(np.random.default_rng(0).integers(0, 16, (25, 30)).astype(np.uint8)),))


def test_what_are_no_bits() -> None:
    with pytest.raises(SignalError, match="packed header: expected bits of 0 and 1, got 2"):
        unpack_header(np.full(80, 2, np.uint8))
