from pathlib import Path

import pytest
from semcom.models.training.log import append_row, forget_after


def test_rows_stand_below_the_names_of_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for step in (50, 100):
        append_row(path, {"step": step, "loss": 1 / step})
    assert path.read_text() == "step,loss\n50,0.02\n100,0.01\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("step,loss\r\n50,0.5\r\n100,0.4\r\n150,0.3\r\n", "step,loss\n50,0.5\n100,0.4\n"),
        ("step,loss\n50,0.5\n10", "step,loss\n50,0.5\n"),  # killed within a row, whose number looks like an early one
        ("step,loss\n150,0.5\n", None),
        ("step,lo", None),
        ("", None),
    ],
)
def test_what_a_kill_left_behind_does_not_stop_the_next_run(tmp_path: Path, text: str, kept: str | None) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, newline="")
    forget_after(100, path)
    assert (path.read_text() if path.exists() else None) == kept
    append_row(path, {"step": 101, "loss": 0.4})
    assert path.read_text().splitlines() == [*(kept or "step,loss").splitlines(), "101,0.4"]


def test_no_table_is_no_mistake(tmp_path: Path) -> None:
    forget_after(5, tmp_path / "log.csv")
    assert not list(tmp_path.iterdir())
