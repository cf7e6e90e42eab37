"""A sweep of three systems at eleven SNRs over a folder of pictures: by one worker and by two, and what is lost.

    python benchmarks/sweep_speed.py --data DIR

Prints seconds from the first task on, the speed-up, the share of the workers' time outside of tasks, which is
1 - (time inside tasks) / (workers x seconds), and the seconds before the first task and after the last one: reading of
flowgraphs, dask, tables. Every sweep begins anew; the results of all are compared, clock readings aside.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import machine

SYSTEMS = ("adaptive=deepjscc-awgn", "linear=deepjscc-awgn", "deepjscc-q=deepjscc-q")
OVERRIDES = ("linear:encoder.variant=linear",)


def sweep(folder: Path, workers: int, arguments: argparse.Namespace) -> dict[str, Any]:
    sets = [*arguments.set, f"photos.size={arguments.size}"]
    command = [
        sys.executable, "-m", "semcom", "sweep", *arguments.systems, "--over", f"esn0_db={arguments.over}",
        "--images", str(arguments.data), "--out", str(folder), "--workers", str(workers), "--json", "--quiet",
        *(word for text in sets for word in ("--set", text)),
        *(["--max-items", str(arguments.max_items)] if arguments.max_items else []),
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**record, "wall_s": time.monotonic() - began}


def items(folder: Path) -> list[list[str]]:
    with (folder / "items.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    clock = rows[0].index("latency_s")
    return sorted(row[:clock] + row[clock + 1 :] for row in rows[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures: the 24 of Kodak")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), help="flowgraphs, as semcom sweep takes them")
    parser.add_argument("--set", action="append", default=list(OVERRIDES), help="as semcom sweep takes it")
    parser.add_argument("--over", default="0:20:2", help="Es/N0 in dB (default: 0:20:2)")
    parser.add_argument("--size", default="null", help="of the pictures, [H, W] (default: their own)")
    parser.add_argument("--max-items", type=int, help="pictures at most")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="numbers of workers (default: 1 2)")
    arguments = parser.parse_args()
    found: dict[int, dict[str, Any]] = {}
    tables = []
    with tempfile.TemporaryDirectory() as scratch:
        for workers in arguments.workers:
            folder = Path(scratch) / str(workers)
            found[workers] = sweep(folder, workers, arguments)
            tables.append(items(folder))
    first = found[arguments.workers[0]]
    print(f"\n## Sweep\n\n{machine()}; {first['points']} points, {first['items']} items, pictures {arguments.size}\n")
    print("| workers | s | items/s | speed-up | s inside tasks | share outside tasks | s before and after |")
    print("|---|---|---|---|---|---|---|")
    for workers, record in found.items():
        seconds, share = record["duration_s"], record["idle_share"]
        print(
            f"| {workers} | {seconds:.1f} | {record['items'] / seconds:.2f} | {first['duration_s'] / seconds:.2f} | "
            f"{record['busy_s']:.1f} | {share:.2%} | {record['wall_s'] - seconds:.1f} |"
        )
    print(f"\nsame items: {'yes' if all(table == tables[0] for table in tables) else 'NO'}")


if __name__ == "__main__":
    main()
