"""The short form of `benchmarks/soak.py`, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
ITEMS = 20_000


@pytest.mark.slow
def test_memory_stays_flat_and_every_edge_gives_out_what_went_in() -> None:
    code = (
        f"import json, sys; sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        f"from soak import soak; done = soak({ITEMS})\n"
        "print(json.dumps({'lost': done.lost, 'growth_mib': done.growth_mib}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    done = json.loads(ended.stdout.splitlines()[-1])
    assert done["lost"] == []
    assert done["growth_mib"] < 8  # items kept by mistake on one edge would be as much, envelopes included
