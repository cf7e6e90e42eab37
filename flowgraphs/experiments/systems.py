"""The systems that a sweep compares: flowgraphs with their own overrides, resolved at every point of the grid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from ...errors import FlowgraphError, Problem, UsageError, suggestion
from ..runtime.language.check import Checked, check_flowgraph
from ..runtime.language.document import VARIABLE
from ..runtime.language.overrides import Overrides
from ..runtime.language.parameters import scalar_text
from ..runtime.language.shipped import find_flowgraph
from ..runtime.language.yaml_reader import MapNode, read_yaml

__all__ = ["Compared", "parse_systems"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. +-]{0,63}")
_PREFIX = re.compile(r"([A-Za-z0-9][A-Za-z0-9_. +-]{0,63}):([^=]+=.*)", re.DOTALL)


@dataclass(frozen=True)
class Compared:
    """One flowgraph of a comparison.

    Attributes:
        name: What tables and plots call it.
        file: A path, or the name of a shipped flowgraph.
        overrides: What replaces values of the file at every point.
        names: Its variables and blocks.
        bound: Parameters that the file writes as ``$variable``: ``{"channel.esn0_db": "esn0_db"}``.
    """

    name: str
    file: str
    overrides: Overrides = field(default_factory=Overrides)
    names: frozenset[str] = frozenset()
    bound: Mapping[str, str] = field(default_factory=dict)

    def check(self, point: Mapping[str, Any], also: Mapping[str, tuple[str, ...]] | None = None) -> Checked:
        """Resolve the flowgraph at a point.

        Args:
            point: Axis → value.
            also: Axis → other names of it, for flowgraphs that do not have the first.

        Raises:
            FlowgraphError: the file, the overrides or the point have mistakes; those of the point name ``--over``.
        """
        values, sets = dict(self.overrides.vars), dict(self.overrides.sets)
        labels = {}
        for axis, value in point.items():
            name = self.called(axis, (also or {}).get(axis, ()))
            variable = self.variable_of(name)
            target, label = (values, f"--var {variable}=") if variable is not None else (sets, f"--set {name}=")
            if (variable or name) in target:
                raise UsageError(f"--over {name}: {self.name}: {label[:-1]} is given as well; leave one of them out")
            target[variable or name] = value
            labels[label] = name
        overrides = replace(self.overrides, vars=values, sets=sets)
        try:
            checked = check_flowgraph(self.file, overrides)
        except FlowgraphError as error:
            raise FlowgraphError([_relabel(problem, labels, self.name) for problem in error.problems]) from None
        blocks = tuple(
            msgspec.structs.replace(block, written=tuple(_as_over(option, labels) for option in block.written))
            for block in checked.graph.blocks
        )
        return replace(checked, graph=msgspec.structs.replace(checked.graph, blocks=blocks))

    def called(self, axis: str, also: Sequence[str]) -> str:
        """What the flowgraph calls an axis: the first of its names that it has; where it has none, the first."""
        return next((name for name in (axis, *also) if name.partition(".")[0] in self.names), axis)

    def variable_of(self, name: str) -> str | None:
        """The variable that ``--over NAME`` sets; None where it sets a block's parameter."""
        return self.bound.get(name) if "." in name else name


def parse_systems(
    files: Sequence[str],
    *,
    vars: Iterable[str] = (),
    sets: Iterable[str] = (),
    swaps: Iterable[str] = (),
    seed: int | None = None,
) -> list[Compared]:
    """Read the systems of a command line.

    Args:
        files: Each a path or the name of a shipped flowgraph, or ``NAME=`` and one of them. Without a name it is the
            flowgraph's own.
        vars: ``name=value`` for all systems, or ``SYSTEM:name=value`` for one; so are ``sets`` and ``swaps``.
        sets: ``block.parameter=value``.
        swaps: ``block=use``.
        seed: Of every random stream, in all of them.

    Raises:
        UsageError: two systems have one name, an override names none, or a file cannot be read.
    """
    found: dict[str, str] = {}
    for text in files:
        name, file = _named(text)
        if name in found:
            raise UsageError(f"{text}: two systems are called {name!r}; name them: A={found[name]} B={file}")
        found[name] = file
    options = {"vars": vars, "sets": sets, "swaps": swaps}
    given: dict[str, dict[str, list[str]]] = {name: {option: [] for option in options} for name in found}
    for option, texts in options.items():
        for text in texts:
            match = _PREFIX.fullmatch(text)
            if match and match[1] not in found:
                label = f"--{option[:-1]} {text}"
                raise UsageError(f"{label}: no system {match[1]!r}{suggestion(match[1], found)}")
            for name in [match[1]] if match else found:
                given[name][option].append(match[2] if match else text)
    return [
        Compared(
            name,
            file,
            Overrides.parse(vars=own["vars"], sets=own["sets"], swaps=own["swaps"], seed=seed),
            *_names(file, own["sets"]),
        )
        for (name, file), own in zip(found.items(), given.values(), strict=True)
    ]


def _named(text: str) -> tuple[str, str]:
    """Split ``NAME=FILE``; without a name take the flowgraph's own."""
    name, equals, file = text.partition("=")
    if equals and file and _NAME.fullmatch(name):
        return name, file
    root, _ = read_yaml(find_flowgraph(text))
    own = root.get("name") if isinstance(root, MapNode) else None
    return (own and scalar_text(own)) or find_flowgraph(text).stem, text


def _names(file: str, sets: Sequence[str]) -> tuple[frozenset[str], dict[str, str]]:
    """A file's variables and blocks, and which parameters it writes as a variable, those of ``--set`` left out."""
    root, _ = read_yaml(find_flowgraph(file))
    parts = [root.get(key) if isinstance(root, MapNode) else None for key in ("vars", "blocks")]
    variables, blocks = (part.entries if isinstance(part, MapNode) else {} for part in parts)
    bound = {}
    for block, (_, node) in blocks.items():
        for param, (_, value) in node.entries.items() if isinstance(node, MapNode) else ():
            match = VARIABLE.fullmatch(scalar_text(value) or "")
            if match:
                bound[f"{block}.{param}"] = match[1]
    for text in sets:
        bound.pop(text.partition("=")[0].strip(), None)
    return frozenset([*variables, *blocks]), bound


def _relabel(problem: Problem, labels: Mapping[str, str], system: str) -> Problem:
    """Name the option that the user wrote, not the one that it stands for."""
    file = _as_over(problem.file, labels)
    return problem if file == problem.file else problem._replace(file=file, message=f"{system}: {problem.message}")


def _as_over(option: str, labels: Mapping[str, str]) -> str:
    """``--over axis=value`` for an option that stands for it; any other text as it is."""
    for label, name in labels.items():
        if option.startswith(label):
            return f"--over {name}={option.removeprefix(label)}"
    return option
