"""What every benchmark shares: rounds in turn, so that peers meet the same machine, and a table that shows ratios."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence

__all__ = ["machine", "print_table", "take_turns"]


def machine() -> str:
    """Describe the machine in one line, for the head of a table."""
    model = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"


def take_turns(runners: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call every runner once a round and return each one's figures.

    One round before them is not counted: it warms caches and imports.
    """
    figures: dict[str, list[float]] = {name: [] for name in runners}
    for index in range(rounds + 1):
        for name, runner in runners.items():
            figure = runner()
            if index:
                figures[name].append(figure)
    return figures


def print_table(title: str, unit: str, rows: Mapping[str, Mapping[str, Sequence[float]]], peers: Sequence[str]) -> None:
    """Print a Markdown table: a row a case, a column a contestant (median and range), ours as ratios to each peer.

    Args:
        title: Heading.
        unit: Of the figures.
        rows: Case → contestant → figures of the rounds.
        peers: The contestants that are not ours.
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    pairs = [(name, peer) for name in names if name not in peers for peer in names if peer in peers]
    print(f"\n## {title}\n\n{machine()}; {unit}, median (least to most)\n")
    print("| |" + "".join(f" {name} |" for name in names) + "".join(f" {name} / {peer} |" for name, peer in pairs))
    print("|---|" + "---|" * (len(names) + len(pairs)))
    for case, row in rows.items():
        cells = [_cell(row.get(name, ())) for name in names]
        ratios = [_ratio(row.get(name, ()), row.get(peer, ())) for name, peer in pairs]
        print(f"| {case} | " + " | ".join([*cells, *ratios]) + " |", flush=True)


def _cell(figures: Sequence[float]) -> str:
    if not figures:
        return "-"
    return f"{_short(statistics.median(figures))} ({_short(min(figures))} to {_short(max(figures))})"


def _ratio(ours: Sequence[float], peer: Sequence[float]) -> str:
    return f"**{statistics.median(ours) / statistics.median(peer):.2f}**" if ours and peer else "-"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
