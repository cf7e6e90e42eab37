"""The page of `comparison`: tables of what was measured, and of what others have published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from curves import FIGURES, Figure
from measured_pictures import Point
from published_kodak import CAVEATS, PUBLISHED, published_tables
from semcom.flowgraphs.experiments.statistics import paired_difference

__all__ = ["SHORT", "Asked", "by_point", "figures_of", "page"]

ALL = 24
BOUND = "HEVC+capacity"
SHORT = {"awgn": "AWGN", "rayleigh": "Rayleigh"}
PSNR = FIGURES[0]
SAID = {
    "squeezenet_distance": "A distance of features, not LPIPS; the perceptual variants were trained with it.",
    "sliced_wasserstein": "Sliced Wasserstein distance of patches of a Laplacian pyramid; nobody was trained with it.",
}


class Asked(NamedTuple):
    """What was measured, and what was to be.

    Attributes:
        rows: By system and point; one a picture.
        systems: Their names, in the order of the tables.
        cbrs: As texts, rising.
        levels_db: Es/N0.
        channels: Names.
        pictures: Of each point.
        reference: Whom the others are compared with, picture by picture.
        perceptual: Column of the figure beside PSNR.
    """

    rows: Mapping[tuple[str, Point], Sequence[Mapping[str, Any]]]
    systems: Sequence[str]
    cbrs: Sequence[str]
    levels_db: Sequence[int]
    channels: Sequence[str]
    pictures: int
    reference: str
    perceptual: str

    def at(self, system: str, point: Point) -> Sequence[Mapping[str, Any]]:
        """The rows of a system at a point, all of them; none while pictures are missing."""
        found = self.rows.get((system, point), ())
        return found if len(found) == self.pictures else ()


def by_point(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Point], list[Mapping[str, Any]]]:
    """Rows by system and point."""
    found: dict[tuple[str, Point], list[Mapping[str, Any]]] = {}
    for row in rows:
        point = Point(row["channel"], row["target_cbr"], int(row["esn0_db"]))
        found.setdefault((row["system"], point), []).append(row)
    return found


def figures_of(asked: Asked) -> tuple[Figure, Figure]:
    """PSNR, and the perceptual figure."""
    return PSNR, next(one for one in FIGURES if one.key == asked.perceptual)


def _cell(rows: Sequence[Mapping[str, Any]], figure: Figure) -> str:
    """A mean; in brackets where pictures were lost, a dash where nothing was measured."""
    values = [row[figure.key] for row in rows]
    if not values or None in values:
        return "-"
    text = format(float(np.mean(values)), figure.form)
    return f"({text})" if any(row["failed"] for row in rows) else text


def page(asked: Asked, sheets: Mapping[str, Point], wanted: int) -> str:
    """The whole page.

    Args:
        asked: What was measured.
        sheets: Names of the pictures of crops, and where their pictures were sent.
        wanted: Points of all systems that were to be measured.
    """
    done = sum(bool(asked.at(*one)) for one in asked.rows)
    psnr, seen = figures_of(asked)
    unit = seen.title.partition(",")[0]
    text = [
        "# Every system on Kodak",
        "",
        "Made by `python benchmarks/comparison.py --data DIR`; do not edit. Every picture: `comparison.csv`.",
        "",
        f"{asked.pictures} of the 24 Kodak pictures, evenly spread, each whole, the same noise for all systems; they "
        f"were used for nothing else. {done} of {wanted} points are measured, a dash stands for what is not, or for a "
        "rate that a system does not have; the command goes on where it was stopped. SNR is the mean Es/N0 per complex "
        "symbol. CBR is what was charged: headers at half a bit a use, rate maps and power included. Rayleigh: a gain "
        "for 256 symbols, known to the receiver; no transmitter knows a gain. In brackets: a link lost "
        "pictures, or could send none; those count as the mean grey picture that the receiver shows.",
        "",
        "Over Rayleigh fading all learned systems but SC-SIC spread each value over the frame, as their flowgraphs "
        "have it; [what some of them have without](spreading.md). DeepJSCC-Q does so on all channels.",
        "",
        "*adapted*: the scheme of TS 38.214 that carries most at this mean Es/N0 with 1 % of pictures lost; the "
        "transmitter may halve or quarter the picture's sides. *shaped*: the same with code rates in steps of 1 % and "
        "points that are sent unequally often; the receivers with diffusion stand behind this link. Over Rayleigh "
        "all of them spread their symbols over the frame, too, and the transmitter knows the law of the fading. "
        "*HEVC+capacity*: an ideal code, over Rayleigh at the ergodic capacity: a bound, no "
        "system. DeepJSCC and CDM-JSCC were trained "
        "from 0 to 20 dB. One network serves all SNRs of a system, and all its CBRs but for SC-SIC.",
        "",
        "```{image} _static/comparison.svg",
        f":alt: PSNR and {unit} against CBR at 10 dB and against Es/N0 at CBR 1/24; published curves are dashed.",
        ":width: 100%",
        "```",
        "",
        f"Dashed: published by others, see below. {_moved(asked)}".rstrip(),
        "",
        "## PSNR in dB",
        "",
        *_whole(asked, psnr),
        "",
        f"## {seen.title}",
        "",
        f"AWGN. {SAID[seen.key]}",
        "",
        *_shown(asked, "awgn", "", lambda name, point: _cell(asked.at(name, point), seen)),
        "",
        f"## Less {asked.reference}, picture by picture",
        "",
        "Mean and bootstrapped 95 % interval over the pictures; the intervals of so few pictures are rough."
        if asked.pictures < 12
        else "Mean and bootstrapped 95 % interval over the pictures.",
    ]
    for channel, figure in [*((channel, psnr) for channel in asked.channels), ("awgn", seen)]:
        title = f"{SHORT[channel]}, {figure.title.partition(',')[0]}"
        text += ["", *_shown(asked, channel, title, _difference(asked, figure), asked.reference)]
    if sheets:
        text += ["", "## Pictures"]
    for name, point in sheets.items():
        where = f"{SHORT[point.channel]}, CBR {point.cbr}, {point.esn0_db} dB"
        text += ["", f"{where}:", "", f"```{{image}} _static/{name}.webp", f":alt: Crops at {where}.", ":width: 100%"]
        text += ["```"]
    text += ["", "## Published by others", "", CAVEATS, "", *published_tables(), ""]
    return "\n".join(text)


def _moved(asked: Asked) -> str:
    """How far a choice of pictures moves a curve: the bound here, and as others have it on all."""
    bound = asked.at(BOUND, Point("awgn", "1/24", 10))
    if asked.pictures == ALL or not bound:
        return ""
    found = float(np.mean([row["psnr_db"] for row in bound]))
    theirs = next(one for one in PUBLISHED if one.system == "BPG + capacity").psnr_db["1/24", 10]
    return (
        f"Those are means over all {ALL} pictures, which moves them: at CBR 1/24 and 10 dB {BOUND} has {found:.2f} dB "
        f"on the {asked.pictures} pictures here, BPG at capacity {theirs:.2f} dB on all {ALL}. Compare ours with each "
        "other, and with theirs once all are measured."
    )


def _whole(asked: Asked, figure: Figure) -> list[str]:
    """One table of everything: a row a CBR and system, a column a channel and Es/N0."""
    columns = [(channel, level) for channel in asked.channels for level in asked.levels_db]
    titles = [f"{SHORT[channel]} {level} dB" for channel, level in columns]
    lines = ["| CBR | system | charged | " + " | ".join(titles) + " |", "|---|---|---:|" + "---:|" * len(columns)]
    for cbr in asked.cbrs:
        for name in asked.systems:
            found = [asked.at(name, Point(channel, cbr, level)) for channel, level in columns]
            charged = [row["cbr"] for rows in found for row in rows if row["cbr"] is not None]
            if charged:
                cells = [_cell(rows, figure) for rows in found]
                lines.append(f"| {cbr} | {name} | {np.mean(charged):.5f} | " + " | ".join(cells) + " |")
    return lines


def _shown(asked: Asked, channel: str, title: str, said: Callable[[str, Point], str], without: str = "") -> list[str]:
    """A table of what the plot shows: CBRs at 10 dB, then levels at CBR 1/24."""
    points = [Point(channel, cbr, 10) for cbr in asked.cbrs]
    points += [Point(channel, "1/24", level) for level in asked.levels_db if level != 10]
    lines = [f"| {title} | " + " | ".join(f"{p.cbr}, {p.esn0_db} dB" for p in points) + " |"]
    lines.append("|---|" + "---:|" * len(points))
    for name in asked.systems:
        cells = ["-" if name == without else said(name, point) for point in points]
        if set(cells) != {"-"}:
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines if len(lines) > 2 else [f"{title or 'AWGN'}: not measured yet."]


def _difference(asked: Asked, figure: Figure) -> Callable[[str, Point], str]:
    form = "+" + figure.form.lstrip("+")

    def said(name: str, point: Point) -> str:
        pair = [asked.at(one, point) for one in (name, asked.reference)]
        rows = [row for part in pair for row in part]
        if not all(pair) or any(row[figure.key] is None for row in rows):
            return "-"
        found = paired_difference(rows, name, asked.reference, figure.key)
        ends = "" if asked.pictures < 2 else f" ({found.low:{form}} to {found.high:{form}})"
        return f"{found.mean:{form}}{ends}"

    return said
