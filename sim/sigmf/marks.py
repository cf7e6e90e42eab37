"""Annotations of SigMF: what is said of one place of a recording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Mark", "annotation", "read_mark"]

Value = float | int | str | bool | None


class Mark(NamedTuple):
    """What is said of a place; the fields are those of an annotation of a stream.

    Attributes:
        offset: Number of the sample.
        key: What it says: ``burst_start``.
        value: Of it, if there is one.
        length: Samples that it holds for; 0 for a single place.
    """

    offset: int
    key: str
    value: Value = None
    length: int = 0


def annotation(mark: Mark) -> dict[str, Any]:
    """Return a mark as SigMF's annotation object.

    The key is its label and the value ``semcom:value``; JSON has no numbers that are not finite, these become text.

    Args:
        mark: With the number of its sample in the recording.

    Example:
        >>> annotation(Mark(8, "burst_start", 3))
        {'core:sample_start': 8, 'core:label': 'burst_start', 'core:generator': 'gr-semcom', 'semcom:value': 3}
    """
    made: dict[str, Any] = {"core:sample_start": mark.offset}
    if mark.length:
        made["core:sample_count"] = mark.length
    made |= {"core:label": mark.key, "core:generator": "gr-semcom"}
    if mark.value is not None:
        unsayable = isinstance(mark.value, float) and not math.isfinite(mark.value)
        made["semcom:value"] = str(mark.value) if unsayable else mark.value
    return made


def read_mark(given: Mapping[str, Any]) -> Mark:
    """Return what an annotation object says; of other people's, the label, else ``annotation``, and the comment.

    Args:
        given: An annotation object that the schema of SigMF accepts.
    """
    value = given.get("semcom:value", given.get("core:comment"))
    return Mark(
        int(given["core:sample_start"]),
        given.get("core:label") or "annotation",
        value if isinstance(value, Value) else str(value),
        int(given.get("core:sample_count", 0)),
    )
