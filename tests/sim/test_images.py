import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import InputError
from semcom.sim.images import MAX_PIXELS, PHOTOS, fit_image, image_files, read_image

COLOUR = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)


def png_header(width: int, height: int) -> bytes:
    """Bytes of a PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm", "tga"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(COLOUR).save(tmp_path / f"a.{suffix}")
    picture = read_image(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(picture, COLOUR)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = {
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2),
        6: np.rot90(COLOUR, -1),
        7: np.rot90(COLOUR, 2).transpose(1, 0, 2),
        8: np.rot90(COLOUR, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), upright)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(COLOUR[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.repeat(COLOUR[..., :1], 3, axis=2))


def test_one_bit_and_one_pixel(tmp_path: Path) -> None:
    Image.new("1", (1, 1), 1).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[[255, 255, 255]]])
    assert read_image(tmp_path / "a.png", size=(16, 24)).shape == (16, 24, 3)


def test_sixteen_bits_are_scaled_and_not_cut(tmp_path: Path) -> None:
    values = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    expected = np.round(values * (255 / 65535)).astype(np.uint8)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[..., 0], expected)


def test_transparency_is_composited_over_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (100, 0, 200, 0)).save(tmp_path / "clear.png")
    Image.new("RGBA", (2, 2), (100, 0, 200, 51)).save(tmp_path / "fifth.png")
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "grey.png")
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (read_image(tmp_path / "clear.png") == 255).all()
    np.testing.assert_array_equal(read_image(tmp_path / "fifth.png")[0, 0], [224, 204, 244])
    assert (read_image(tmp_path / "grey.png") == 255).all()
    np.testing.assert_array_equal(read_image(tmp_path / "palette.png")[0, 0], [10, 20, 30])


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    for name in ("a.gif", "a.png", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        np.testing.assert_array_equal(read_image(tmp_path / name)[0, 0], [255, 0, 0])


def test_cmyk_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.tif")
    assert (read_image(tmp_path / "a.tif") == 255).all()


def test_cover_scales_then_cuts_the_centre() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 255
    assert (fit_image(wide, (50, 50))[:, 2:-2] >= 250).all()  # the filter sees past the cut, as if scaled whole
    assert fit_image(wide, (50, 50), "stretch").mean() == pytest.approx(85, abs=1)
    cropped = fit_image(wide, (50, 120), "crop")
    np.testing.assert_array_equal(cropped, wide[25:75, 90:210])


def test_scaling_down_is_antialiased() -> None:
    chequered = np.indices((256, 256)).sum(0) % 2 * np.uint8(255)
    small = fit_image(np.repeat(chequered[..., None], 3, axis=2).astype(np.uint8), (32, 32))
    assert np.abs(small.astype(int) - 127).max() <= 2


def test_the_own_size_changes_nothing() -> None:
    assert fit_image(COLOUR, (6, 9)) is COLOUR
    assert fit_image(COLOUR, None) is COLOUR


def test_crop_of_a_smaller_picture_is_refused() -> None:
    with pytest.raises(InputError, match="x: expected at least 10 x 4 pixels to crop, got 6 x 9"):
        fit_image(COLOUR, (10, 4), "crop", name="x")


def test_folders_are_read_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.png", "2.PNG", "a1.jpg", ".hidden.png", "note.txt", "paper.pdf"):
        Image.fromarray(COLOUR).save(tmp_path / name, format="PNG")
    (tmp_path / "sub.png").mkdir()
    assert [file.name for file in image_files(str(tmp_path))] == ["2.PNG", "10.png", "a1.jpg"]
    assert image_files(str(tmp_path / "note.txt")) == [tmp_path / "note.txt"]


def test_builtin_photographs() -> None:
    files = image_files("builtin:photos")
    assert len(files) == len(PHOTOS) == 5
    for file in files:
        picture = read_image(file)
        assert min(picture.shape[:2]) >= 256 or file.name == "chelsea.png"
        assert np.ptp(picture.astype(int), axis=2).mean() > 5  # in colour
    for name in ("hubble", "ihc", "retina"):
        assert image_files(f"builtin:{name}")[0].is_file()


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture at all")
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(InputError, match=r"empty\.png: expected a picture, got an empty file"):
        read_image(tmp_path / "empty.png")
    with pytest.raises(InputError, match=r"text\.png: expected a picture, got a file that no decoder knows"):
        read_image(tmp_path / "text.png")
    with pytest.raises(InputError, match="expected a picture file, got a folder"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="gone: no such file or folder"):
        image_files(str(tmp_path / "gone"))
    with pytest.raises(InputError, match="builtin:lena: no such built-in picture; there are photos, astronaut"):
        image_files("builtin:lena")


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(InputError, match="expected a folder with pictures, got one without"):
        image_files(str(tmp_path))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tif"])
def test_truncated_files(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(noise).save(whole)
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"cut\.\w+: (the picture is truncated or damaged|expected a picture)"):
        read_image(cut)


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (30_000, 1), (10_000, 10_000), (MAX_PIXELS // 8192 + 1, 8192)]
)
def test_too_large_pictures_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "huge.png").write_bytes(png_header(width, height))
    with pytest.raises(InputError, match=r"huge\.png: expected at most 20000 pixels a side and 67108864 in all, got"):
        read_image(tmp_path / "huge.png")


def test_values_without_a_range_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "f.pfm")
    cards = "SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", "NAXIS1  = 4", "NAXIS2  = 4", "END"
    header = "".join(card.ljust(80) for card in cards).ljust(2880)
    (tmp_path / "i.fits").write_bytes(header.encode() + np.full(1440, 3000, ">i2").tobytes())
    with pytest.raises(InputError, match="expected 8 or 16 bits a channel, got floating-point values: convert it"):
        read_image(tmp_path / "f.pfm")
    with pytest.raises(InputError, match=r"expected 8 or 16 bits a channel, got FITS of values up to \d+: convert it"):
        read_image(tmp_path / "i.fits")


def test_postscript_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match="no decoder knows"):
        read_image(tmp_path / "a.png")
