"""How long a user waits: the command's help, a check, and the whole quick start, each from a cold process, warm disk.

Figures: seconds of wall time, beside an interpreter that starts and ends.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from functools import partial

from figures import print_table, take_turns


def seconds(command: list[str]) -> float:
    """Wall time of one command."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began


def main(rounds: int = 5) -> None:
    """Measure and print."""
    semcom = [sys.executable, "-m", "semcom"]
    cases = {
        "semcom --help": [*semcom, "--help"],
        "semcom check quickstart": [*semcom, "check", "quickstart"],
        "semcom run quickstart": [*semcom, "run", "quickstart", "--quiet", "--out", "out"],
    }
    idle = partial(seconds, [sys.executable, "-c", "pass"])
    rows = {
        case: take_turns({"semcom": partial(seconds, command), "python -c pass": idle}, rounds)
        for case, command in cases.items()
    }
    print_table("Waiting for the command", "seconds", rows, ["python -c pass"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
