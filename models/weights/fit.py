"""Whether a file of weights fits a network, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Fit", "Shape", "compare", "require_fit", "shapes_of"]

Shape = tuple[int, ...]

SHOWN = 10  # keys of each kind in a message


class Fit(NamedTuple):
    """Where a file and a network differ.

    Attributes:
        wanted: How many tensors the network has.
        missing: Keys that the file lacks.
        extra: Keys that the network lacks.
        reshaped: Keys of both, with the shape in the network and the shape in the file.
    """

    wanted: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    reshaped: tuple[tuple[str, Shape, Shape], ...]

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.extra or self.reshaped)

    def report(self) -> str:
        """One line for each kind of difference, the first keys of each."""
        lines = []
        if self.missing:
            lines.append(f"missing, {len(self.missing)} of {self.wanted}: {_first(self.missing)}")
        if self.extra:
            lines.append(f"extra, {len(self.extra)}: {_first(self.extra)}")
        if self.reshaped:
            said = [f"{key} (expected {list(ours)}, got {list(theirs)})" for key, ours, theirs in self.reshaped]
            lines.append(f"of another shape, {len(self.reshaped)} of {self.wanted}: {_first(said)}")
        return "\n".join(f"  {line}" for line in lines)


def _first(said: Sequence[str]) -> str:
    return ", ".join(said[:SHOWN]) + (", ..." if len(said) > SHOWN else "")


def compare(network: Mapping[str, Shape], file: Mapping[str, Shape]) -> Fit:
    """Compare what a network has with what a file has.

    The counters of batches that normalisations keep may be missing: nothing reads them.

    Args:
        network: Shapes by key.
        file: Shapes by key, in the network's layout.
    """
    missing = [key for key in network if key not in file and not key.endswith("num_batches_tracked")]
    extra = [key for key in file if key not in network]
    both = [key for key in network if key in file and tuple(network[key]) != tuple(file[key])]
    reshaped = [(key, tuple(network[key]), tuple(file[key])) for key in both]
    return Fit(len(network), tuple(missing), tuple(extra), tuple(reshaped))


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Shapes by key."""
    return {key: tuple(value.shape) for key, value in tensors.items()}


def require_fit(
    path: Path, what: str, network: Mapping[str, Tensor], file: Mapping[str, Tensor], *, seems: str | None = None
) -> None:
    """Refuse a file that does not fit.

    Args:
        path: Of the file.
        what: It should hold.
        network: Tensors of the network by key.
        file: Tensors of the file, in the network's layout.
        seems: What the file seems to be, if it does not fit.

    Raises:
        WeightsError: says key by key what differs.
    """
    fit = compare(shapes_of(network), shapes_of(file))
    if not fit.good:
        lines = [f"{path}: does not fit {what}:", fit.report(), *([f"  {seems}"] if seems else [])]
        raise WeightsError("\n".join(lines))
