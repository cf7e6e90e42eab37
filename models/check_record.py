"""Holds a record against what lies in its system's folder, without loading any of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from ..errors import WeightsError
from .model_card import ModelCard, card_path
from .system import Part, System
from .weights.file import sha256_of

__all__ = ["check_record"]


def check_record(system: System) -> Iterator[str]:
    """Yield what a record says and its folder does not hold: one sentence each, with the path and what to do."""
    if system.recipe and system.recipe not in system.recipes:
        have = ", ".join(system.recipes) or "none"
        yield f"{system.path}: recipe: expected one of configs/*.yaml ({have}), got {system.recipe!r}; add or rename it"
    for part in get_args(Part):
        if reference := getattr(system, part):
            yield from _check_reference(system, part, reference)
    for variant in system.variants:
        if variant.weights is not None:
            yield from _check_weights(system, variant.name, variant.weights)


def _check_reference(system: System, part: str, reference: str) -> Iterator[str]:
    name, _, attribute = reference.partition(":")
    inside = system.folder.joinpath(*name.split("."))
    file = inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")
    where = f'{system.path}: {part}="{reference}"'
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), file.name)
    except FileNotFoundError:
        yield f"{where}: expected a file {file}, found none; mend the record or add the file"
    except (OSError, SyntaxError, ValueError) as error:
        yield f"{where}: {file} cannot be read: {type(error).__name__}: {error}; mend that file"
    else:
        if attribute not in set(_defined(tree)):
            yield f"{where}: {file} defines no {attribute or 'name, since the record gives none'}; mend one of them"


def _defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module has once it is imported, as far as its text shows."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _check_weights(system: System, variant: str, file: Path) -> Iterator[str]:
    where = f"{system.path}: weights of {variant}"
    if not file.is_file():
        yield f"{where}: expected a file {file}, found none; add it, or take the variant out of `weights`"
        return
    try:
        card = ModelCard.read(card_path(file))
    except WeightsError as error:
        yield f"{where}: {error}"
        return
    if (found := sha256_of(file)) != card.sha256:
        yield (
            f"{where}: {file}: expected SHA-256 {card.sha256[:16]}..., got {found[:16]}...: not the file that "
            f"{card_path(file).name} describes; take both from the same place"
        )
