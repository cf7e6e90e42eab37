"""All header fields of the package: what they pack, what they cost, what they refuse."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
import semcom
from hypothesis import given
from hypothesis import strategies as st
from semcom.blocks.envelope import Header
from semcom.errors import SignalError
from semcom.sim.links.mcs import LINK_SCHEMES, MATCHED_SCHEMES, Scheme
from semcom.sim.links.shaped_qam import SHAPED_SCHEMES
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.coded_image import CodedImage
from semcom.sim.side_information.codes import Whole
from semcom.sim.side_information.constellation_frame import ConstellationFrame
from semcom.sim.side_information.feature_code import FeatureCode
from semcom.sim.side_information.feature_shape import FeatureShape
from semcom.sim.side_information.field import HeaderField, KnownFields
from semcom.sim.side_information.full_scale import FullScale
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.joined_symbols import JoinedSymbols
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.label_classes import LabelClasses
from semcom.sim.side_information.latent_mode import LatentMode
from semcom.sim.side_information.link_agreement import LinkAgreement
from semcom.sim.side_information.link_scheme import LinkScheme
from semcom.sim.side_information.matched_scheme import MatchedScheme
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.motion_map import MotionMap
from semcom.sim.side_information.power_scale import PowerScale
from semcom.sim.side_information.qam_frame import QamFrame
from semcom.sim.side_information.rate_map import RateMap
from semcom.sim.side_information.sc_sic_mode import ScSicMode
from semcom.sim.side_information.shaped_scheme import ShapedScheme
from semcom.sim.side_information.start_word import StartWord
from semcom.sim.side_information.stream_part import StreamPart
from semcom.sim.side_information.swin_mode import SwinMode
from semcom.sim.side_information.tile_map import TileMap
from semcom.sim.side_information.transport_block import TransportBlock

halves = st.integers(0, 0x7BFF).map(lambda code: float(np.uint16(code).view(np.float16)))  # all that are finite
sides = st.integers(1, 65535)
orders = st.sampled_from([2, 4, 6, 8, 10])
schemes = st.sampled_from(LINK_SCHEMES) | st.builds(Scheme, orders, st.integers(1, 1946).map(lambda twice: twice / 2))
axes = st.lists(st.integers(0, 65535), min_size=2, max_size=7).map(tuple) | st.sampled_from([(), (-1,)])
maps = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda grid: st.binary(min_size=grid[0] * grid[1], max_size=grid[0] * grid[1]).map(
        lambda raw: RateMap(*grid, bytes(level & 15 for level in raw))
    )
)

tile_maps = st.tuples(st.integers(1, 200), st.integers(1, 200), st.integers(1, 8), st.integers(0, 255)).flatmap(
    lambda of: (
        st.lists(
            st.integers(0, 1), min_size=(size := -(-of[0] // (16 * of[2])) * -(-of[1] // (16 * of[2]))), max_size=size
        )
        .filter(any)
        .map(lambda sent: TileMap(of[0], of[1], 16 * of[2], of[3], bytes(sent)))
    )
)


choices = st.sets(st.integers(0, 510)).flatmap(
    lambda chosen: st.integers(max(chosen, default=0) + 1, 511).map(lambda of: (of, tuple(sorted(chosen))))
)

motion_maps = st.tuples(st.integers(1, 100), st.integers(1, 100), st.integers(1, 8), st.integers(0, 255)).flatmap(
    lambda of: st.lists(
        st.tuples(st.integers(0, 6), st.integers(-14, 14), st.integers(-14, 14)),
        min_size=(size := -(-of[0] // (16 * of[2])) * -(-of[1] // (16 * of[2]))),
        max_size=size,
    ).map(
        lambda tiles: MotionMap(
            of[0],
            of[1],
            16 * of[2],
            of[3],
            bytes(level for level, _, _ in tiles),
            tuple(part if level < 6 else 0 for level, *vector in tiles for part in vector),
        )
    )
)


class Example(NamedTuple):
    """A field, and the bits that it is by the tables of the manual, written out by hand."""

    field: HeaderField
    text: str
    any: st.SearchStrategy[Any]


EXAMPLES = [
    Example(ImageShape(3, 256), f"{'10':>016} {'11111111':>016}", st.builds(ImageShape, sides, sides)),
    Example(
        ModelId(35, 0xABCD),
        "00100011 1010101111001101",
        st.builds(ModelId, st.integers(0, 255), st.integers(0, 65535)),
    ),
    Example(PowerScale(1.5, padded=True), "01111 1000000000 1", st.builds(PowerScale, halves, st.booleans())),
    Example(FullScale(0.0), "0" * 15, st.builds(FullScale, halves)),
    Example(
        ConstellationFrame(2.0, 6, "frame", padded=False),
        "10000 0000000000 010 1 0",
        st.builds(
            ConstellationFrame,
            halves,
            st.sampled_from([2, 4, 6, 8, 10, 12]),
            st.sampled_from(["frame", "none"]),
            st.booleans(),
        ),
    ),
    Example(QamFrame(8, 5), "011 0101", st.builds(QamFrame, orders, st.integers(0, 9))),
    Example(TransportBlock(5, 10), f"{'101':>029} 100", st.builds(TransportBlock, st.integers(0, 2**29 - 1), orders)),
    Example(
        CodedImage("hevc", 8, "sent", "nothing"),
        "001 111 0 1",
        st.builds(
            CodedImage,
            st.sampled_from(["jpeg2000", "hevc", "bpg", "avif", "webp", "vvc"]),
            st.integers(1, 8),
            st.sampled_from(["sent", "agreed"]),
            st.sampled_from(["picture", "nothing"]),
        ),
    ),
    Example(JsccMode(2, 17), "10 10001", st.builds(JsccMode, st.integers(0, 3), st.integers(0, 20))),
    Example(
        SwinMode(3, 17, (5, (1, 3, 4))),
        "011 10001 1 000000101 000000011 1000",  # of the ten choices the ninth: 1 + 3 choose 2 + 4 choose 3
        st.builds(SwinMode, st.integers(0, 7), st.integers(0, 20), st.none() | choices),
    ),
    Example(CdmMode(9, 20), "1001 10100", st.builds(CdmMode, st.integers(0, 15), st.integers(0, 20))),
    Example(JoinedSymbols(5), f"{'101':>016}", st.builds(JoinedSymbols, st.integers(0, 65535))),
    Example(
        LabelClasses((True, False, True)),
        "00000011 101",
        st.lists(st.booleans(), min_size=1, max_size=255).filter(any).map(lambda sent: LabelClasses(tuple(sent))),
    ),
    Example(
        LatentMode(37, "\u00e9"),
        f"100101 1 {'10':>010} 11000011 10101001",
        st.builds(LatentMode, st.integers(0, 50), st.none() | st.text(max_size=200)),
    ),
    Example(ScSicMode(0.75), "10", st.builds(ScSicMode, st.sampled_from([None, 0.5, 0.75, 1.0]))),
    Example(FeatureShape((4, 6)), f"010 {'100':>016} {'110':>016}", st.builds(FeatureShape, axes)),
    Example(
        FeatureCode("minifloat", 8),
        "1 0111",
        st.builds(FeatureCode, st.sampled_from(["uniform", "minifloat"]), st.integers(1, 16)),
    ),
    Example(
        LinkScheme(2, 120),
        "00011",  # the fourth: three of low efficiency stand before the table of TS 38.214
        schemes.map(lambda scheme: LinkScheme(scheme.bits_per_symbol, scheme.code_rate_x1024))
        | st.just(LinkScheme(0, 0)),
    ),
    Example(MatchedScheme(322), "101000010", st.builds(MatchedScheme, st.integers(0, 479))),
    Example(ShapedScheme(530), "1000010010", st.builds(ShapedScheme, st.integers(0, len(SHAPED_SCHEMES) - 1))),
    Example(
        LinkAgreement(1000, 4, 682.5),
        f"{'1111101000':>040} 010 10101010101",
        st.builds(
            LinkAgreement,
            st.integers(0, 2**40 - 1),
            st.just(0) | orders,
            st.integers(0, 2047).map(lambda twice: twice / 2),
        ),
    ),
    Example(
        StartWord(3, 5, 18),
        f"{'11':>032} {'101':>024} {'10010':>016}",
        st.builds(StartWord, st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1), st.integers(0, 65535)),
    ),
    Example(RateMap(1, 2, bytes([3, 12])), "0 0011 1100", maps),
    Example(
        MotionMap(32, 33, 48, 9, bytes([6]), (0, 0)),  # the lower half of the interval: 0; the end of the word: 01
        f"{'11111':>016} {'100000':>016} 010 00001001 0 01",
        motion_maps,
    ),
    Example(
        StreamPart(5, begins=True, ends=False, key=True),
        "00000101 1 0 1",
        st.builds(StreamPart, st.integers(0, 255), st.booleans(), st.booleans(), st.booleans()),
    ),
    Example(
        TileMap(32, 33, 32, 9, bytes([0, 1])),
        f"{'11111':>016} {'100000':>016} 001 00001001 0 01",
        tile_maps,
    ),
]
BY_CLASS = {type(example.field): example for example in EXAMPLES}


def known(field: HeaderField) -> KnownFields:
    """What a receiver knows before it reads this field."""
    if isinstance(field, LinkScheme):
        return KnownFields(LinkAgreement(7, field.bits_per_symbol, field.code_rate_x1024))
    return KnownFields(ImageShape(16 * field.rows, 16 * field.columns)) if isinstance(field, RateMap) else KnownFields()


def array(text: str) -> np.ndarray:
    return np.array([int(bit) for bit in text.replace(" ", "")], np.uint8)


def every_field() -> set[type[HeaderField]]:
    for info in pkgutil.walk_packages(semcom.__path__, "semcom."):
        if info.name.split(".")[1] in ("sim", "blocks"):
            importlib.import_module(info.name)

    def below(cls: type[HeaderField]) -> set[type[HeaderField]]:
        return {one for sub in cls.__subclasses__() for one in ({sub} | below(sub))}

    return {cls for cls in below(HeaderField) if cls.__module__.startswith("semcom.")}


def test_no_field_of_the_package_escapes() -> None:
    assert every_field() == set(BY_CLASS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example.field).__name__)
def test_the_bits_are_those_of_the_table_and_are_charged(example: Example) -> None:
    field, expected = example.field, array(example.text)
    np.testing.assert_array_equal(field.pack(), expected)
    assert field.pack().dtype == np.uint8
    assert field.bits() == Header().with_fields(field).bits == expected.size
    assert type(field).unpack(expected, known(field)) == field
    assert "bits" not in vars(type(field)), "the cost is what is packed, and nothing else"


@given(st.one_of([example.any for example in EXAMPLES]))
def test_every_field_comes_back(field: HeaderField) -> None:
    bits = field.pack()
    assert bits.size == field.bits()
    assert not bits.size or bits.max() <= 1
    assert type(field).unpack(bits, known(field)) == field


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example.field).__name__)
def test_bits_of_another_length_are_refused(example: Example) -> None:
    cls, bits = type(example.field), array(example.text)
    for wrong in (bits[:-1], bits[:0], np.append(bits, np.uint8(0))):
        with pytest.raises(SignalError, match=rf"^{cls.__name__}(\.\w+)?: expected \d+ bits, got \d+; ") as caught:
            cls.unpack(wrong, known(example.field))
        assert "\n" not in str(caught.value)
    with pytest.raises(SignalError, match=f"{cls.__name__}: expected bits of 0 and 1, got 2"):
        cls.unpack(bits * np.uint8(0) + np.uint8(2), known(example.field))
    with pytest.raises(SignalError, match=f"{cls.__name__}: expected bits as uint8, got int64"):
        cls.unpack(bits.astype(np.int64), known(example.field))


@given(st.sampled_from([*BY_CLASS]), st.binary(max_size=12), st.integers(0, 7), sides, sides)
def test_any_bits_give_a_field_or_an_error(
    cls: type[HeaderField], data: bytes, cut: int, height: int, width: int
) -> None:
    there = KnownFields(ImageShape(height, width), LinkAgreement(9, 4, 512))
    try:
        field = cls.unpack(np.unpackbits(np.frombuffer(data, np.uint8))[cut:], there)
    except SignalError:
        return
    assert cls.unpack(field.pack(), there) == field


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (ImageShape(0, 5), "ImageShape.height: expected 1 to 65535, got 0"),
        (ImageShape(5, 65536), "ImageShape.width: expected 1 to 65535, got 65536"),
        (ImageShape(5.5, 1), "ImageShape.height: expected a whole number, got 5.5"),  # type: ignore[arg-type]
        (ModelId(256, 0), "ModelId.number: expected 0 to 255, got 256"),
        (ModelId(0, -1), "ModelId.weights: expected 0 to 65535, got -1"),
        (PowerScale(-1.0), "PowerScale.scale: expected a half-precision number of at least 0, got -1.0"),
        (PowerScale(0.1), "PowerScale.scale: expected a half-precision number of at least 0, got 0.1"),
        (PowerScale(float("nan")), "PowerScale.scale: expected a half-precision number of at least 0, got nan"),
        (FullScale(float("inf")), "FullScale.full_scale: expected a half-precision number of at least 0, got inf"),
        (FullScale(70000.0), "FullScale.full_scale: expected a half-precision number of at least 0, got 70000.0"),
        (
            ConstellationFrame(1.0, 3, "frame"),  # type: ignore[arg-type]
            "ConstellationFrame.bits_per_symbol: expected one of 2, 4, 6, 8, 10, 12, got 3",
        ),
        (QamFrame(4, -1), "QamFrame.padding: expected 0 to 9, got -1"),
        (TransportBlock(2**29, 2), "TransportBlock.payload_bits: expected 0 to 536870911, got 536870912"),
        (
            CodedImage("png", 8, "sent", "picture"),
            "CodedImage.codec: expected one of jpeg2000, hevc, bpg, avif, webp, vvc, got png",
        ),  # type: ignore[arg-type]
        (CodedImage("hevc", 9, "sent", "picture"), "CodedImage.scale_eighths: expected 1 to 8, got 9"),
        (JsccMode(4, 0), "JsccMode.rate_index: expected 0 to 3, got 4"),
        (JsccMode(0, 21), "JsccMode.esn0_db: expected 0 to 20, got 21"),
        (SwinMode(8, 0, None), "SwinMode.rate_index: expected 0 to 7, got 8"),
        (SwinMode(0, 0, (512, ())), "SwinMode.channels: expected a choice among 1 to 511, got one among 512"),
        (
            SwinMode(0, 0, (4, (2, 1))),
            "SwinMode.channels: expected numbers that rise from 0 to at most 3, got [2, 1]",
        ),
        (SwinMode(0, 0, (4, (2, 4))), "SwinMode.channels: expected numbers that rise from 0 to at most 3, got [2, 4]"),
        (CdmMode(16, 0), "CdmMode.eta_index: expected 0 to 15, got 16"),
        (CdmMode(0, -1), "CdmMode.esn0_db: expected 0 to 20, got -1"),
        (LatentMode(51), "LatentMode.inversion_steps: expected 0 to 50, got 51"),
        (
            LabelClasses((False, False)),
            "LabelClasses: expected up to 255 classes and a map of one at least, got 2 and maps of none",
        ),
        (
            LabelClasses((True,) * 256),
            "LabelClasses: expected up to 255 classes and a map of one at least, got 256 and maps of some",
        ),
        (
            LatentMode(5, "a" * 1024),
            "LatentMode.prompt: expected at most 1023 bytes of UTF-8, got 1024; cut it",
        ),
        (LatentMode(5, "\ud800"), "LatentMode.prompt: expected a text that UTF-8 can hold, got '\\ud800'"),
        (ScSicMode(0.6), "ScSicMode.downscale: expected one of None, 0.5, 0.75, 1.0, got 0.6"),
        (FeatureShape((1,) * 8), "FeatureShape.shape: expected 0 to 7, got 8"),
        (FeatureShape((5,)), "FeatureShape.shape: expected -1 for the length of a single axis, got 5"),
        (FeatureShape((5, 65536)), "FeatureShape.shape: expected 0 to 65535, got 65536"),
        (FeatureCode("uniform", 17), "FeatureCode.bits_per_value: expected 1 to 16, got 17"),
        (FeatureCode("other", 8), "FeatureCode.format: expected one of uniform, minifloat, got other"),  # type: ignore[arg-type]
        (MatchedScheme(480), "MatchedScheme.number: expected 0 to 479, got 480"),
        (LinkAgreement(-1), "LinkAgreement.uses: expected 0 to 1099511627775, got -1"),
        (LinkAgreement(1, 4, 512.3), "LinkAgreement.code_rate_x1024: expected a multiple of 1/2 below 1024, got 512.3"),
        (RateMap(1, 1, bytes([16])), "RateMap: expected levels of 0 to 15 for 1 x 1 patches, got 1 of up to 16"),
        (RateMap(2, 2, bytes(3)), "RateMap: expected levels of 0 to 15 for 2 x 2 patches, got 3 of up to 0"),
        (MotionMap(16, 16, 24, 0, b"\1", (0, 0)), "MotionMap.tile: expected a multiple of 16, got 24"),
        (
            MotionMap(16, 16, 16, 0, b"\7", (0, 0)),
            "MotionMap: expected a level of 0 to 6 and a vector for each of 1 tiles, got 1 of up to 7 and 1",
        ),
        (
            MotionMap(16, 16, 16, 0, b"\0", (15, 0)),
            "MotionMap.vectors: expected up to 14 half pixels, and 0 where there is no prediction, got 15",
        ),
        (
            MotionMap(16, 16, 16, 0, b"\6", (1, 0)),
            "MotionMap.vectors: expected up to 14 half pixels, and 0 where there is no prediction, got 1",
        ),
        (
            MotionMap(65535, 65535, 16, 0, b"\1", (0, 0)),
            "MotionMap: expected at most 65536 tiles, got 4096 x 4096; take larger ones",
        ),
        (TileMap(16, 16, 24, 0, b"\1"), "TileMap.tile: expected a multiple of 16, got 24"),
        (TileMap(16, 16, 16, 256, b"\1"), "TileMap.frame: expected 0 to 255, got 256"),
        (
            TileMap(16, 32, 16, 0, b"\0\0"),
            "TileMap: expected 0 or 1 for each of 1 x 2 tiles, and a 1 at least, got 2 of up to 0",
        ),
        (
            TileMap(65535, 65535, 16, 0, b"\1"),
            "TileMap: expected at most 65536 tiles, got 4096 x 4096; take larger ones",
        ),
        (RateMap(0, 0, b""), "RateMap: expected levels of 0 to 15 for 0 x 0 patches, got 0 of up to 0"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, HeaderField) else "",
)
def test_what_the_bits_cannot_hold_is_refused(field: HeaderField, message: str) -> None:
    with pytest.raises(SignalError) as caught:
        field.pack()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("cls", "text", "message"),
    [
        (ImageShape, "1" * 16 + "0" * 16, "ImageShape.height: expected 1 to 65535, got 65536"),
        (PowerScale, "11111 0000000000 0", "PowerScale.scale: expected a half-precision number of at least 0, got inf"),
        (
            QamFrame,
            "111 0000",
            "QamFrame.bits_per_symbol: expected one of 2, 4, 6, 8, 10, got the number 7, which is none",
        ),
        (
            LabelClasses,
            "00000010 00",
            "LabelClasses: expected up to 255 classes and a map of one at least, got 2 and maps of none",
        ),
        (LatentMode, f"100101 1 {'1':>010} 11000011", r"LatentMode.prompt: expected a text in UTF-8, got b'\xc3'"),
        (JsccMode, "00 11111", "JsccMode.esn0_db: expected 0 to 20, got 31"),
        (MatchedScheme, "111111111", "MatchedScheme.number: expected 0 to 479, got 511"),
        (LinkScheme, "11111", "header: expected LinkAgreement to be known before, got nothing; read it first"),
        (
            TileMap,
            f"{'1111':>016} {'1111':>016} 000 00000000 0 0",
            "TileMap: expected a tile at least, got none of 1 x 1",
        ),
        (RateMap, "0 0000", "header: expected ImageShape to be known before, got nothing; read it first"),
    ],
)
def test_what_no_transmitter_writes_is_refused(cls: type[HeaderField], text: str, message: str) -> None:
    with pytest.raises(SignalError) as caught:
        cls.unpack(array(text))
    assert str(caught.value) == message


def test_a_scheme_of_the_tables_tells_itself_and_another_was_agreed_on() -> None:
    for number, scheme in enumerate(LINK_SCHEMES):
        link = LinkScheme(scheme.bits_per_symbol, scheme.code_rate_x1024)
        assert int("".join(map(str, link.pack())), 2) == number
        assert LinkScheme.unpack(link.pack()).scheme == scheme
    assert LinkScheme(4, 512).bits() == LinkScheme(0, 0).bits() == 5
    assert LinkScheme(0, 0).scheme is None
    header = Header().with_fields(LinkScheme(4, 512), LinkAgreement(9, 4, 512))
    assert header.read(LinkScheme) == LinkScheme(4, 512)


def test_a_free_rate_tells_itself() -> None:
    for number in (0, 321, 322, 479):
        field = MatchedScheme.unpack(MatchedScheme(number).pack())
        assert field.scheme == MATCHED_SCHEMES[number]
        assert field.bits() == 9


def test_a_shaped_scheme_tells_itself() -> None:
    for number in (0, 479, 480, len(SHAPED_SCHEMES) - 1):
        field = ShapedScheme.unpack(ShapedScheme(number).pack())
        assert field.scheme == SHAPED_SCHEMES[number]
        assert field.bits() == 10


def test_a_field_of_ones_own_needs_codes_or_methods() -> None:
    class Bare(HeaderField, frozen=True):
        level: int

    class Own(HeaderField, frozen=True):
        level: Annotated[int, "of the antenna", Whole(3)]

    with pytest.raises(TypeError, match=r"Bare.level: expected Annotated\[type, code\]; or define write and read"):
        Bare(1).pack()
    assert Own.unpack(Own(5).pack()) == Own(5)
