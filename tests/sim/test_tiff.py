import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from semcom.errors import InputError
from semcom.sim.images import read_image
from semcom.sim.tiff import ORIENTATION, read_tags

RNG = np.random.default_rng(3)
SHORT, LONG, RATIONAL, BYTES = 3, 4, 5, 7
FORMS = {SHORT: "H", LONG: "I", RATIONAL: "I", BYTES: "B"}
Tags = dict[int, tuple[int, Iterable[int]]]


def packed(values: NDArray[np.int64], bits: int, order: str) -> bytes:
    """Rows of samples, the highest bit first, each row in whole bytes (TIFF 6.0, sections 3 and 8)."""
    rows = values.reshape(values.shape[0], -1)
    if bits in (8, 16, 32):
        return rows.astype(f"{order}u{bits // 8}").tobytes()
    single = rows[..., None] >> np.arange(bits)[::-1] & 1
    return np.packbits(single.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def write_tiff(
    path: Path,
    values: NDArray[np.int64],
    bits: int,
    photometric: int,
    *,
    order: str = "<",
    extra: tuple[int, ...] = (),
    sample_format: int = 1,
    planar: bool = False,
    deflated: bool = False,
    more: Tags | None = None,
) -> Path:
    """A TIFF of one strip, or of one a plane, written by hand."""
    height, width, samples = values.shape
    planes = [values[..., index] for index in range(samples)] if planar else [values]
    strips = [packed(plane, bits, order) for plane in planes]
    strips = [zlib.compress(strip) for strip in strips] if deflated else strips
    starts = [8 + sum(map(len, strips[:index])) for index in range(len(strips))]
    tags: Tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * samples),
        259: (SHORT, [8 if deflated else 1]),
        262: (SHORT, [photometric]),
        273: (LONG, starts),
        277: (SHORT, [samples]),
        278: (LONG, [height]),
        279: (LONG, [len(strip) for strip in strips]),
        284: (SHORT, [2 if planar else 1]),
        339: (SHORT, [sample_format] * samples),
        **({338: (SHORT, extra)} if extra else {}),
        **(more or {}),
    }
    data = b"".join(strips)
    data += b"\0" * (len(data) % 2)
    directory, behind = struct.pack(f"{order}H", len(tags)), b""
    for tag, (kind, numbers) in sorted(tags.items()):
        numbers = list(numbers)
        raw = struct.pack(f"{order}{len(numbers)}{FORMS[kind]}", *numbers)
        count = len(numbers) // (2 if kind == RATIONAL else 1)
        if len(raw) > 4:
            place = 8 + len(data) + 2 + 12 * len(tags) + 4 + len(behind)
            raw, behind = struct.pack(f"{order}I", place), behind + raw + b"\0" * (len(raw) % 2)
        directory += struct.pack(f"{order}HHI", tag, kind, count) + raw.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(data))
    path.write_bytes(head + data + directory + b"\0\0\0\0" + behind)
    return path


def samples(bits: int, count: int) -> NDArray[np.int64]:
    return RNG.integers(0, 1 << bits, (5, 7, count))


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize(
    ("bits", "order"), [(bits, order) for bits in (1, 2, 4, 8, 16) for order in "<>"] + [(12, "<")]
)
def test_grey_of_every_depth_that_is_read(tmp_path: Path, bits: int, order: str, deflated: bool) -> None:
    values = samples(bits, 1)
    values.flat[:2] = 0, (1 << bits) - 1
    got = read_image(write_tiff(tmp_path / "a.tif", values, bits, 1, order=order, deflated=deflated))
    np.testing.assert_array_equal(got, np.repeat(np.round(values * 255 / ((1 << bits) - 1)), 3, axis=2))


def test_a_ramp_of_twelve_bits(tmp_path: Path) -> None:
    values = np.arange(4096).reshape(32, 128, 1)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 12, 1))
    np.testing.assert_array_equal(got[..., 1:2], np.round(values * 255 / 4095))


@pytest.mark.parametrize(("bits", "order"), [(1, "<"), (2, ">"), (4, "<"), (8, ">"), (16, "<")])
def test_white_may_be_zero(tmp_path: Path, bits: int, order: str) -> None:
    values = samples(bits, 1)
    got = read_image(write_tiff(tmp_path / "a.tif", values, bits, 0, order=order))
    np.testing.assert_array_equal(got[..., :1], np.round(255 - values * 255 / ((1 << bits) - 1)))


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("deflated", [False, True])
def test_colour_in_pixels_and_in_planes(tmp_path: Path, planar: bool, deflated: bool) -> None:
    values = samples(8, 3)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 2, planar=planar, deflated=deflated))
    np.testing.assert_array_equal(got, values)


@pytest.mark.parametrize("order", ["<", ">"])
def test_colour_of_sixteen_bits_keeps_its_upper_byte(tmp_path: Path, order: str) -> None:
    values = samples(16, 3)
    np.testing.assert_array_equal(read_image(write_tiff(tmp_path / "a.tif", values, 16, 2, order=order)), values >> 8)


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    palette = RNG.integers(0, 65536, (3, 16))
    values = samples(4, 1)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 4, 3, more={320: (SHORT, palette.flat)}))
    np.testing.assert_array_equal(got, (palette >> 8).T[values[..., 0]])


@pytest.mark.parametrize(("kind", "photometric"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_alpha_premultiplied_or_not(tmp_path: Path, kind: int, photometric: int) -> None:
    colours = 1 if photometric == 1 else 3
    values = samples(8, colours + 1)
    alpha = values[..., -1:] / 255
    if kind == 1:
        values[..., :-1] = values[..., :-1] * alpha
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, photometric, extra=(kind,)))
    colour = values[..., :-1] if kind == 1 else values[..., :-1] * alpha
    assert np.abs(got - (colour + 255 * (1 - alpha))).max() <= 1.5


def test_ink_is_taken_off_white(tmp_path: Path) -> None:
    values = samples(8, 4)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 5))
    assert np.abs(got - (255 - values[..., :3]) * (1 - values[..., 3:] / 255)).max() <= 1


def test_ycbcr_of_full_range(tmp_path: Path) -> None:
    values = samples(8, 3)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 6, deflated=True, more={530: (SHORT, [1, 1])}))
    y, cb, cr = (values[..., index].astype(float) - (0, 128, 128)[index] for index in range(3))
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1)  # BT.601, JFIF 1.02
    assert np.abs(got - rgb.clip(0, 255)).max() <= 1


def test_lab_of_white_d50(tmp_path: Path) -> None:
    values = np.stack([RNG.integers(50, 230, (8, 8)), *RNG.integers(-25, 25, (2, 8, 8)) % 256], axis=-1)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 8))
    light, (a, b) = values[..., 0] * 100 / 255, np.moveaxis(values[..., 1:].astype(np.int8).astype(float), -1, 0)
    fy = (light + 16) / 116
    f = np.stack([fy + a / 500, fy, fy - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.9642, 1, 0.8249)
    srgb = [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]  # at D50, Bradford
    linear = (xyz @ np.linalg.inv(srgb).T).clip(0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(got - expected).max() <= 1


@pytest.mark.parametrize(
    ("bits", "photometric", "count", "options", "kind"),
    [
        (6, 1, 1, {}, "min-is-black of 6 bits, unsigned, compression 1"),
        (10, 0, 1, {}, "min-is-white of 10 bits"),
        (12, 0, 1, {}, "min-is-white of 12 bits"),
        (12, 1, 1, {"order": ">"}, "min-is-black of 12 bits"),
        (16, 0, 1, {"order": ">"}, "min-is-white of 16 bits"),
        (14, 1, 1, {}, "min-is-black of 14 bits"),
        (24, 1, 1, {}, "min-is-black of 24 bits"),
        (32, 1, 1, {}, "min-is-black of 32 bits, unsigned"),
        (8, 1, 1, {"sample_format": 2}, "min-is-black of 8 bits, signed"),
        (16, 1, 1, {"sample_format": 2}, "min-is-black of 16 bits, signed"),
        (32, 1, 1, {"sample_format": 3}, "min-is-black of 32 bits, floating-point"),
        (16, 1, 1, {"sample_format": 3}, "min-is-black of 16 bits, floating-point"),
        (4, 2, 3, {}, "RGB of 4 bits"),
        (12, 2, 3, {}, "RGB of 12 bits"),
        (32, 2, 3, {}, "RGB of 32 bits"),
        (16, 2, 3, {"planar": True}, "RGB of 16 bits, unsigned, plane by plane"),
        (8, 2, 4, {"planar": True}, "RGB of 8 bits, unsigned, plane by plane"),
        (16, 1, 2, {"extra": (2,)}, r"min-is-black of 16 bits, unsigned, extra samples \(2,\)"),
        (16, 3, 1, {}, "palette of 16 bits"),
        (2, 3, 1, {"more": {320: (SHORT, range(200, 212))}}, "palette of 2 bits, unsigned, its colours of 8 bits"),
        (16, 6, 3, {}, "YCbCr of 16 bits"),
        (8, 6, 3, {}, "YCbCr of 8 bits, unsigned, compression 1"),
        (8, 6, 3, {"planar": True, "deflated": True}, "YCbCr of 8 bits, unsigned, plane by plane, compression 8"),
        (16, 8, 3, {}, "CIE Lab of 16 bits"),
        (8, 8, 3, {"planar": True}, "CIE Lab of 8 bits, unsigned, plane by plane"),
        (8, 9, 3, {}, "ICC Lab of 8 bits"),
        (12, 32803, 1, {}, "colour filter array of 12 bits"),
        (16, 34892, 3, {}, "linear raw of 16 bits"),
        (8, 2, 3, {"more": {254: (LONG, [1])}}, "a preview, RGB of 8 bits"),
        (8, 77, 3, {}, "colours of kind 77 of 8 bits"),
    ],
)
def test_other_kinds_are_refused_by_name(
    tmp_path: Path, bits: int, photometric: int, count: int, options: dict[str, object], kind: str
) -> None:
    path = write_tiff(tmp_path / "a.tif", samples(bits, count), bits, photometric, **options)  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=rf"a\.tif: expected a TIFF of 8 or 16 bits a channel, got {kind}.*: convert it"
    ):
        read_image(path)


def test_the_turn_of_a_tiff_is_applied_once(tmp_path: Path) -> None:
    values = samples(8, 3)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 2, more={ORIENTATION: (SHORT, [6])}))
    np.testing.assert_array_equal(got, np.rot90(values, -1))


@pytest.mark.parametrize(
    "more",
    [
        {282: (RATIONAL, [72, 0]), 283: (RATIONAL, [0, 0]), 296: (SHORT, [3])},
        {34665: (LONG, [10**9])},  # EXIF that lies outside of the file
        {34853: (LONG, [20])},  # GPS within the pixels
        {305: (SHORT, [1, 2, 3])},
    ],
)
def test_broken_tags_beside_the_pixels_do_not_matter(tmp_path: Path, more: Tags) -> None:
    values = samples(8, 3)
    got = read_image(write_tiff(tmp_path / "a.tif", values, 8, 2, more={ORIENTATION: (SHORT, [3]), **more}))
    np.testing.assert_array_equal(got, values[::-1, ::-1])


def test_tags_are_read_as_far_as_they_are_whole() -> None:
    entries = [
        struct.pack(">HHIHH", 258, SHORT, 1, 8, 0),
        struct.pack(">HHII", 282, RATIONAL, 1, 2**32 - 1),  # beyond the end
        struct.pack(">HHII", 271, 2, 2**32 - 1, 8),  # text of four gigabytes
        struct.pack(">HHII", 272, 99, 1, 0),  # no such type
        struct.pack(">HHII", 257, LONG, 1, 7),
        struct.pack(">HHI", 256, LONG, 1),  # cut
    ]
    head = b"MM\0*" + struct.pack(">IH", 8, 500)
    assert read_tags(io.BytesIO(head + b"".join(entries))) == {258: (8,), 257: (7,)}
    assert read_tags(io.BytesIO(b"MM\0*" + struct.pack(">I", 2**32 - 1))) == {}
    assert read_tags(io.BytesIO(b"II")) == {}
    assert read_tags(io.BytesIO(b"no TIFF at all")) == {}
    big = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 1) + struct.pack("<HHQHHHH", 258, SHORT, 3, 8, 9, 10, 0)
    assert read_tags(io.BytesIO(big)) == {258: (8, 9, 10)}
