"""Finds systems: the path is the name. `cdm-jscc` is `models/cdm_jscc/system.py`; nothing is registered by hand.

Three places: this package; packages of other distributions that the entry-point group ``semcom.systems`` names (an
entry ``x = "mylab.my_system"`` makes ``mylab/my_system/system.py`` known as ``my-system``); and folders, ``./toy``. A
record is imported and nothing else of its system; one that is broken breaks nothing else.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path

from ..errors import UnknownSystem, suggestion
from .plugins import import_folder, package_folder
from .system import USERS_NUMBERS, System
from .system_name import system_name

__all__ = ["Found", "find_system", "list_systems", "look_up"]

ENTRY_POINTS = "semcom.systems"
RECORD = "system.py"


@dataclass(frozen=True)
class Found:
    """A system's folder.

    Attributes:
        name: What users call it.
        path: The file of its record.
        system: The record; None where it is broken.
        broken: Why it cannot be used, where it lies and what to do; empty when it can.
    """

    name: str
    path: Path
    system: System | None = None
    broken: str = ""


def list_systems() -> list[Found]:
    """List the systems of this package and the installed ones, sorted by name, this package's first, broken ones too.

    A system that claims a number or a name that one before it has is broken.
    """
    found: list[Found] = []
    for one in _all():
        found.append(_beside(one, found))
    return found


def look_up(name: str, base: Path | None = None) -> Found:
    """Find a system by its name, broken or not.

    Args:
        name: ``cdm-jscc``, or a folder, which has a slash in it: ``./toy``.
        base: The folder that relative paths start from. Default: the working directory.

    Raises:
        UnknownSystem: nothing has this name; the message suggests the nearest.
    """
    if os.sep in name:
        folder = ((base or Path()) / Path(name).expanduser()).resolve()
        if not (folder / RECORD).is_file():
            raise UnknownSystem(f"no system {name}: expected a folder with a file {RECORD}, found none at {folder}")
        others = [one for one in list_systems() if one.path.resolve() != folder / RECORD]
        return _beside(_of_folder(folder), others)
    systems = {one.name: one for one in list_systems()}
    if name not in systems:
        hint = suggestion(name, systems)
        raise UnknownSystem(f"no system {name!r}{hint}; `semcom systems` lists them, a folder is written ./{name}")
    return systems[name]


def find_system(name: str, base: Path | None = None) -> System:
    """Find the record of a system; see `look_up`.

    Raises:
        UnknownSystem: nothing has this name, or the record is broken.
    """
    found = look_up(name, base)
    if found.system is None:
        raise UnknownSystem(found.broken)
    return found.system


def _all() -> Iterator[Found]:
    from . import __path__ as folders

    records = (path for folder in folders for path in Path(folder).glob(f"*/{RECORD}"))
    for path in sorted(records, key=lambda path: path.parent.name):
        yield _of_package(f"{__package__}.{path.parent.name}", path)
    for entry in sorted(entry_points(group=ENTRY_POINTS)):
        try:
            path = package_folder(entry.value) / RECORD
        except (Exception, SystemExit) as error:  # to find `mylab.my_system`, `mylab` is imported
            why = f"{entry.name} = {entry.value!r}: {type(error).__name__}: {error}"
            broken = f"{why}; mend or remove the distribution that has this entry"
            yield Found(entry.name, Path(entry.value), broken=broken)
            continue
        yield _checked_number(_of_package(entry.value, path))


def _of_folder(folder: Path) -> Found:
    try:
        package = import_folder(folder).__name__
    except (Exception, SystemExit) as error:
        return _broken(folder / RECORD, f"{folder}: does not load: {type(error).__name__}: {error}")
    return _checked_number(_of_package(package, folder / RECORD))


def _of_package(package: str, path: Path) -> Found:
    try:
        record = importlib.import_module(f"{package}.{path.stem}").SYSTEM
    except (Exception, SystemExit) as error:  # a record may raise anything; it is reported, not passed on
        return _broken(path, f"{path}: does not load: {type(error).__name__}: {error}")
    if not isinstance(record, System):
        return _broken(path, f"{path}: expected SYSTEM to be a System, got {type(record).__name__}")
    return Found(record.name, path, record)


def _broken(path: Path, why: str) -> Found:
    return Found(system_name(path.parent), path, broken=f"{why}; mend it or remove it")


def _checked_number(found: Found) -> Found:
    """Refuse numbers that are kept for this package."""
    for variant in found.system.variants if found.system else ():
        if variant.number not in USERS_NUMBERS:
            first, last = USERS_NUMBERS[0], USERS_NUMBERS[-1]
            why = f"{found.path}: variant {variant.name}: expected a number of {first} to {last}, got {variant.number}"
            return replace(found, system=None, broken=f"{why}; the others are kept for gr-semcom")
    return found


def _beside(found: Found, others: list[Found]) -> Found:
    """Refuse a name or a number that another system has."""
    for other in others:
        if other.name == found.name and not found.broken:
            why = f"{found.path} and {other.path}: two systems are called {found.name}"
            return replace(found, system=None, broken=f"{why}; rename the folder of one")
        taken = {v.number: v.name for v in other.system.variants} if other.system else {}
        for variant in found.system.variants if found.system else ():
            if variant.number in taken:
                theirs = f"{other.name} {taken[variant.number]}"
                why = f"{found.path} and {other.path}: two systems claim the number {variant.number}"
                broken = f"{why}, for {found.name} {variant.name} and for {theirs}; give one of them another"
                return replace(found, system=None, broken=broken)
    return found
