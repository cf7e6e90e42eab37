"""Finding systems, and records that lie: each is one sentence with the path and what to do, and breaks nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path

import pytest
from semcom.errors import MissingExtra, UnknownSystem, UsageError
from semcom.models import lookup
from semcom.models.lookup import find_system, list_systems, look_up

OURS = {"cdm-jscc", "deepjscc", "sc-sic"}
RECORD = """\
from semcom.models.system import System

SYSTEM = System(
    module=__name__, doc="A toy.", paper="none", numbers={"one": 200, "two": 201}, training="training:Toy", recipe="r"
)
"""


def folder_of(root: Path, name: str, **files: str) -> Path:
    """Write a folder of a system."""
    folder = root / name
    folder.mkdir(parents=True)
    for stem, text in {"system": RECORD, **files}.items():
        (folder / f"{stem}.py").write_text(text)
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A function that installs packages of systems beside each other under entry points."""
    entries: list[EntryPoint] = []
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(lookup, "entry_points", lambda group: entries if group == "semcom.systems" else [])

    def install(name: str, **files: str) -> Path:
        entries.append(EntryPoint(name, f"systems_lab.{name}", lookup.ENTRY_POINTS))
        return folder_of(tmp_path / "site" / "systems_lab", name, **files)

    yield install
    for name in [name for name in sys.modules if name.split(".")[0] == "systems_lab"]:
        del sys.modules[name]


def refusal(name: str) -> str:
    with pytest.raises(UnknownSystem) as caught:
        find_system(name)
    return str(caught.value)


def test_the_path_is_the_name() -> None:
    found = {one.name: one for one in list_systems()}
    assert set(found) >= OURS
    assert {one.broken for one in found.values()} == {""}
    for name in OURS:
        system = find_system(name)
        assert (system.name, system.path) == (name, found[name].path)
        assert system.folder.name == name.replace("-", "_")


def test_listing_loads_no_torch() -> None:
    code = "import sys\nfrom semcom.models.lookup import list_systems\nlist_systems()\n"
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_our_records_name_is_there(name: str) -> None:
    system = find_system(name)
    assert system.recipe in system.recipes
    assert {variant.name for variant in system.variants if variant.weights} == set(system.weights)
    assert system.load("training", "test").system is system
    assert callable(system.load("export", "test"))
    assert callable(system.load("codec", "test"))


def test_installed_packages_are_found_under_the_name_of_their_folder(installed: Callable[..., Path]) -> None:
    folder = installed("my_toy", training="class Toy:\n    pass\n")
    system = find_system("my-toy")
    assert (system.name, system.folder) == ("my-toy", folder)
    assert system.load("training", "test").__name__ == "Toy"
    assert system.load("training", "test").__module__ == "systems_lab.my_toy.training"


def test_a_folder_is_found_from_where_one_says(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "sub", "toy", training="from .names import NAME as Toy\n", names="NAME = 'x'\n")
    for system in (find_system("sub/toy"), find_system("./toy", tmp_path / "sub"), find_system(str(folder))):
        assert (system.name, system.folder) == ("toy", folder)
        assert system.load("training", "test") == "x"
    assert "toy" not in {one.name for one in list_systems()}
    (folder / "names.py").write_text("NAME = 'edited'\n")
    assert find_system("sub/toy").load("training", "test") == "edited"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert refusal("deepjsc") == (
        "no system 'deepjsc' (did you mean 'deepjscc'?); `semcom systems` lists them, a folder is written ./deepjsc"
    )
    where = tmp_path / "none"
    assert refusal("./none") == f"no system ./none: expected a folder with a file system.py, found none at {where}"


# Records that lie


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("SYSTEM = System(\n", "does not load: SyntaxError: '(' was never closed (system.py, line 1)"),
        ("import nowhere_at_all", "does not load: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit('bye')", "does not load: SystemExit: bye"),
        ("SYSTEM = 'toy'\n", "expected SYSTEM to be a System, got str"),
        ("", "does not load: AttributeError: module 'systems_lab.bad.system' has no attribute 'SYSTEM'"),
        (
            RECORD.replace("201", "200"),
            "does not load: ValueError: numbers: expected one variant at least and a number of its own for each, "
            "got [200, 200]",
        ),
        (
            RECORD.replace("recipe=", "weights=('three',), recipe="),
            "does not load: ValueError: weights: expected variants that have a number, got three",
        ),
    ],
)
def test_a_broken_record_is_told_and_breaks_nothing_else(
    installed: Callable[..., Path], record: str, reason: str
) -> None:
    folder = installed("bad", system=record)
    installed("good")
    found = {one.name: one for one in list_systems()}
    assert {name for name, one in found.items() if one.broken} == {"bad"}
    assert found.keys() >= OURS | {"bad", "good"}
    sentence = f"{folder / 'system.py'}: {reason}; mend it or remove it"
    assert (found["bad"].broken, refusal("bad")) == (sentence, sentence)


def test_an_entry_that_names_no_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("gone", "nowhere_at_all", lookup.ENTRY_POINTS)
    monkeypatch.setattr(lookup, "entry_points", lambda group: [entry])
    assert look_up("gone").broken == (
        "gone = 'nowhere_at_all': ImportError: no package nowhere_at_all; mend or remove the distribution that "
        "has this entry"
    )
    assert find_system("deepjscc").doc


def test_numbers_of_this_package_are_kept_for_it(installed: Callable[..., Path]) -> None:
    folder = installed("greedy", system=RECORD.replace("201", "191"))
    assert refusal("greedy") == (
        f"{folder / 'system.py'}: variant two: expected a number of 192 to 255, got 191; the others are kept for "
        "gr-semcom"
    )


def test_two_systems_that_claim_a_number_are_told_with_both_paths(installed: Callable[..., Path]) -> None:
    first = installed("first")
    second = installed("second", system=RECORD.replace('"one": 200', '"three": 202'))
    assert find_system("first").name == "first"
    assert refusal("second") == (
        f"{second / 'system.py'} and {first / 'system.py'}: two systems claim the number 201, for second two and for "
        "first two; give one of them another"
    )


def test_a_folder_that_claims_a_number_or_a_name_of_an_installed_system_is_told(
    installed: Callable[..., Path], tmp_path: Path
) -> None:
    installed("first")
    folder_of(tmp_path, "toy")
    assert "two systems claim the number 200, for toy one and for first one" in refusal("./toy")
    other = RECORD.replace("200", "210").replace("201", "211")
    mine = folder_of(tmp_path, "first", system=other)
    assert refusal("./first").startswith(f"{mine / 'system.py'} and ")
    assert refusal("./first").endswith("two systems are called first; rename the folder of one")
    assert find_system(str(tmp_path / "site" / "systems_lab" / "first")).name == "first"  # itself


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ("class Other:\n    pass\n", ": {file} defines no Toy; mend the record or that file"),
        (
            "import nowhere_at_all",
            " does not load: ModuleNotFoundError: No module named 'nowhere_at_all'; mend the record or what it names",
        ),
        ("class A(\n", " does not load: SyntaxError: '(' was never closed (training.py, line 1); mend the record or"),
    ],
)
def test_a_class_that_is_not_there_is_told_when_it_is_asked_for(tmp_path: Path, training: str, reason: str) -> None:
    folder = folder_of(tmp_path, "toy", training=training)
    with pytest.raises(UnknownSystem) as caught:
        find_system("./toy").load("training", "semcom train toy")
    expected = f'{folder / "system.py"}: training="training:Toy"{reason}'.format(file=folder / "training.py")
    assert str(caught.value).startswith(expected)


def test_a_part_that_the_record_does_not_name_is_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "toy")
    with pytest.raises(UnknownSystem) as caught:
        find_system("./toy").load("export", "semcom export toy")
    assert str(caught.value) == (
        f"{folder / 'system.py'}: export: expected \"file:name\", got ''; semcom export toy needs it"
    )


def test_what_an_extra_brings_is_told_with_the_pip_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, "toy", training="import torch\n")
    monkeypatch.setitem(sys.modules, "torch", None)

    def nobody_installed(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    for _ in range(2):
        with pytest.raises(MissingExtra) as caught:
            find_system("./toy").load("training", "semcom train toy")
        assert str(caught.value) == 'semcom train toy needs torch: pip install "gr-semcom[models]"'
        monkeypatch.setattr("semcom.models.system.requires", nobody_installed)  # a bare checkout says the same


def test_weights_and_recipes_that_are_none_are_told() -> None:
    system = find_system("sc-sic")
    with pytest.raises(UsageError) as caught:
        system.shipped.path("lite")
    assert str(caught.value) == (
        "sc-sic: no weights 'lite' are shipped; expected one of: mini-341, mini-48, mini-48-clean, or a file of "
        "your own"
    )
    with pytest.raises(UsageError, match="--config no: expected a file or one of the shipped: mini-341, mini-48, "):
        system.recipe_file("no")
