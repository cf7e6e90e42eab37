"""The floors of the house: what a file may import, read from its text."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ["errors", "sim", "models", "blocks", "flowgraphs", "cli"]  # from the ground up
ROOF = {"__init__", "__main__"}
NO_SUBJECT = {"utils", "util", "misc", "helpers", "helper", "common", "tools"}
HEAVY = {"torch", "torchvision", "torchmetrics", "diffusers", "transformers", "sionna", "onnxruntime", "matplotlib"}


class Import(NamedTuple):
    line: int
    target: str
    in_function: bool


def _files() -> list[Path]:
    folders = [ROOT / floor for floor in FLOORS if (ROOT / floor).is_dir()]
    return sorted([*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))])


SOURCES = [path.relative_to(ROOT) for path in _files() if path.name != "setup.py"]


@functools.cache
def _text(path: Path) -> str:
    return (ROOT / path).read_text()


def _floor(module: str) -> str:
    return module.split(".")[1] if module.startswith("semcom.") else ""


@functools.cache
def _imports(path: Path, text: str) -> list[Import]:
    """Every import of a file as an absolute name, ``semcom.sim.noise``; `path` is relative to the root."""
    package = ["semcom", *path.parts[:-1]]

    def visit(node: ast.AST, *, inside: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, inside)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:  # modules, or members of one
                yield Import(node.lineno, f"{module}.{alias.name}", inside)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            return
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside=inside)

    return list(visit(ast.parse(text), inside=False))


def _climbs(path: Path, text: str) -> list[str]:
    """What of a file's imports points upward."""
    here = path.parts[0].removesuffix(".py")
    if here in ROOF:
        return []
    found = []
    for line, target, _ in _imports(path, text):
        floor = _floor(target)
        if floor in FLOORS and FLOORS.index(floor) > FLOORS.index(here):
            found.append(f"{path}:{line}: {here} imports {target}: '{here}' is below '{floor}'")
    return found


def test_every_folder_of_code_is_a_floor() -> None:
    assert {path.parts[0].removesuffix(".py") for path in SOURCES} <= {*FLOORS, *ROOF}


def test_no_import_points_upward() -> None:
    assert [climb for path in SOURCES for climb in _climbs(path, _text(path))] == []


@pytest.mark.parametrize(
    ("path", "text", "upward"),
    [
        ("sim/noise.py", "from ..blocks import Block", True),
        ("sim/noise.py", "from ..blocks.ports import Image", True),
        ("sim/channels/awgn.py", "def f():\n    from ... import cli", True),
        ("models/deepjscc/net.py", "from ...sim.channels import awgn", False),
        ("blocks/lookup.py", "from .block import Block", False),
        ("flowgraphs/runtime/run.py", "from ...blocks.block import Block", False),
        ("errors.py", "from .sim import noise", True),
    ],
)
def test_the_reader_of_imports_sees_what_climbs(path: str, text: str, *, upward: bool) -> None:
    assert bool(_climbs(Path(path), text)) is upward


def test_imports_inside_the_package_are_relative() -> None:
    absolute = [
        f"{path}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(_text(path)))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "semcom")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "semcom" for alias in node.names))
    ]
    assert absolute == []


@functools.cache
def _file_of(target: str) -> Path | None:
    """The file of a module of this package; of a name in a package, that package's own."""
    parts = target.split(".")
    if parts[0] != "semcom" or len(parts) == 1:
        return None
    inside = Path(*parts[1:])
    names = [f"{inside}.py", f"{inside}/__init__.py", f"{inside.parent}.py", f"{inside.parent}/__init__.py"]
    return next((Path(name) for name in names if (ROOT / name).is_file()), None)


def _loads_early(path: Path, way: tuple[str, ...] = (), seen: set[Path] | None = None) -> list[str]:
    """What heavy things importing a file imports, at once or by way of what it imports, each with the way there."""
    seen = set() if seen is None else seen
    seen.add(path)
    found = []
    for line, target, in_function in _imports(path, _text(path)):
        if in_function:
            continue
        here = (*way, f"{path}:{line}")
        if target.split(".")[0] in HEAVY:
            found.append(f"{' -> '.join(here)}: {target}: import it inside the method that needs it")
        inner = _file_of(target)
        if inner is not None and inner not in seen:
            found += _loads_early(inner, here, seen)
    return found


def test_checking_a_flowgraph_loads_nothing_heavy() -> None:
    assert [way for path in SOURCES if path.parts[0] == "blocks" for way in _loads_early(path)] == []


def test_the_way_to_what_is_heavy_is_told_across_files() -> None:
    (first, *_) = _loads_early(Path("models/deepjscc/engine.py"))
    assert first == "models/deepjscc/engine.py:10: torch: import it inside the method that needs it"
    ways = _loads_early(Path("models/cdm_jscc/engine.py"))
    assert any(" -> " in way and way.endswith("torch: import it inside the method that needs it") for way in ways)


def _circle(texts: Mapping[Path, str]) -> str:
    """A circle of imports, those inside functions included; what it names is imported by what comes next."""
    imports = {path: {_file_of(target) for _, target, _ in _imports(path, text)} for path, text in texts.items()}
    try:
        TopologicalSorter({path: inner - {None, path} for path, inner in imports.items()}).prepare()
    except CycleError as error:
        return " -> ".join(map(str, error.args[1]))
    return ""


def test_no_imports_go_in_circles() -> None:
    """A late import may hide one from Python, but neither file can then be read, tested or moved without the other."""
    assert _circle({path: _text(path) for path in SOURCES}) == ""


def test_a_circle_of_late_imports_is_told() -> None:
    mcs, thresholds = Path("sim/links/mcs.py"), Path("sim/links/thresholds.py")
    found = _circle({mcs: "def f():\n    from .thresholds import load_waterfalls", thresholds: "from . import mcs"})
    assert found in (f"{mcs} -> {thresholds} -> {mcs}", f"{thresholds} -> {mcs} -> {thresholds}")
    assert not _circle({mcs: "from ...errors import UsageError", thresholds: "from .mcs import Scheme"})


def _is_a_block(path: Path) -> bool:
    return path.parts[0] == "blocks" and len(path.parts) > 2 and not any(part.startswith("_") for part in path.parts)


def test_no_block_imports_another() -> None:
    """What blocks share has a file or a room of its own, whose name begins with _."""
    blocks = [path for path in SOURCES if _is_a_block(path)]
    found = [(path, _file_of(target)) for path in blocks for _, target, _ in _imports(path, _text(path))]
    assert [f"{path}: {file}" for path, file in found if file is not None and _is_a_block(file)] == []


def test_a_module_is_named_by_its_subject() -> None:
    assert [path for path in SOURCES if NO_SUBJECT & {part.removesuffix(".py") for part in path.parts}] == []
