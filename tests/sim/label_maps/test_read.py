"""Label maps from files, and the legends that say what is in them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.errors import InputError, UsageError
from semcom.sim.label_maps.legend import LEGENDS, read_legend
from semcom.sim.label_maps.read import read_label_map
from semcom.sim.label_maps.scenes import CLASSES, draw_scene

LABELS = draw_scene(5, 24, 36).labels[..., 0]
SCENES = read_legend("scenes")


def saved(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(pixels)
    if mode == "P":
        image = Image.fromarray(pixels).convert("L")
        image.putpalette(list(range(256)) * 3)
    image.save(path)
    return path


def test_shipped_legends_say_what_the_data_have() -> None:
    assert LEGENDS == ("cityscapes", "scenes")
    assert [one.name for one in SCENES.classes] == list(CLASSES)
    city = read_legend("cityscapes")
    assert len(city.classes) == 35
    assert city.classes[7].name == "road"
    assert city.classes[7].colour == (128, 64, 128)  # cityscapesScripts, labels.py
    assert dict(city.of_value())[255] == 34


@pytest.mark.parametrize("kind", ["grey", "palette", "16 bits", "colour", "colour and transparency"])
def test_a_file_of_any_kind_gives_the_same_map(kind: str, tmp_path: Path) -> None:
    colours = SCENES.colours()[LABELS]
    clear = np.concatenate([colours, np.zeros_like(colours[..., :1])], 2)
    others = {"16 bits": LABELS.astype(np.uint16), "colour": colours, "colour and transparency": clear}
    pixels = others.get(kind, LABELS)
    path = saved(tmp_path / "map.png", pixels, "P" if kind == "palette" else None)
    found = read_label_map(path, SCENES)
    np.testing.assert_array_equal(found[..., 0], LABELS)
    assert found.dtype == np.uint8
    assert set(np.unique(found[..., 1])) == {0, 1}


def test_values_stand_for_classes_as_the_legend_says(tmp_path: Path) -> None:
    legend = tmp_path / "legend.yaml"
    legend.write_text(
        "classes:\n  - {name: a, colour: [0, 0, 0], values: [7, 300]}\n  - {name: b, colour: [255, 0, 0]}\n"
    )
    path = saved(tmp_path / "map.png", np.array([[7, 300], [1, 7]], np.uint16))
    assert read_label_map(path, read_legend(str(legend)))[..., 0].tolist() == [[0, 0], [1, 0]]


def test_edges_lie_between_instances_and_the_nearest_pixels_are_taken(tmp_path: Path) -> None:
    path = saved(tmp_path / "map.png", np.full((4, 8), 6, np.uint8))
    things = np.repeat(np.array([[26001, 26002]], np.uint16), 4, 0).repeat(4, 1)
    instances = saved(tmp_path / "things.png", things)
    assert read_label_map(path, SCENES, instances=instances)[0, :, 1].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert not read_label_map(path, SCENES)[..., 1].any()
    small = read_label_map(path, SCENES, instances=instances, size=(2, 4))
    assert small.shape == (2, 4, 2)
    assert small[0, :, 1].tolist() == [0, 1, 1, 0]


def test_a_value_of_no_class_is_refused_with_its_place(tmp_path: Path) -> None:
    pixels = LABELS.copy()
    pixels[3, 5] = pixels[9, 1] = 99
    path = saved(tmp_path / "map.png", pixels)
    with pytest.raises(InputError) as caught:
        read_label_map(path, SCENES)
    assert str(caught.value) == (
        f"{path}: expected classes of the legend (values 0 to 6), got the value 99 at row 3, column 5, one of 2 pixels "
        "of no class; mend the map, or give a legend that has it"
    )


def test_a_colour_of_no_class_is_refused_with_its_place(tmp_path: Path) -> None:
    pixels = SCENES.colours()[LABELS]
    pixels[2, 1] = 1, 2, 3
    path = saved(tmp_path / "map.png", pixels)
    words = r"\(sky \[120, 180, 235\], .*\), got the colour \[1, 2, 3\] at row 2, column 1, one of 1 pixels"
    with pytest.raises(InputError, match=words):
        read_label_map(path, SCENES)


def test_files_that_are_no_label_maps_are_refused(tmp_path: Path) -> None:
    noise, cut = tmp_path / "noise.png", tmp_path / "cut.png"
    noise.write_bytes(b"no picture")
    whole = saved(tmp_path / "map.png", LABELS).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    Image.new("CMYK", (4, 4)).save(tmp_path / "ink.tiff")
    for path, words in (
        (noise, "expected a label map, got a file that no decoder knows"),
        (cut, "the label map is truncated or damaged: "),
        (tmp_path / "none.png", "no such file"),
        (tmp_path / "ink.tiff", "expected grey, a palette or RGB, got CMYK; convert it to one of them"),
    ):
        with pytest.raises(InputError, match=f"{path.name}: {words}"):
            read_label_map(path, SCENES)


def png(width: int, height: int, bits: int, rows: bytes) -> bytes:
    """A grey PNG as its standard has it (ISO/IEC 15948): a byte 0, no filter, before each row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("bits", "row"), [(2, 0b00_01_10_11), (4, 0x01)])
def test_grey_of_few_bits_is_refused_since_its_values_are_shades(bits: int, row: int, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(png(8 // bits, 1, bits, bytes([0, row])))
    with pytest.raises(InputError, match=r"map\.png: expected grey of 1, 8 or 16 bits, got fewer than 8, whose values"):
        read_label_map(path, SCENES)


def test_a_map_of_one_bit_has_two_classes(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(png(8, 1, 1, bytes([0, 0b00110001])))
    assert read_label_map(path, SCENES)[0, :, 0].tolist() == [0, 0, 1, 1, 0, 0, 0, 1]


def test_one_pixel_is_a_map(tmp_path: Path) -> None:
    assert read_label_map(saved(tmp_path / "map.png", np.full((1, 1), 6, np.uint8)), SCENES).tolist() == [[[6, 0]]]


@pytest.mark.parametrize(
    ("side", "words"), [(8193, "8193 x 8193: scale it down"), (60000, "many times more: scale it")]
)
def test_a_map_that_is_too_large_is_not_decoded(side: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(png(side, side, 8, b""))
    with pytest.raises(InputError, match=rf"map\.png: expected at most 67108864 pixels, got {words}"):
        read_label_map(path, SCENES)


def test_a_file_that_would_run_a_program_is_no_label_map(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match=r"map\.png: expected a label map, got a file that no decoder knows"):
        read_label_map(path, SCENES)


def test_instances_of_another_size_are_refused(tmp_path: Path) -> None:
    path, other = saved(tmp_path / "map.png", LABELS), saved(tmp_path / "things.png", LABELS[:, 1:])
    with pytest.raises(InputError, match=r"things.png: expected 24 x 36 pixels, as .*map.png has, got 24 x 35; give"):
        read_label_map(path, SCENES, instances=other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("classes: [{name: a, colour: [0, 0, 0]}]", "classes: Tuple should have at least 2 items"),
        ("classes: [{name: a, colour: [0, 0, 300]}, {name: b, colour: [0, 0, 1]}]", "classes.0.colour.2: Input should"),
        (
            "classes: [{name: a, colour: [0, 0, 0]}, {name: b, colour: [0, 0, 1], values: [0]}]",
            "expected each value to stand for one class, got 0 twice",
        ),
        (
            "classes: [{name: a, colour: [0, 0, 1]}, {name: b, colour: [0, 0, 1]}]",
            r"expected each colour to stand for one class, got \(0, 0, 1\) twice",
        ),
        ("classes: [", "expected a YAML file of a legend"),
    ],
)
def test_a_legend_that_is_not_in_order(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "legend.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_legend(str(path))


def test_a_legend_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="legend moon: expected a YAML file, or one of the shipped: city"):
        read_legend("moon")
