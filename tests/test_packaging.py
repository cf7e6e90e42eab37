"""What users get: the wheel's file list, the metadata, the public names, the doctests."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.metadata
import pkgutil
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import semcom
from semcom.errors import MissingExtra

ROOT = Path(__file__).resolve().parents[1]
CODE = ["blocks", "cli", "flowgraphs", "models", "sim"]
DATA = {".yaml", ".yml", ".safetensors", ".json", ".csv", ".grc"}


def _modules() -> list[str]:
    found = [module.name for module in pkgutil.walk_packages(semcom.__path__, "semcom.")]
    tops = {"semcom", "semcom.errors", "semcom.__main__", *(f"semcom.{floor}" for floor in CODE)}
    return [
        name
        for name in ["semcom", *found]
        if ".".join(name.split(".")[:2]) in tops and not name.rpartition(".")[2].startswith("_")
    ]


def _public_definitions(path: Path) -> set[str]:
    """Classes and functions that a file defines without an underscore; a command within a group is none."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            nested = any(".command(" in mark and not mark.startswith("click.") for mark in marks)
            found |= set() if nested else {node.name}
    return found


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except MissingExtra as missing:
        pytest.skip(str(missing))


def _build(tree: Path, out: Path) -> set[str]:
    """Build the wheel of a source tree and return the names in it."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(out),
            str(tree),
        ],
        check=True,
        timeout=100,
    )
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, so that no build touches the real one."""
    copy = tmp_path_factory.mktemp("checkout") / "gr-semcom"
    copy.mkdir()
    for path in [*ROOT.glob("*.py"), *(ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE", "py.typed"))]:
        shutil.copy(path, copy)
    for folder in [*CODE, "tests", "benchmarks"]:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for weights in copy.rglob("*.safetensors"):  # a hundred megabytes that would be compressed, and only names are read
        weights.write_bytes(b"")
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built over a stale `build/` that still holds a block which was deleted since."""
    stale = tree / "build" / "lib" / "semcom" / "blocks" / "channels"
    stale.mkdir(parents=True)
    (stale / "deleted.py").write_text('"""A block that is no more."""\n')
    return _build(tree, tmp_path_factory.mktemp("wheel"))


def test_the_only_top_level_name_is_semcom(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"semcom"}


def test_the_wheel_holds_every_file_of_code_and_data_and_nothing_else(wheel: set[str], tree: Path) -> None:
    packed = {name.removeprefix("semcom/") for name in wheel if name.startswith("semcom/")}
    files = [path.relative_to(tree) for folder in CODE for path in (tree / folder).rglob("*") if path.is_file()]
    wanted = {path.as_posix() for path in files if path.suffix == ".py" or path.suffix in DATA}
    wanted |= {path.name for path in tree.glob("*.py") if path.name != "setup.py"} | {"py.typed"}
    assert packed == wanted


def test_a_deleted_block_does_not_come_back_from_a_stale_build(wheel: set[str]) -> None:
    assert not any("deleted" in name for name in wheel)


@pytest.mark.parametrize("name", _modules())
def test_all_lists_the_public_names(name: str) -> None:
    module = _import(name)
    listed = set(getattr(module, "__all__", ()))
    assert {public for public in listed if not hasattr(module, public)} == set()
    assert _public_definitions(Path(str(module.__file__))) <= listed


def test_every_doctest_holds() -> None:
    failed = []
    tried = 0
    for name in _modules():
        result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
        tried += result.attempted
        failed += [name] * bool(result.failed)
    assert failed == []
    assert tried > 0


def test_the_version_is_the_distributions() -> None:
    assert semcom.__version__ == importlib.metadata.version("gr-semcom")


def test_a_missing_extra_is_one_sentence_with_the_pip_line() -> None:
    error = MissingExtra("decoders/deepjscc", "torch", "models")
    assert str(error) == 'decoders/deepjscc needs torch: pip install "gr-semcom[models]"'
    assert error.exit_code == 2


def test_every_extra_that_an_error_names_exists() -> None:
    extras = importlib.metadata.metadata("gr-semcom").get_all("Provides-Extra") or []
    named = {}
    for path in (path for folder in CODE for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "MissingExtra":
                named |= {argument.value: path for argument in node.args[2:] if isinstance(argument, ast.Constant)}
    assert {extra: path for extra, path in named.items() if extra not in extras} == {}


def test_the_metadata_pins_no_torch() -> None:
    requirements = importlib.metadata.requires("gr-semcom") or []
    assert not [line for line in requirements if re.match(r"torch\b[^;]*==", line)]


def test_torch_is_pinned_in_one_place() -> None:
    texts = [*ROOT.glob("*.toml"), *ROOT.glob("*.txt"), ROOT / "setup.py", ROOT / "Makefile"]
    assert [path.name for path in texts if re.search(r"torch==\d", path.read_text())] == ["constraints.txt"]
