"""What the command, the manual and the blocks know of a system before they load it. Needs no torch."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..errors import MissingExtra, UnknownSystem, UsageError
from .system_name import system_name
from .weights.shipped import ShippedWeights

if TYPE_CHECKING:
    from .weights.publication import Publication

__all__ = ["USERS_NUMBERS", "Part", "System", "Variant"]

USERS_NUMBERS = range(192, 256)
"""Of ModelId: free for systems outside of this package, which has the numbers below."""
Part = Literal["codec", "engine", "training", "export"]


class Variant(NamedTuple):
    """One set of weights of a system.

    Attributes:
        name: What users call it.
        number: That stands for it in the header, in ModelId.
        weights: The file that comes with the system, its card beside it; None: published elsewhere, or users' own.
    """

    name: str
    number: int
    weights: Path | None


@dataclass(frozen=True, kw_only=True)
class System:
    """The record of a system: ``SYSTEM = System(module=__name__, ...)`` in ``system.py`` of its folder.

    The folder's name is the system's (``cdm_jscc`` is ``cdm-jscc``), its ``configs/*.yaml`` are its recipes. What needs
    torch is named by a text, ``file:name``: a module of the folder and what it defines, imported when it is asked for.

    Attributes:
        module: ``__name__`` of the file of the record.
        doc: One line: what it is.
        paper: What it follows.
        numbers: Of its variants, in ModelId; the first of them is what users get who name none.
        weights: Variants whose weights come with the system: ``weights/VARIANT.safetensors``, each with its card.
        published: Weights that others have published.
        recipe: The recipe that is taken where none is named.
        codec: Class that turns pictures into frames and back; needs no torch.
        engine: Function that loads weights into torch: variant, weights and role to a codec.
        training: Class of `Run`.
        export: Function that writes ONNX files.
    """

    module: str
    doc: str
    paper: str
    numbers: Mapping[Any, int]  # the keys are a Literal of the system's own
    weights: tuple[str, ...] = ()
    published: Publication | None = None
    recipe: str = ""
    codec: str = ""
    engine: str = ""
    training: str = ""
    export: str = ""

    def __post_init__(self) -> None:
        values = list(self.numbers.values())
        if not values or len(set(values)) < len(values):
            raise ValueError(f"numbers: expected one variant at least and a number of its own for each, got {values}")
        if unknown := set(self.weights) - set(self.numbers):
            raise ValueError(f"weights: expected variants that have a number, got {', '.join(sorted(unknown))}")

    @cached_property
    def path(self) -> Path:
        """The file of the record."""
        return Path(str(sys.modules[self.module].__file__))

    @property
    def folder(self) -> Path:
        """Where all of the system lies."""
        return self.path.parent

    @property
    def name(self) -> str:
        """What users call it."""
        return system_name(self.folder)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Its sets of weights, in the record's order."""
        return tuple(
            Variant(name, number, self.folder / f"weights/{name}.safetensors" if name in self.weights else None)
            for name, number in self.numbers.items()
        )

    @property
    def recipes(self) -> dict[str, Path]:
        """The recipes of its training, by name."""
        return {file.stem: file for file in sorted(self.folder.glob("configs/*.yaml"))}

    def recipe_file(self, name: str) -> Path:
        """Return a recipe's file: a path, or the name of one of the system's own.

        Raises:
            UsageError: it is neither.
        """
        path = Path(name)
        if path.is_file():
            return path
        if name not in self.recipes:
            have = ", ".join(self.recipes) or "none"
            raise UsageError(f"--config {name}: expected a file or one of the shipped: {have}")
        return self.recipes[name]

    @property
    def shipped(self) -> ShippedWeights:
        """The weights that come with it."""
        return ShippedWeights(self.folder)

    def load(self, part: Part, who: str, extra: str = "models") -> Any:
        """Import what the record names.

        Args:
            part: Which of its texts.
            who: For whom, as the user named it: ``semcom train deepjscc``.
            extra: Of this distribution, that brings what it needs.

        Raises:
            MissingExtra: something of the extra is not installed.
            UnknownSystem: the record names none, or what it names does not load.
        """
        reference = getattr(self, part)
        file, _, name = reference.partition(":")
        if not name:
            raise UnknownSystem(f'{self.path}: {part}: expected "file:name", got {reference!r}; {who} needs it')
        try:
            module = importlib.import_module(f"{self.module.rpartition('.')[0]}.{file}")
        except (Exception, SystemExit) as error:  # a system may raise anything; it is reported, not passed on
            if isinstance(error, ModuleNotFoundError) and _is_of_an_extra(error.name or ""):
                raise MissingExtra(who, str(error.name), extra) from None
            why = f"does not load: {type(error).__name__}: {error}"
            raise UnknownSystem(f'{self.path}: {part}="{reference}" {why}; mend the record or what it names') from error
        if not hasattr(module, name):
            raise UnknownSystem(
                f'{self.path}: {part}="{reference}": {module.__file__} defines no {name}; mend the record or that file'
            )
        return getattr(module, name)


def _is_of_an_extra(module: str) -> bool:
    """Whether an extra of this distribution brings a module."""
    top = module.partition(".")[0]
    try:
        lines = requires("gr-semcom") or []
    except PackageNotFoundError:  # a checkout that nobody installed: most likely
        return not top.startswith("semcom")
    return top in {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in lines if "extra ==" in line}
