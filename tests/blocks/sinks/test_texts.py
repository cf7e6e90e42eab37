"""`sinks/texts`."""

from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.envelope import Identity, Trace
from semcom.blocks.sinks.texts import Texts
from semcom.errors import RunError


def test_a_text_becomes_a_file_and_wrong_bytes_replacement_characters(tmp_path: Path) -> None:
    sink = Texts(Texts.Params(out=str(tmp_path / "texts")))
    sink.start()
    for seq, data in enumerate((b"a cup", "Löffel".encode(), b"a \xff cup")):
        sink.work(np.frombuffer(data, np.uint8), Trace(label="coffee"), Identity(seq))
    texts = [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "texts").iterdir())]
    assert texts == ["a cup", "Löffel", "a \N{REPLACEMENT CHARACTER} cup"]
    assert (tmp_path / "texts/coffee-0001.txt").is_file()


def test_a_folder_that_cannot_be_made_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="expected a folder to write to"):
        Texts(Texts.Params(out=str(tmp_path / "file"))).start()
