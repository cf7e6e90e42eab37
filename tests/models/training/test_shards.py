"""Checkpoints in pieces."""

from pathlib import Path

import pytest
import torch
from semcom.errors import WeightsError
from semcom.models.training.shards import LARGEST, read_state, write_state


def test_a_large_state_travels_in_pieces_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    state = {"model": {"a": torch.randn(5_000_000), "b": torch.arange(3)}, "step": 7}
    write_state(tmp_path / "last.pt", state)
    pieces = sorted(path for path in tmp_path.iterdir() if path.name != "last.pt")
    assert [path.stat().st_size for path in pieces[:-1]] == [LARGEST]
    assert all(path.stat().st_size < 16e6 for path in tmp_path.iterdir())
    assert all(path.name.startswith("last.pt.") for path in pieces)
    found = read_state(tmp_path / "last.pt")
    assert torch.equal(found["model"]["a"], state["model"]["a"])
    assert found["step"] == 7
    (tmp_path / "last.pt.backup").write_text("of the user")
    write_state(tmp_path / "last.pt", {"step": 8})
    assert {path.name for path in tmp_path.iterdir()} == {"last.pt", "last.pt.backup"}
    assert read_state(tmp_path / "last.pt") == torch.load(tmp_path / "last.pt") == {"step": 8}


def test_pieces_that_are_missing_or_of_another_state_are_told(tmp_path: Path) -> None:
    write_state(tmp_path / "last.pt", {"a": torch.randn(5_000_000)})
    first, second = sorted(tmp_path.glob("last.pt.*"))
    whole = second.read_bytes()
    second.write_bytes(whole[:-1] + b"?")
    with pytest.raises(WeightsError, match=r"last\.pt: its pieces are not those that were written; bring them again"):
        read_state(tmp_path / "last.pt")
    second.unlink()
    with pytest.raises(WeightsError, match=rf"in 2 pieces, and {second.name} is missing; bring all files whose"):
        read_state(tmp_path / "last.pt")
    assert first.exists()
