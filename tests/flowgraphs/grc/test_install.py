from __future__ import annotations

from pathlib import Path

import pytest
from semcom.errors import UsageError
from semcom.flowgraphs.grc.install import default_folder, examples, install


def test_what_is_written_and_written_again(tmp_path):
    written = install(tmp_path / "new" / "blocks")
    assert [path.name for path in written] == [
        "semcom_transmitter.block.yml",
        "semcom_receiver.block.yml",
        "semcom_channel.block.yml",
        "semcom_grc.py",
    ]
    assert install(tmp_path / "new" / "blocks") == written
    assert all(path.is_file() for path in written)


def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as raised:
        install(tmp_path / "file" / "blocks")
    assert str(raised.value) == (
        f"{tmp_path}/file/blocks: cannot write: Not a directory; name a folder of your own with --install DIR"
    )


def test_examples_that_cannot_be_written_name_their_own_option(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="name a folder of your own with --examples DIR"):
        examples(tmp_path / "file")


def test_the_examples_are_a_channel_and_two_kinds_of_radio(tmp_path):
    names = [path.name for path in examples(tmp_path / "gnuradio")]
    assert names == ["channel.grc", "channel.py", "pluto_rx.grc", "pluto_tx.grc", "usrp_rx.grc", "usrp_tx.grc"]


def test_the_folder_is_where_grc_looks(monkeypatch):
    monkeypatch.delenv("GRC_HIER_PATH", raising=False)
    monkeypatch.setenv("HOME", "/home/she")
    assert default_folder() == Path("/home/she/.grc_gnuradio")
    monkeypatch.setenv("GRC_HIER_PATH", "~/mine")
    assert default_folder() == Path("/home/she/mine")
