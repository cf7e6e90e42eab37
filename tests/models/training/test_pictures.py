from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import InputError, UsageError
from semcom.models.training.pictures import crops, draw_images, draw_places, read_pictures, split_by_file
from semcom.models.training.recipe import Recipe


def config(**changes: object) -> Recipe:
    return Recipe.model_validate({"steps": 1, "phases": [{"until": 1, "crop": 32, "batch": 2}], **changes})


def test_every_tenth_file_is_held_out_and_the_same_picture_stays_together() -> None:
    names = [f"{prefix}_{n:03d}.webp" for prefix in ("clic", "clicfull", "bsds") for n in range(26)]
    train_names, held = split_by_file(names[1:], {"clicfull": "clic"})  # clic_000 is missing: numbers count, not places
    assert sorted(train_names + held) == sorted(names[1:])
    assert [n for n in held if n.startswith("bsds")] == ["bsds_009.webp", "bsds_019.webp"]
    numbers = {p: {n[-8:-5] for n in held if n.startswith(p + "_")} for p in ("clic", "clicfull")}
    assert numbers["clic"] == numbers["clicfull"] == {"009", "019"}


def test_crops_come_from_the_pictures_by_a_seeded_stream(pictures: Path) -> None:
    shown, held = read_pictures(pictures, config(picture_weights={"walk": 2.0}))
    assert (len(shown.names), len(held.names)) == (18, 2)
    rng = np.random.default_rng(1)
    expected = []
    for index in rng.choice(18, size=5, p=shown.weights):  # which ones first; then where, one by one
        top, left = rng.integers(0, 48 - 16 + 1), rng.integers(0, 64 - 16 + 1)
        crop = shown.pixels[index][top : top + 16, left : left + 16]
        expected.append(crop[:, ::-1] if rng.integers(2) else crop)
    images = draw_images(shown, 5, 16, np.random.default_rng(1), torch.device("cpu"))
    assert images.shape == (5, 3, 16, 16)
    np.testing.assert_array_equal((images * 255).round().permute(0, 2, 3, 1).numpy(), np.stack(expected))


def test_a_device_that_holds_all_pictures_cuts_the_same_crops(pictures: Path) -> None:
    shown, _ = read_pictures(pictures, config(halve=["walk"], phases=[{"until": 1, "crop": 16, "batch": 2}]))
    shown.pixels[3] = np.random.default_rng(0).integers(0, 256, (50, 17, 3), np.uint8)  # of another size
    places = draw_places(shown, 200, 16, np.random.default_rng(1))
    assert set(places[:, 3]) == {0, 1}
    found = shown.on(torch.device("cpu")).cut(places, 16)
    assert found.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(found.numpy(), crops(shown, places, 16))
    assert shown.on(torch.device("cpu")) is shown.on(torch.device("cpu"))  # copied once


def test_halved_pictures_are_half_and_small_ones_are_mirrored(pictures: Path) -> None:
    whole, _ = read_pictures(pictures, config())
    halved, held = read_pictures(pictures, config(halve=["walk"]))
    assert whole.pixels[0].shape == (48, 64, 3)
    assert halved.pixels[0].shape == (32, 32, 3)  # 24 x 32 mirrored up to the crop
    assert held.pixels[0].shape == (24, 32, 3)
    np.testing.assert_array_equal(halved.pixels[0][24], halved.pixels[0][23])


def test_of_few_pictures_the_last_is_held_out(pictures: Path, tmp_path: Path) -> None:
    shown, held = read_pictures(Path("builtin:photos"), config())
    assert (len(shown.names), held.names) == (4, ["rocket.jpg"])
    assert held.pixels[0].shape == (427, 640, 3)
    for path in sorted(pictures.iterdir())[:2]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert [one.names for one in read_pictures(tmp_path, config())] == [["walk_000.png"], ["walk_001.png"]]
    (tmp_path / "walk_001.png").unlink()
    with pytest.raises(UsageError, match="expected two pictures or more, one of them to be held out, got 1"):
        read_pictures(tmp_path, config())


def test_bad_data_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a folder of training pictures, or builtin:photos, found none"):
        read_pictures(tmp_path / "none", config())
    with pytest.raises(UsageError, match="expected two pictures or more, one of them to be held out, got 0"):
        read_pictures(tmp_path, config())
    for n in range(10):
        (tmp_path / f"a_{n}.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a_0\.png: cannot be read as a picture"):
        read_pictures(tmp_path, config())
