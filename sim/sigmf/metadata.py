"""The metadata of a recording as it is written: SigMF's JSON, one line an entry."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["EXTENSION", "SPECIFICATION", "capture", "compose"]

SPECIFICATION = "1.2.6"
"""Version of SigMF that is written and checked against."""

EXTENSION = {"name": "semcom", "version": "1.0.0", "optional": True}
"""The own namespace, as ``core:extensions`` declares it. Keys of ``global``: ``semcom:full_scale`` (of a part; what the
code 2^(bits - 1) stands for), ``semcom:graph_sha256`` and ``semcom:seed`` (of the run), ``semcom:esn0_db``,
``semcom:clipped_samples`` and ``semcom:non_finite_samples`` (written as zeros). Of an annotation: ``semcom:value``."""


def capture(sample_start: int, global_index: int, born_s: float, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a capture object: a stretch of samples without a gap.

    Args:
        sample_start: Number of its first sample in the recording.
        global_index: Number of that sample in the stream that was recorded.
        born_s: When the source made it, seconds of the host's clock; 0 when unknown.
        more: Further fields: ``core:frequency``.
    """
    made: dict[str, Any] = {"core:sample_start": sample_start, "core:global_index": global_index}
    if born_s:
        moment = datetime.datetime.fromtimestamp(born_s, datetime.UTC)
        made["core:datetime"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return made | dict(more)


def compose(top: Mapping[str, Any], captures: Iterable[str], annotations: Iterable[str]) -> str:
    """Return the text of a `.sigmf-meta` file.

    Args:
        top: The global object, but for version and extensions.
        captures: Each as JSON, by rising sample_start.
        annotations: Each as JSON, by rising sample_start.
    """
    named = {**top, "core:version": SPECIFICATION, "core:extensions": [EXTENSION]}
    parts = [_lines("captures", "[]", captures), _lines("annotations", "[]", annotations)]
    entries = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in named.items())
    return "{\n" + ",\n".join([_lines("global", "{}", entries), *parts]) + "\n}\n"


def _lines(name: str, brackets: str, entries: Iterable[str]) -> str:
    inner = ",\n".join(f"  {entry}" for entry in entries)
    return f'"{name}": {brackets[0]}' + (f"\n{inner}\n" if inner else "") + brackets[1]
