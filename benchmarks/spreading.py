"""What spreading over the frame brings over fading, on the Kodak pictures.

    python benchmarks/spreading.py --data DIR [--images N]

Runs CDM-JSCC D over Rayleigh fading as ``cdm-jscc-rayleigh`` has it and as ``cdm-jscc-spread`` has it, each picture
whole, over the same fades and noise. Goes on where it was stopped: rows are kept under ``--out``. Writes
``docs/spreading.md`` and ``.csv``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from curves import pictures_of, write_rows
from measured_pictures import Point, System, Wanted, measure
from semcom.flowgraphs.experiments.statistics import paired_difference

LEVELS_DB = (-5, 0, 5, 10, 15, 20)
CBRS = ("1/48", "1/24", "1/12")
COHERENCES = (256, 16)
FLOWGRAPHS = {"as it is": "cdm-jscc-rayleigh", "spread": "cdm-jscc-spread"}


def name_of(kind: str, coherence: int) -> str:
    """What rows call it."""
    return f"{kind} {coherence}"


def system_of(kind: str, coherence: int) -> System:
    """A flowgraph with so many symbols of one gain."""
    return System(
        name_of(kind, coherence), FLOWGRAPHS[kind], ("cbr={cbr}",), (f"channel.coherence_symbols={coherence}",)
    )


def page(rows: Sequence[dict[str, Any]], count: int) -> str:
    """The whole page."""
    titles = " | ".join(f"{level} dB" for level in LEVELS_DB)
    text = [
        "# Spreading over the frame, on Kodak",
        "",
        f"Made by `python benchmarks/spreading.py --data DIR{'' if count == 24 else f' --images {count}'}`; do not "
        "edit.",
        "",
        f"{count} of the 24 Kodak pictures, each whole, CDM-JSCC D over Rayleigh fading, the same fades and noise for "
        "both; the receiver knows all gains, the transmitter the mean Es/N0. A frame sends patch after patch, so that "
        "a fade takes some patches whole. With `mappers/spread_symbols` and `mappers/despread_symbols` around the "
        "channel it takes a little of all. Length and header are the same. The pictures were used for nothing else.",
    ]
    for cbr in CBRS:
        text += ["", f"## CBR {cbr}", "", f"| PSNR in dB | {titles} |", "|---|" + "---:|" * len(LEVELS_DB)]
        for coherence in COHERENCES:
            for kind in FLOWGRAPHS:
                name, cells = name_of(kind, coherence), []
                for level in LEVELS_DB:
                    found = [
                        row["psnr_db"]
                        for row in rows
                        if (row["system"], row["target_cbr"], row["esn0_db"]) == (name, cbr, str(level))
                    ]
                    cells.append(f"{np.mean(found):.2f}")
                text.append(f"| {kind}, {coherence} symbols of one gain | " + " | ".join(cells) + " |")
        text += ["", f"| gain in dB, 95 % interval | {titles} |", "|---|" + "---|" * len(LEVELS_DB)]
        for coherence in COHERENCES:
            cells = []
            plain, spread = (name_of(kind, coherence) for kind in FLOWGRAPHS)
            for level in LEVELS_DB:
                at = {"target_cbr": cbr, "esn0_db": str(level)}
                gain = paired_difference(list(rows), spread, plain, "psnr_db", at=at)
                cells.append(f"{gain.mean:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")
            text.append(f"| {coherence} symbols of one gain | " + " | ".join(cells) + " |")
    return "\n".join([*text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--data", type=Path, required=True, help="folder of the Kodak pictures")
    parser.add_argument("--images", type=int, help="how many of them, evenly spread; all by default")
    parser.add_argument("--out", type=Path, default=root / "out" / "spreading", help="where rows are kept")
    parser.add_argument("--docs", type=Path, default=root / "docs", help="where the page goes")
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each")
    options = parser.parse_args()
    paths = pictures_of(options.data)
    wanted = [
        Wanted(system_of(kind, coherence), Point("rayleigh", cbr, level), options.images, "sweep")
        for cbr in CBRS
        for level in LEVELS_DB
        for coherence in COHERENCES
        for kind in FLOWGRAPHS
    ]
    rows = measure(wanted, paths, options.out / "rows.csv", jobs=options.jobs, networks={}, keep={})
    write_rows(options.docs / "spreading.csv", rows, ("target_cbr",))
    text = page(rows, options.images or len(paths))
    (options.docs / "spreading.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
