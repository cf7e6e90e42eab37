"""`encoders/caption`."""

from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.encoders.caption import Caption
from semcom.blocks.envelope import Identity
from semcom.errors import InputError

PICTURE = np.zeros((8, 8, 3), np.uint8)


def caption(captions: object, seq: int) -> str:
    block = Caption(Caption.Params(captions=captions))
    block.start()
    return block.work(PICTURE, Identity(seq)).tobytes().decode()


def test_the_nth_caption_is_the_nth_pictures(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    path.write_text("a woman, smiling\neine Tasse Kaffee mit Löffel\n", encoding="utf-8")
    for given in (str(path), ["a woman, smiling", "eine Tasse Kaffee mit Löffel"]):
        assert caption(given, 0) == "a woman, smiling"
        assert caption(given, 1) == "eine Tasse Kaffee mit Löffel"


def test_a_picture_without_a_caption_is_told() -> None:
    with pytest.raises(InputError, match="expected a caption for each picture, got 1 and picture 2; add it to captio"):
        caption(["a cat"], 1)


def test_files_that_are_no_captions_are_told(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    with pytest.raises(InputError, match=r"captions.txt: expected a text file of captions: .*No such file"):
        caption(str(path), 0)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"captions.txt: expected a text file of captions: .*utf-8"):
        caption(str(path), 0)
