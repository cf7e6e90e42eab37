"""Every error that users can meet, as one tree.

Each says where, what was expected, what came, and what to do; `exit_code` is what the command `semcom` ends with::

    SemcomError
    ├── UsageError            2  a file, an option or a name is wrong: nothing has run yet
    │   ├── FlowgraphError    2  one or many mistakes of a flowgraph file, each with file:line:column
    │   ├── UnknownBlock      2  no block of this name, or its file does not load
    │   ├── UnknownSystem     2  no system of this name, or what its record names does not load
    │   └── MissingExtra      2  an optional dependency is not installed; names the `pip install` line
    ├── InputError            1  a picture or a video cannot be read
    ├── WeightsError          1  a file of weights is missing, truncated, or not the file it should be
    ├── ExportError           1  an exported file does not compute what the network computes
    ├── SignalError           1  an array does not fit the port or the function it was given to
    ├── RunError              1  a run ended early
    │   ├── BlockError        1  a block raised; names it, where the flowgraph has it, its source and the item
    │   ├── JoinError         1  a block with several inputs would need more memory than its bound
    │   ├── WorkerLost        1  a worker process died
    │   └── EdgeError         1  an edge between two workers cannot go on
    │       ├── HelloRefused  1  the two ends of an edge do not agree
    │       └── WireError     1  a message is not one of ours: malformed, oversized or truncated
    ├── ControlError          1  a running flowgraph refused `set`, `swap` or `stop`, or none is running
    └── Interrupted         130  Ctrl-C
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = [
    "BlockError",
    "ControlError",
    "EdgeError",
    "ExportError",
    "FlowgraphError",
    "HelloRefused",
    "InputError",
    "Interrupted",
    "JoinError",
    "MissingExtra",
    "Problem",
    "RunError",
    "SemcomError",
    "SignalError",
    "UnknownBlock",
    "UnknownSystem",
    "UsageError",
    "WeightsError",
    "WireError",
    "WorkerLost",
    "at",
    "printable",
    "suggestion",
]


def printable(text: str) -> str:
    r"""Text that UTF-8 carries: what it cannot, a byte of a file name that is not UTF-8, is written ``\udcff``.

    Labels, messages and names of files pass through here where they are made, so that tables, pages, sockets and
    terminals take them.

    Example:
        >>> printable("photo-\udcff")
        'photo-\\udcff'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or the names there are if none is near and there are few, or nothing."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (there are: {', '.join(known)})" if 0 < len(known) <= 12 else ""


def at(where: str, message: str) -> str:
    """Return a message that begins with where the mistake is written, as a `Problem` does; alone if nobody knows.

    Example:
        >>> at("flow.yaml:7:3", "block 'photos': no such folder")
        "flow.yaml:7:3: block 'photos': no such folder"
    """
    return f"{where}: {message}" if where else message


class SemcomError(Exception):
    """Base of every error this package raises on purpose; its text is `printable`."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg) if isinstance(arg, str) else arg for arg in args))


class UsageError(SemcomError):
    """A file, an option or a name is wrong: nothing has run yet."""

    exit_code = 2


class Problem(NamedTuple):
    """One mistake in a flowgraph: where it stands and what to do about it.

    A mistake of a command-line option has the option in place of the file, and line 0.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}"


class FlowgraphError(UsageError):
    """All mistakes of a flowgraph, found in one pass.

    Args:
        problems: The mistakes, in the order of the file; at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownBlock(UsageError):
    """No block has this name, or the file that has it does not load."""


class UnknownSystem(UsageError):
    """No system has this name, or what its record names does not load."""


class MissingExtra(UsageError):
    """An optional dependency is needed and not installed.

    Args:
        who: What needs it, as the user named it: ``decoders/deepjscc``.
        module: The import that failed.
        extra: The extra of ``gr-semcom`` that brings it.
    """

    def __init__(self, who: str, module: str, extra: str) -> None:
        super().__init__(f'{who} needs {module}: pip install "gr-semcom[{extra}]"')


class InputError(SemcomError):
    """A picture or a video cannot be read."""


class WeightsError(SemcomError):
    """A file of weights is missing, truncated, or not the file it should be."""


class ExportError(SemcomError):
    """An exported file does not compute what the network computes."""


class SignalError(SemcomError):
    """An array does not fit the port or the function it was given to."""


class RunError(SemcomError):
    """A run ended early."""


class BlockError(RunError):
    """A block raised while it worked on an item.

    Args:
        block: The block's name in the flowgraph.
        place: ``file:line`` of the innermost frame that belongs to the block.
        seq: The item's number at its source; ``None`` outside of items (start, finish).
        reason: The class and text of what was raised.
        where: Where the flowgraph's author wrote the block, ``file:line:column``; empty where nobody knows.
    """

    def __init__(self, block: str, place: str, seq: int | None, reason: str, where: str = "") -> None:
        self.block, self.place, self.seq, self.reason, self.where = block, place, seq, reason, where
        item = "" if seq is None else f" at item {seq}"
        super().__init__(at(where, f"block '{block}'{item}: {reason} ({place})"))


class JoinError(RunError):
    """A block with several inputs would need more memory than its bound."""


class WorkerLost(RunError):
    """A worker process died."""


class EdgeError(RunError):
    """An edge between two workers cannot go on."""


class HelloRefused(EdgeError):
    """The two ends of an edge do not agree on format version, port type, rate or header fields."""


class WireError(EdgeError):
    """A message is malformed, oversized or truncated."""


class ControlError(SemcomError):
    """A running flowgraph refused a command, or no flowgraph is running."""


class Interrupted(SemcomError):
    """The user stopped the run."""

    exit_code = 130
