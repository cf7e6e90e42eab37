import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from semcom.sim.images import read_image

RNG = np.random.default_rng(5)
GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6  # the colour types of PNG
BLOCKS = np.kron(RNG.integers(0, 256, (4, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)
RATIONAL, SIGNED_RATIONAL, TEXT, DOUBLE, LONG, SHORT = 5, 10, 2, 12, 4, 3


def write_png(path: Path, values: NDArray[np.int64], bits: int, kind: int, key: NDArray[np.int64] | None) -> Path:
    """A PNG without filters, written by hand (PNG 3rd ed., sections 7 and 11.3.1)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = values.shape[:2]
    rows = values.reshape(height, -1)
    single = rows[..., None] >> np.arange(bits)[::-1] & 1
    lines = np.packbits(single.reshape(height, -1).astype(np.uint8), axis=1)
    data = np.pad(lines, ((0, 0), (1, 0))).tobytes()
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        + (b"" if key is None else chunk(b"tRNS", key.astype(">u2").tobytes()))
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(
    ("bits", "kind"), [(1, GREY), (2, GREY), (4, GREY), (8, GREY), (16, GREY), (8, COLOUR), (16, COLOUR)]
)
def test_one_transparent_colour_is_white_and_no_other(tmp_path: Path, bits: int, kind: int) -> None:
    count, top = (1 if kind == GREY else 3), (1 << bits) - 1
    near = [0x1234, 0x1235, 0x1334, 0x34, 0x12] if bits == 16 else list(range(1 << min(bits, 2)))
    values = RNG.choice(near, (9, 11, count))
    values[3, 4] = key = values[0, 0]
    got = read_image(write_png(tmp_path / "a.png", values, bits, kind, key))
    shown = values >> 8 if (bits, kind) == (16, COLOUR) else np.round(values * 255 / top)
    expected = np.where((values == key).all(axis=2, keepdims=True), 255, shown)
    np.testing.assert_array_equal(got, np.broadcast_to(expected, (9, 11, 3)))
    assert (got[3, 4] == 255).all()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [GREY_ALPHA, COLOUR_ALPHA])
def test_alpha_of_either_depth(tmp_path: Path, bits: int, kind: int) -> None:
    values = RNG.integers(0, 1 << bits, (9, 11, 2 if kind == GREY_ALPHA else 4))
    shares = values / ((1 << bits) - 1)
    expected = 255 * (shares[..., :-1] * shares[..., -1:] + 1 - shares[..., -1:])
    assert np.abs(read_image(write_png(tmp_path / "a.png", values, bits, kind, None)) - expected).max() < 2


def exif(order: str, entries: list[bytes], *, count: int | None = None, start: int = 8, behind: bytes = b"") -> bytes:
    head = b"Exif\0\0" + (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return head + struct.pack(f"{order}H", len(entries) if count is None else count) + b"".join(entries) + behind


def entry(order: str, tag: int, kind: int, count: int, value: int) -> bytes:
    if kind == SHORT:
        return struct.pack(f"{order}HHIHH", tag, kind, count, value, 0)
    return struct.pack(f"{order}HHII", tag, kind, count, value)


BROKEN = {
    "zero denominators": ([(282, RATIONAL, 1, 62), (283, RATIONAL, 1, 62)], {"behind": b"\0" * 80}),
    "a number over zero": ([(282, RATIONAL, 1, 50)], {"behind": b"\1\1\1\1\0\0\0\0" * 5}),
    "a negative number over zero": ([(282, SIGNED_RATIONAL, 1, 38)], {"behind": b"\0\0\0\0\xff\xff\xff\xff\0\0\0\0"}),
    "a huge offset": ([(282, RATIONAL, 1, 2**32 - 1)], {}),
    "a huge count": ([(271, TEXT, 2**32 - 1, 20)], {}),
    "a huge count of doubles": ([(271, DOUBLE, 2**31, 20)], {}),
    "no such type": ([(271, 0, 1, 20), (272, 99, 1, 20)], {}),
    "a number for text": ([(271, SHORT, 1, 3), (296, TEXT, 4, 3)], {}),
    "a truncated directory": ([(282, RATIONAL, 1, 50)], {"count": 400}),
    "EXIF outside of the file": ([(34665, LONG, 1, 10**9)], {}),
    "EXIF in itself": ([(34665, LONG, 1, 8)], {"behind": b"\0\0\0\0"}),
    "EXIF that is a fraction": ([(34665, RATIONAL, 1, 8)], {"behind": b"\0" * 40}),
    "GPS in itself": ([(34853, LONG, 1, 8)], {"behind": b"\0\0\0\0"}),
    "a next directory that is not": ([], {"behind": b"\xff\xff\xff\xff"}),
}


def with_exif(path: Path, block: bytes) -> Path:
    """A JPEG, nearly lossless, with EXIF right behind its first marker, as cameras have it."""
    stream = io.BytesIO()
    Image.fromarray(BLOCKS).save(stream, "JPEG", quality=100, subsampling=0)
    data = stream.getvalue()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("broken", BROKEN)
def test_broken_exif_leaves_the_picture_and_its_orientation(tmp_path: Path, broken: str, order: str) -> None:
    others, options = BROKEN[broken]
    entries = [entry(order, *what) for what in sorted([(274, SHORT, 1, 6), *others])]
    block = exif(order, entries, **options)  # type: ignore[arg-type]
    got = read_image(with_exif(tmp_path / "a.jpg", block)).astype(int)
    assert got.shape == (48, 32, 3)
    assert np.abs(got - np.rot90(BLOCKS, -1)).mean() < 1


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_broken_exif_of_other_formats(tmp_path: Path, suffix: str) -> None:
    block = exif("<", [entry("<", 274, SHORT, 1, 8), entry("<", 282, SIGNED_RATIONAL, 1, 2**31)], count=99)
    Image.fromarray(BLOCKS).save(tmp_path / f"a.{suffix}", lossless=True, exif=block)
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}"), np.rot90(BLOCKS, 1))


@pytest.mark.parametrize(
    "block",
    [
        exif("<", [entry("<", 274, SHORT, 1, 6)], start=2**32 - 5),
        exif(">", [entry(">", 274, SHORT, 1, 77)]),
        exif("<", [entry("<", 274, TEXT, 4, 6)]),
        exif("<", [entry("<", 274, SHORT, 1, 6)])[:-6],
        b"Exif\0\0",
        b"Exif\0\0" + RNG.bytes(40),
    ],
)
def test_an_orientation_that_is_not_whole_turns_nothing(tmp_path: Path, block: bytes) -> None:
    assert np.abs(read_image(with_exif(tmp_path / "a.jpg", block)).astype(int) - BLOCKS).mean() < 1


def test_orientation_in_xmp_where_exif_says_none(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(BLOCKS).save(tmp_path / "a.webp", lossless=True, xmp=xmp)
    np.testing.assert_array_equal(read_image(tmp_path / "a.webp"), np.rot90(BLOCKS, -1))
