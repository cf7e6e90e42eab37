"""What a sweep goes over: ``esn0_db=0:20:2``, ``rate=1/24,1/12``, and the grid that several make."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ...errors import FlowgraphError, UsageError
from ..runtime.language.yaml_reader import parse_value, to_plain

__all__ = ["MAX_VALUES", "Over", "grid", "parse_over", "point_text", "value_text"]

MAX_VALUES = 10_000
"""Most values of one ``--over``, and most points of a grid."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER}):({_NUMBER})")
_NO_LIST = re.compile(rf"{_NUMBER}(?::{_NUMBER})+")  # a range of two or four numbers
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z_][A-Za-z0-9_]*")


class Over(NamedTuple):
    """One axis of a sweep.

    Attributes:
        name: A variable of the flowgraph, ``esn0_db``, or a parameter of a block, ``channel.esn0_db``.
        values: What it takes, in order, each once.
        also: What flowgraphs without it call the same: ``rate`` where ``name`` is ``cbr``.
    """

    name: str
    values: tuple[Any, ...]
    also: tuple[str, ...] = ()


def parse_over(text: str) -> Over:
    """Read ``NAME=START:STOP:STEP`` (STOP included where a step meets it) or ``NAME=VALUE,VALUE,...``.

    Values are read as YAML, as ``--set`` reads them; a range is reckoned in decimals, so ``0:1:0.1`` has 11 values.
    NAME may be several with commas between them, ``cbr,rate``: a flowgraph without the first is asked for the next.

    Raises:
        UsageError: the text has not this form, the step is 0 or leads away from STOP, or there are too many values.

    Example:
        >>> parse_over("esn0_db=0:4:2")
        Over(name='esn0_db', values=(0, 2, 4), also=())
        >>> parse_over("rate=1/24,1/12").values
        ('1/24', '1/12')
    """
    label = f"--over {text}"
    name, equals, spec = text.partition("=")
    name, spec = name.strip(), spec.strip()
    first, *also = (part.strip() for part in name.split(","))
    if not equals or not all(_NAME.fullmatch(part) for part in (first, *also)):
        raise UsageError(f"{label}: expected NAME=START:STOP:STEP or NAME=VALUE,VALUE: --over esn0_db=0:20:2")
    if not spec:
        raise UsageError(f"{label}: expected values, got none: --over {name}=0:20:2 or --over {name}=1,5,10")
    match = _RANGE.fullmatch(spec)
    values = _range(label, *map(Decimal, match.groups())) if match else _list(label, spec)
    return Over(first, tuple({value_text(value): value for value in values}.values()), tuple(also))


def grid(overs: Sequence[Over]) -> list[dict[str, Any]]:
    """Every combination of values, the last axis fastest; one empty point where nothing is swept.

    Raises:
        UsageError: a name occurs twice, or the grid has too many points.
    """
    names = [over.name for over in overs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--over {name}: given twice; name all its values in one: --over {name}=1,5,10")
    count = 1
    for over in overs:
        count *= len(over.values)
    if count > MAX_VALUES:
        raise UsageError(f"--over: expected at most {MAX_VALUES} points, got {count}; use larger steps")
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(over.values for over in overs))]


def value_text(value: Any) -> str:
    """A value as it stands in a table: a text as it is, anything else as JSON; 10.0 is written as 10."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


def point_text(point: Mapping[str, Any]) -> str:
    """A point in one line, for messages: ``esn0_db=5 rate=1/12``."""
    return " ".join(f"{name}={value_text(value)}" for name, value in point.items()) or "the only point"


def _range(label: str, start: Decimal, stop: Decimal, step: Decimal) -> list[int | float]:
    if step == 0:
        raise UsageError(f"{label}: expected a step other than 0")
    count = (stop - start) / step
    if count < 0:
        raise UsageError(f"{label}: the step leads away from {stop}; expected {start}:{stop}:{-step}")
    if count >= MAX_VALUES:
        raise UsageError(f"{label}: expected at most {MAX_VALUES} values, got {count:.0f}; use a larger step")
    values = [start + number * step for number in range(int(count) + 1)]
    whole = all(part == part.to_integral_value() for part in (start, step))
    return [int(value) for value in values] if whole else [float(value) for value in values]


def _list(label: str, spec: str) -> list[Any]:
    try:
        values = to_plain(parse_value(f"[{spec}]", label))
    except FlowgraphError:
        values = None
    if (
        _NO_LIST.fullmatch(spec)
        or not isinstance(values, list)
        or not values
        or None in values
        or len(values) > MAX_VALUES
    ):
        raise UsageError(f"{label}: expected START:STOP:STEP or values with commas between them, got {spec!r:.80}")
    return values
