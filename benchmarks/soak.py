"""A long run: small items through ten blocks. Memory stays flat after warm-up, and every edge gives out what went in.

Figures: resident memory in MiB at a quarter, at half and at the end of the run, and items a second. A short form is in
the tests.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import machine
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

BLOCKS = 10
ITEM_SAMPLES = 16


@dataclass
class Soak:
    """What a soak showed.

    Attributes:
        items: That each edge should have carried.
        lost: Edges of which in, out and items are not the same.
        resident_mib: Resident memory, about twice a second, with the share of the items done.
        items_per_s: Through all ten blocks.
    """

    items: int
    lost: list[str]
    resident_mib: list[tuple[float, float]]
    items_per_s: float

    def resident_at(self, share: float) -> float:
        """Resident memory when this share of the items was done."""
        return next((mib for done, mib in self.resident_mib if done >= share), self.resident_mib[-1][1])

    @property
    def growth_mib(self) -> float:
        """From a quarter of the run to its end."""
        return self.resident_mib[-1][1] - self.resident_at(0.25)


def soak(items: int, executor: Any = "threads") -> Soak:
    """Run it."""
    names = [f"copy{index}" for index in range(BLOCKS)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "soak.yaml"
        file.write_text(
            "semcom: 1\nname: soak\nblocks:\n"
            f"  zeros: {{use: sources/zeros, chunk: {ITEM_SAMPLES}, samples: {ITEM_SAMPLES * items}}}\n"
            + "".join(f"  {name}: {{use: channels/copy}}\n" for name in names)
            + f"  nobody: {{use: sinks/null}}\nconnect:\n  - {' -> '.join(['zeros', *names, 'nobody'])}\n"
        )
        seen: list[tuple[float, float]] = []

        def look(status: dict[str, Any]) -> None:
            seen.append((status["blocks"]["nobody"]["items"] / items, resident_mib()))

        result = run(load_graph(file), RunOptions(executor=executor, out=Path(folder)), look)
    seen.append((1.0, resident_mib()))
    lost = [name for name, edge in result.edges.items() if not edge.into == edge.out == items]
    return Soak(items, lost, seen, items / result.duration_s)


def resident_mib() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main(items: int = 200_000) -> None:
    """Soak and print."""
    done = soak(items)
    print(f"\n## Soak: {items:,} items through {BLOCKS} blocks\n\n{machine()}\n")
    print("| resident at 25 % | at 50 % | at the end | growth | items a second | in = out on every edge |")
    print("|---|---|---|---|---|---|")
    at = [f"{done.resident_at(share):.1f} MiB" for share in (0.25, 0.5, 1.0)]
    print(
        f"| {' | '.join(at)} | {done.growth_mib:+.1f} MiB | {done.items_per_s:,.0f} | {'no' if done.lost else 'yes'} |"
    )
    if done.lost:
        raise SystemExit(f"lost items on {', '.join(done.lost)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
