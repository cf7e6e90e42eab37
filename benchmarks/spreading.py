"""What spreading over the frame brings over fading, on the Kodak pictures.

    python benchmarks/spreading.py --data DIR [--images N]

Runs systems of `comparison` over Rayleigh fading, with spreading and without, each picture whole, over the same fades
and noise. Goes on where it was stopped: rows are kept under ``--out``, which may be the folder of `comparison`, whose
rows are the same: with spreading, and of SC-SIC without. Writes ``docs/spreading.md`` and ``.csv``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from comparison import LEVELS_DB, LINES, SPREAD
from curves import FIGURES, Figure, pictures_of, take_pictures, write_rows
from measured_pictures import Point, System, Wanted, measure
from semcom.flowgraphs.experiments.statistics import paired_difference

FADED = SPREAD | {"sc-sic-mini": "sc-sic-rayleigh"}  # which does not spread unless it is told to
PSNR = FIGURES[0]
SWD = next(one for one in FIGURES if one.key == "sliced_wasserstein")


class Case(NamedTuple):
    """A system at a rate and in a fading.

    Attributes:
        line: Its name in `comparison`.
        cbr: As text.
        coherence: Symbols of one gain.
    """

    line: str
    cbr: str
    coherence: int = 256

    def system(self, spreading: str) -> System:
        """As `comparison` runs it, or without spreading."""
        (line,) = (line for line in LINES if line.name == self.line)
        vars = (*line.vars, f"spreading={spreading}")
        sets = (*line.sets, f"channel.coherence_symbols={self.coherence}")
        return System(self.called(spreading), FADED[line.flowgraph], vars, sets, line.weights)

    def called(self, spreading: str) -> str:
        """What rows call it."""
        name = self.line if self.coherence == 256 else f"{self.line} {self.coherence} symbols of one gain"
        if self.line.startswith("SC-SIC"):  # which `comparison` does not spread
            return name if spreading == "none" else f"{name} spread"
        return name if spreading == "frame" else f"{name} not spread"


class Part(NamedTuple):
    """A part of the page: a table a figure of merit, a row a case, a column an Es/N0."""

    title: str
    cases: tuple[Case, ...]
    levels_db: tuple[int, ...] = LEVELS_DB
    figures: tuple[Figure, ...] = (PSNR,)


PARTS = (
    Part(
        "Values of patches", tuple(Case(x, "1/24") for x in ("DeepJSCC", "SwinJSCC mini", "NTSCC midi", "CDM-JSCC D"))
    ),
    Part(
        "Other rates, other fading",
        (Case("CDM-JSCC D", "1/48"), Case("CDM-JSCC D", "1/12"), Case("CDM-JSCC D", "1/24", 16)),
    ),
    Part(
        "Latents",
        (
            Case("SC-SIC mini-48", "1/96"),
            Case("SC-SIC mini-341", "1/683"),
            Case("training-free latent diffusion", "1/96"),
            Case("latent denoiser", "1/96"),
        ),
        (0, 5, 10),
        (PSNR, SWD),
    ),
)


def wanted(parts: Sequence[Part], pictures: int | None) -> list[Wanted]:
    """All points of all parts."""
    return [
        Wanted(case.system(spreading), point, pictures, "distances" if SWD in part.figures else "sweep")
        for part in parts
        for case in part.cases
        for level in part.levels_db
        for point in [Point("rayleigh", case.cbr, level)]
        for spreading in ("frame", "none")
    ]


def table(rows: Sequence[dict[str, Any]], part: Part, figure: Figure, pictures: int) -> list[str]:
    """Means with spreading, and differences to those without; a dash where pictures are missing."""
    form = "+" + figure.form.lstrip("+")
    lines = [
        f"| {figure.title} | CBR | " + " | ".join(f"{level} dB" for level in part.levels_db) + " |",
        "|---|---:|" + "---|" * len(part.levels_db),
    ]
    for case in part.cases:
        names, cells = [case.called(spreading) for spreading in ("frame", "none")], []
        for level in part.levels_db:
            point = ("rayleigh", case.cbr, str(level))
            at = [row for row in rows if (row["channel"], row["target_cbr"], row["esn0_db"]) == point]
            mean, _ = found = [[row[figure.key] for row in at if row["system"] == name] for name in names]
            if any(len(values) != pictures for values in found):
                cells.append("-")
                continue
            gain = paired_difference(at, *names, figure.key)
            cells.append(f"{np.mean(mean):{figure.form}}, {gain.mean:{form}} ({gain.low:{form}} to {gain.high:{form}})")
        lines.append(f"| {names[0]} | {case.cbr} | " + " | ".join(cells) + " |")
    return lines


def page(rows: Sequence[dict[str, Any]], pictures: int) -> str:
    """The whole page."""
    text = [
        "# Spreading over the frame, on Kodak",
        "",
        "Made by `python benchmarks/spreading.py --data DIR"
        f"{'' if pictures == 24 else f' --images {pictures}'}`; do not edit.",
        "",
        f"{pictures} of the 24 Kodak pictures, each whole, over Rayleigh fading, a gain for 256 symbols unless said "
        "otherwise, the same fades and noise with spreading and without; the receiver knows all gains, the transmitter "
        "the mean Es/N0. What is near in the picture is near in the frame, so that a fade takes some places whole. "
        "With `mappers/spread_symbols` and `mappers/despread_symbols` around the channel it takes a little of all. "
        "Length and header are the same. The pictures were used for nothing else.",
        "",
        "The flowgraphs over Rayleigh fading spread, `sc-sic-rayleigh` aside, which does so when told "
        "(`--var spreading=frame`).",
        "",
        "Each cell: the mean with spreading, and its difference to the one without (`--var spreading=none`), picture "
        "by picture, with a bootstrapped 95 % interval.",
    ]
    for part in PARTS:
        text += ["", f"## {part.title}"]
        for figure in part.figures:
            text += ["", *table(rows, part, figure, pictures)]
    return "\n".join([*text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take_pictures(parser, "comparison")
    options = parser.parse_args()
    paths = pictures_of(options.data)
    many = min(options.images or len(paths), len(paths))
    rows = measure(wanted(PARTS, many), paths, options.out / "rows.csv", jobs=options.jobs, networks={}, keep={})
    write_rows(options.docs / "spreading.csv", rows, ("target_cbr",))
    text = page(rows, many)
    (options.docs / "spreading.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
