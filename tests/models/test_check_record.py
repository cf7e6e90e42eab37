"""Records that say what is not so: one sentence each, with the path and what to do, and nothing is loaded for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from semcom.models.check_record import check_record
from semcom.models.lookup import find_system, list_systems
from semcom.models.model_card import ModelCard, card_path
from semcom.models.system import System

RECORD = """\
from semcom.models.system import System

SYSTEM = System(
    module=__name__,
    doc="A toy.",
    paper="none",
    numbers={"one": 200},
    weights=("one",),
    recipe="short",
    training="training:Toy",
)
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A folder whose record tells the truth."""
    folder = tmp_path / "toy"
    (folder / "weights").mkdir(parents=True)
    (folder / "configs").mkdir()
    (folder / "system.py").write_text(RECORD)
    (folder / "training.py").write_text("raise RuntimeError('imported')\n\n\nclass Toy:\n    pass\n")
    (folder / "configs" / "short.yaml").write_text("steps: 1\n")
    (folder / "weights" / "one.safetensors").write_bytes(b"weights")
    card = ModelCard.read(card_path(find_system("deepjscc").shipped.path("linear")))
    changed = card.model_copy(update={"sha256": hashlib.sha256(b"weights").hexdigest()})
    (folder / "weights" / "one.json").write_text(changed.model_dump_json())
    return folder


def lies(folder: Path) -> list[str]:
    """What is told of a record, without the path that every sentence begins with."""
    told = list(check_record(find_system(str(folder))))
    assert all(one.startswith(f"{folder / 'system.py'}: ") for one in told)
    return [one.removeprefix(f"{folder / 'system.py'}: ") for one in told]


@pytest.mark.parametrize("system", [one.system for one in list_systems()], ids=lambda system: system.name)
def test_our_records_tell_the_truth(system: System) -> None:
    assert list(check_record(system)) == []


def test_nothing_is_imported(toy: Path) -> None:
    assert lies(toy) == []


def test_a_missing_file_of_weights_is_told(toy: Path) -> None:
    file = toy / "weights" / "one.safetensors"
    file.unlink()
    assert lies(toy) == [
        f"weights of one: expected a file {file}, found none; add it, or take the variant out of `weights`"
    ]


def test_a_wrong_hash_is_told(toy: Path) -> None:
    file = toy / "weights" / "one.safetensors"
    file.write_bytes(b"others")
    card = ModelCard.model_validate(json.loads((toy / "weights" / "one.json").read_text()))
    found = hashlib.sha256(b"others").hexdigest()
    assert lies(toy) == [
        f"weights of one: {file}: expected SHA-256 {card.sha256[:16]}..., got {found[:16]}...: not the file that "
        "one.json describes; take both from the same place"
    ]


def test_a_missing_card_is_told(toy: Path) -> None:
    card = toy / "weights" / "one.json"
    card.unlink()
    assert lies(toy) == [
        f"weights of one: {card}: no model card; expected one beside the weights, with the same name and the ending "
        ".json"
    ]


def test_a_missing_recipe_is_told(toy: Path) -> None:
    (toy / "configs" / "short.yaml").rename(toy / "configs" / "long.yaml")
    assert lies(toy) == ["recipe: expected one of configs/*.yaml (long), got 'short'; add or rename it"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "expected a file {file}, found none; mend the record or add the file"),
        ("class Other:\n    pass\n", "{file} defines no Toy; mend one of them"),
        (
            "class Toy(\n",
            "{file} cannot be read: SyntaxError: '(' was never closed (training.py, line 1); mend that file",
        ),
    ],
)
def test_a_class_that_is_not_there_is_told(toy: Path, text: str | None, reason: str) -> None:
    file = toy / "training.py"
    file.unlink()
    if text is not None:
        file.write_text(text)
    assert lies(toy) == [f'training="training:Toy": {reason.format(file=file)}']


@pytest.mark.parametrize(
    "text",
    ["from .other import Toy\n", "from .other import Thing as Toy\n", "Toy = object\n", "Toy: type = object\n"],
)
def test_a_name_may_be_imported_or_assigned(toy: Path, text: str) -> None:
    (toy / "training.py").write_text(text)
    assert lies(toy) == []


def test_all_lies_are_told_at_once(toy: Path) -> None:
    (toy / "training.py").unlink()
    (toy / "configs" / "short.yaml").unlink()
    (toy / "weights" / "one.safetensors").unlink()
    assert [one.partition(":")[0].partition("=")[0] for one in lies(toy)] == ["recipe", "training", "weights of one"]
