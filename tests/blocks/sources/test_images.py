from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pydantic import ValidationError
from semcom.blocks.sources.images import Images
from semcom.errors import InputError
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock


def run(**params: object) -> tuple[Images, list[tuple[str | None, np.ndarray]]]:
    block = Images(Images.Params(**params))
    return block, [(out.label, out.value) for out in block.work()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in (("b2.png", 2), ("b10.png", 10), ("a.png", 1)):
        Pillow.new("RGB", (20, 10), (value, value, value)).save(tmp_path / name)
    (tmp_path / "b3.png").write_bytes((tmp_path / "b2.png").read_bytes()[:-30])
    return tmp_path


def test_builtin_photographs() -> None:
    _, items = run(size=[64, 96])
    assert [label for label, _ in items] == ["astronaut", "chelsea", "coffee", "motorcycle_left", "rocket"]
    for _, picture in items:
        assert picture.shape == (64, 96, 3)
        assert picture.dtype == np.uint8


def test_files_folders_and_lists(folder: Path) -> None:
    (folder / "b3.png").unlink()
    _, items = run(path=[str(folder), str(folder / "a.png"), "builtin:coffee"], size=(8, 8))
    assert [label for label, _ in items] == ["a", "b2", "b10", "a", "coffee"]


def test_repeat(folder: Path) -> None:
    _, items = run(path=str(folder / "a.png"), repeat=3)
    assert len(items) == 3
    endless = Images(Images.Params(path=str(folder / "a.png"), repeat=None)).work()
    assert [next(endless).label for _ in range(9)] == ["a"] * 9


def test_a_part_of_a_list_keeps_the_numbers_of_the_whole(folder: Path) -> None:
    stage = RunningBlock(Images(Images.Params(path=[str(folder / "b2.png"), str(folder / "b10.png")], first=7)), 1)
    assert [item.envelope.identity.seq for (item,) in stage.produce() if item] == [7, 8]


def test_an_unreadable_picture_fails_the_run_or_is_counted(folder: Path) -> None:
    with pytest.raises(InputError, match=r"b3\.png: the picture is truncated or damaged"):
        run(path=str(folder))
    block, items = run(path=str(folder), on_error="skip")
    assert [label for label, _ in items] == ["a", "b2", "b10"]
    assert block.measured["skipped"] == (4, 1.0)


def test_skipping_everything_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match=r"none of 1 pictures could be read, first .*b3\.png"):
        run(path=str(folder / "b3.png"), on_error="skip")


@pytest.mark.parametrize("params", [{"size": [0, 5]}, {"size": [5]}, {"repeat": 0}, {"fit": "squash"}, {"path": ""}])
def test_wrong_parameters(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Images.Params(**params)
