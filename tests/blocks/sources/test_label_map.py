"""The block `sources/label_map`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from semcom.blocks.sources.label_map import LabelMap
from semcom.errors import InputError, UsageError
from semcom.sim.label_maps.legend import read_legend
from semcom.sim.label_maps.scenes import draw_scene

SCENES = [draw_scene(number, 24, 32) for number in range(3)]


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three maps, with their pictures and instances."""
    for number, scene in enumerate(SCENES):
        things = scene.labels[..., 0] + 1000 * (np.arange(32) > 15).astype(np.uint16)
        for kind, pixels in (("maps", scene.labels[..., 0]), ("pictures", scene.picture), ("things", things)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / kind / f"{number}.png")
    return tmp_path


def read(**params: Any) -> list[Any]:
    return list(LabelMap(LabelMap.Params(**params)).work())


def test_scenes_are_drawn_by_their_numbers() -> None:
    found = read(scenes=2, first=1, size=(24, 32))
    assert [(out.label, out.identity.seq) for out in found] == [("scene-1", 1), ("scene-2", 2)]
    for out, scene in zip(found, SCENES[1:], strict=True):
        np.testing.assert_array_equal(out.value.labels, scene.labels)
        np.testing.assert_array_equal(out.value.picture, scene.picture)
    assert read(scenes=1)[0].value.picture.shape == (64, 64, 3)


def test_a_folder_gives_its_maps_in_the_legends_colours(folders: Path) -> None:
    found = read(path=str(folders / "maps"))
    assert [out.label for out in found] == ["0", "1", "2"]
    for out, scene in zip(found, SCENES, strict=True):
        np.testing.assert_array_equal(out.value.labels[..., 0], scene.labels[..., 0])
        inner = out.value.labels[..., 1] == 0
        colours = read_legend("scenes").colours()[scene.labels[..., 0]]
        np.testing.assert_array_equal(out.value.picture[inner], colours[inner])


def test_pictures_and_instances_go_with_their_maps(folders: Path) -> None:
    found = read(path=str(folders / "maps"), pictures=str(folders / "pictures"), instances=str(folders / "things"))
    for out, scene in zip(found, SCENES, strict=True):
        np.testing.assert_array_equal(out.value.picture, scene.picture)
        assert out.value.labels[:, 15:17, 1].all()
    (small, *_) = read(path=str(folders / "maps"), pictures=str(folders / "pictures"), size=(12, 16))
    assert small.value.labels.shape == (12, 16, 2)
    assert small.value.picture.shape == (12, 16, 3)


def test_what_says_nothing_to_drawn_scenes_is_refused() -> None:
    for name in ("pictures", "instances"):
        with pytest.raises(
            ValidationError, match="expected no pictures and no instances with builtin:scenes, which has"
        ):
            LabelMap.Params(**{name: "folder"})
    with pytest.raises(InputError, match="builtin:scene: no such built-in label maps; there is builtin:scenes"):
        read(path="builtin:scene")


def test_what_does_not_go_together_is_refused(folders: Path) -> None:
    (folders / "pictures" / "2.png").unlink()
    with pytest.raises(InputError, match="pictures: expected 3 files, one for each label map, got 2"):
        read(path=str(folders / "maps"), pictures=str(folders / "pictures"))
    with pytest.raises(UsageError, match="legend none: expected a YAML file"):
        read(path=str(folders / "maps"), legend="none")
    with pytest.raises(InputError, match=r"expected classes of the legend \(values 0 to 6\), got the value"):
        read(path=str(folders / "things"))
