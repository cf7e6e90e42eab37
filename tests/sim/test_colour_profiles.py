import io
import itertools
import logging
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from semcom.sim.images import read_image

RNG = np.random.default_rng(9)
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# RGB to XYZ of white D50, Bradford-adapted: Lindbloom's tables; Display P3 as Apple's profile has it.
TO_XYZ = {
    "sRGB": [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]],
    "Adobe": [[0.6097559, 0.2052401, 0.1492240], [0.3111242, 0.6256560, 0.0632197], [0.0194811, 0.0608902, 0.7448387]],
    "P3": [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]],
}
COLOURS = np.array(list(itertools.product(range(0, 256, 15), repeat=3)), np.uint8).reshape(54, 108, 3)


def linear(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return 255 * np.where(v <= 0.0031308, 12.92 * v, 1.055 * np.maximum(v, 1e-9) ** (1 / 2.4) - 0.055)


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def icc(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    """A profile written by hand (ICC.1:2001-04, sections 6.1, 6.2)."""
    tags = {
        b"desc": b"desc\0\0\0\0\0\0\0\2x\0" + b"\0" * 78,
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249),
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = b"test\x02\x10\0\0" + kind + space + pcs + struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    rest = head + fixed(0.9642, 1, 0.8249) + b"\0" * 48 + table + body
    return struct.pack(">I", len(rest) + 4) + rest


def matrix_profile(name: str, curve: bytes) -> bytes:
    columns = {
        part + b"XYZ": column for part, column in zip((b"r", b"g", b"b"), np.transpose(TO_XYZ[name]), strict=True)
    }
    curves = {part + b"TRC": curve for part in (b"r", b"g", b"b")}
    return icc(b"RGB ", {**{tag: b"XYZ \0\0\0\0" + fixed(*column) for tag, column in columns.items()}, **curves})


def grey_profile(curve: bytes) -> bytes:
    return icc(b"GRAY", {b"kTRC": curve})


def ink_profile(labs: NDArray[np.uint8]) -> bytes:
    """A table of CIE Lab for the sixteen ways to print full ink or none (lut8Type, section 6.5.8)."""
    line = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return icc(b"CMYK", {b"A2B0": head + line * 4 + labs.tobytes() + line * 3}, b"prtr", b"Lab ")


def in_srgb(values: NDArray[np.uint8], name: str, curve: Curve) -> NDArray[np.float64]:
    xyz = curve(values / 255) @ np.transpose(TO_XYZ[name])
    return encoded((xyz @ np.linalg.inv(TO_XYZ["sRGB"]).T).clip(0, 1))


@pytest.mark.parametrize(
    ("name", "curve", "law"),
    [
        ("P3", SRGB_CURVE, linear),
        ("Adobe", gamma(563 / 256), lambda v: v ** (563 / 256)),
        ("Adobe", gamma(1), lambda v: v),
        ("sRGB", gamma(1.8), lambda v: v**1.8),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_wide_colours_become_srgb(tmp_path: Path, name: str, curve: bytes, law: Curve, suffix: str) -> None:
    Image.fromarray(COLOURS).save(tmp_path / f"a.{suffix}", icc_profile=matrix_profile(name, curve), lossless=True)
    got = read_image(tmp_path / f"a.{suffix}")
    assert np.abs(got - in_srgb(COLOURS, name, law)).max() <= 1
    assert np.abs(got.astype(int) - COLOURS).max() > 15


def test_a_photograph_in_jpeg_of_display_p3(tmp_path: Path) -> None:
    flat = np.broadcast_to(np.uint8([200, 40, 90]), (32, 32, 3))
    Image.fromarray(flat).save(tmp_path / "a.jpg", quality=100, icc_profile=matrix_profile("P3", SRGB_CURVE))
    assert np.abs(read_image(tmp_path / "a.jpg") - in_srgb(flat, "P3", linear)).max() <= 3


@pytest.mark.parametrize("profile", [matrix_profile("sRGB", SRGB_CURVE), None])
def test_srgb_changes_no_pixel(tmp_path: Path, profile: bytes | None) -> None:
    profile = profile or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), COLOURS)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_of_a_profile(tmp_path: Path, kind: type[np.generic]) -> None:
    top = np.iinfo(kind).max  # type: ignore[type-var]
    values = np.linspace(0, top, 2000).round().astype(kind)[None]
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=grey_profile(gamma(1)))
    got = read_image(tmp_path / "a.png")
    assert np.abs(got - encoded(values / top)[..., None]).max() <= 0.51
    Image.fromarray(values).save(tmp_path / "b.png", icc_profile=grey_profile(SRGB_CURVE))
    np.testing.assert_array_equal(read_image(tmp_path / "b.png")[..., 0], np.round(values * (255 / top)))


def test_ink_of_a_profile(tmp_path: Path) -> None:
    inks = bytes(itertools.chain(*itertools.product((0, 255), repeat=4)))  # the last varies fastest, as in ICC
    labs = np.column_stack([RNG.integers(60, 200, 16), RNG.integers(118, 138, (16, 2))]).astype(np.uint8)
    labs[0], labs[-1] = (255, 128, 128), (0, 128, 128)  # white paper, and black: nothing is left to be scaled to black
    Image.frombytes("CMYK", (16, 1), inks).save(tmp_path / "a.tif", icc_profile=ink_profile(labs))
    light, a, b = (labs * (100 / 255, 1, 1) - (0, 128, 128)).T
    fy = (light + 16) / 116
    f = np.stack([fy + a / 500, fy, fy - b / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.9642, 1, 0.8249)
    expected = encoded((xyz @ np.linalg.inv(TO_XYZ["sRGB"]).T).clip(0, 1))
    assert np.abs(read_image(tmp_path / "a.tif")[0] - expected).max() <= 1.5


def test_transparency_is_composited_after_the_conversion(tmp_path: Path) -> None:
    rgba = np.dstack([COLOURS, np.full(COLOURS.shape[:2], 51, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png", icc_profile=matrix_profile("P3", SRGB_CURVE))
    expected = 0.2 * in_srgb(COLOURS, "P3", linear) + 0.8 * 255
    assert np.abs(read_image(tmp_path / "a.png") - expected).max() <= 1


P3 = matrix_profile("P3", SRGB_CURVE)
BROKEN = {
    "cut": (P3[:-10], "cannot build transform"),
    "cut in half": (P3[:200], "cannot open profile from string"),
    "no profile": (b"x" * 500, "cannot open profile from string"),
    "of grey": (grey_profile(gamma(2.2)), "expected one of RGB, got one of GRAY"),
    "of ink": (ink_profile(np.full((16, 3), 128, np.uint8)), "expected one of RGB, got one of CMYK"),
    "a link of devices": (P3[:12] + b"link" + P3[16:], ""),
    "named colours": (P3[:12] + b"nmcl" + P3[16:], ""),
    "black for white": (matrix_profile("P3", b"curv\0\0\0\0\0\0\0\2\0\0\0\0"), r"it makes \(0, 0, 0\) of white"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_profile_is_ignored_and_noted(tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    profile, reason = BROKEN[broken]
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=profile)
    with caplog.at_level(logging.WARNING, "semcom"):
        for _ in range(2):
            np.testing.assert_array_equal(read_image(tmp_path / "a.png"), COLOURS)
    (record,) = caplog.records  # once, although it was read twice
    assert record.getMessage().startswith(f"{tmp_path / 'a.png'}: its colour profile is ignored, sRGB is assumed: ")
    assert re.search(reason, record.getMessage())


def test_a_grey_picture_with_a_profile_of_colour(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(COLOURS[..., 0]).save(tmp_path / "a.jpg", quality=100, icc_profile=P3)
    with caplog.at_level(logging.WARNING, "semcom"):
        assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - COLOURS[..., :1]).max() <= 2
    assert "expected one of GRAY, got one of RGB" in caplog.text


def test_a_profile_whose_parts_are_not_all_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stream = io.BytesIO()
    Image.fromarray(COLOURS).save(stream, "JPEG", quality=95, icc_profile=P3)
    data = stream.getvalue()
    at = data.index(b"ICC_PROFILE\0") + 12
    assert data[at : at + 2] == b"\1\1"
    (tmp_path / "a.jpg").write_bytes(data[: at + 1] + b"\2" + data[at + 2 :])  # the first of two
    with caplog.at_level(logging.WARNING, "semcom"):
        read_image(tmp_path / "a.jpg")
    assert "its colour profile is ignored, sRGB is assumed: it is not whole" in caplog.text
