"""Small files of GNU Radio Companion, as a user would draw them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import yaml

STATES = {"bus_sink": False, "bus_source": False, "bus_structure": None, "coordinate": [8, 8]}
STATES |= {"rotation": 0, "state": "enabled"}


def write_grc(path: Path, blocks: dict[str, tuple[str, dict[str, Any]]], *chains: str) -> Path:
    """Write a file whose blocks are joined in chains: ``tone head sink``; every value is text there."""
    options = {"id": path.stem, "title": path.stem, "generate_options": "no_gui", "output_language": "python"}
    options |= {"run_options": "run", "run": "True", "realtime_scheduling": "", "catch_exceptions": "True"}
    drawn = [
        {"name": name, "id": use, "parameters": {key: str(value) for key, value in given.items()}, "states": STATES}
        for name, (use, given) in blocks.items()
    ]
    rows = [chain.split() for chain in chains]
    lines = [[a, "0", b, "0"] for row in rows for a, b in itertools.pairwise(row)]
    data = {
        "options": {"parameters": options, "states": STATES},
        "blocks": drawn,
        "connections": lines,
        "metadata": {"file_format": 1},
    }
    path.write_text(yaml.safe_dump(data))
    return path
