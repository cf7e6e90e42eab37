"""Tables and page of `cdm_jscc_kodak`."""

from __future__ import annotations

import csv
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measured_pictures import Point, System
from semcom.flowgraphs.experiments.statistics import Interval, bootstrap_mean, paired_difference
from semcom.models.cdm_jscc.cost import Cost
from semcom.models.cdm_jscc.cost import cost as cdm_cost
from semcom.models.deepjscc.cost import cost as deepjscc_cost
from semcom.models.model_card import ModelCard, card_path

__all__ = [
    "CBRS",
    "CHANNELS",
    "COLUMNS",
    "LEVELS_DB",
    "PERCEPTUAL",
    "REFERENCE",
    "ROBUST_PICTURES",
    "page",
    "write_table",
]

CBRS = ("1/48", "1/24", "1/12")
LEVELS_DB = (-10, -5, 0, 5, 10, 15, 20)
CHANNELS = ("awgn", "rayleigh block")
ROBUST_PICTURES = 4
REFERENCE = "DeepJSCC"
PERCEPTUAL = "DeepJSCC perceptual"


class Column(NamedTuple):
    """A figure of merit as tables show it."""

    key: str
    title: str
    digits: int
    better: str  # "more", "less" or "zero"


COLUMNS = (
    Column("psnr_db", "PSNR, dB", 2, "more"),
    Column("ms_ssim", "MS-SSIM", 4, "more"),
    Column("sliced_wasserstein", "SWD", 4, "less"),
    Column("haarpsi", "HaarPSI", 4, "more"),
    Column("mdsi", "MDSI", 4, "less"),
    Column("high_frequency_error_db", "detail, dB", 2, "zero"),
    Column("high_frequency_size_db", "detail off by, dB", 2, "less"),
    Column("lpips_vgg", "LPIPS (VGG)", 4, "less"),
    Column("squeezenet_distance", "SqueezeNet (trained on)", 4, "less"),
)
UNTRAINED = ("sliced_wasserstein", "haarpsi", "mdsi", "high_frequency_size_db")


def at(rows: Sequence[Mapping[str, Any]], system: str, point: Point) -> list[Mapping[str, Any]]:
    """Rows of a system at a point."""
    where = tuple(map(str, point))
    return [r for r in rows if r["system"] == system and (r["channel"], r["target_cbr"], r["esn0_db"]) == where]


def interval(rows: Sequence[Mapping[str, Any]], key: str) -> Interval | None:
    """Mean over the pictures and its bootstrapped interval; none where it was not measured."""
    values = [row[key] for row in rows]
    return None if not values or None in values else bootstrap_mean(values)


def cell(found: Interval | None, digits: int, *, signed: bool = False) -> str:
    """A figure and its interval."""
    if found is None:
        return "-"
    sign = "+" if signed else ""
    ends = "" if math.isnan(found.low) else f" ({found.low:{sign}.{digits}f} to {found.high:{sign}.{digits}f})"
    return f"{found.mean:{sign}.{digits}f}{ends}"


def quality(rows: Sequence[Mapping[str, Any]], names: Sequence[str], point: Point) -> list[str]:
    """A table: a row a system, a column a figure of merit."""
    shown = [column for column in COLUMNS if any(row[column.key] is not None for row in rows)]
    lines = [
        f"| system | CBR | {' | '.join(column.title for column in shown)} |",
        "|---|---:|" + "---:|" * len(shown),
    ]
    for name in names:
        mine = at(rows, name, point)
        cells = [cell(interval(mine, c.key), c.digits, signed=c.better == "zero") for c in shown]
        lines.append(f"| {name} | {np.mean([row['cbr'] for row in mine]):.5f} | {' | '.join(cells)} |")
    return lines


def difference(rows: Sequence[Mapping[str, Any]], one: str, other: str, key: str, point: Point) -> Interval:
    """How much larger a figure of one system is than of another, paired by picture."""
    return paired_difference(rows, one, other, key, at=dict(zip(("channel", "target_cbr", "esn0_db"), point)))  # noqa: B905


def differences(rows: Sequence[Mapping[str, Any]], names: Sequence[str], point: Point) -> list[str]:
    """A table of differences to DeepJSCC."""
    shown = [c for c in COLUMNS if c.better != "zero" and any(row[c.key] is not None for row in rows)]
    lines = [f"| less DeepJSCC | {' | '.join(c.title for c in shown)} |", "|---|" + "---:|" * len(shown)]
    for name in names:
        if name != REFERENCE:
            cells = [cell(difference(rows, name, REFERENCE, c.key, point), c.digits, signed=True) for c in shown]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def verdict(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """What was aimed at, and whether it was reached: paired differences, no judgement by eye."""
    lines = ["| aim | " + " | ".join(f"CBR {cbr}" for cbr in CBRS) + " |", "|---|" + "---|" * len(CBRS)]
    points = [Point("awgn", cbr, 10) for cbr in CBRS]
    if "CDM-JSCC D 1 step" in names:
        cells = []
        for point in points:
            found = difference(rows, "CDM-JSCC D 1 step", REFERENCE, "psnr_db", point)
            cells.append(f"{'yes' if found.mean >= -0.3 else 'no'}: {cell(found, 2, signed=True)} dB")
        lines.append(f"| D, 1 step: PSNR within 0.3 dB of DeepJSCC | {' | '.join(cells)} |")
    ours = [name for name in names if name.startswith("CDM-JSCC P")]
    rivals = [name for name in (REFERENCE, PERCEPTUAL, "CDM-JSCC D 1 step") if name in names]
    titles = {column.key: column for column in COLUMNS}
    for one, key in itertools.product(ours, UNTRAINED):
        cells = []
        for point in points:
            beaten = [rival for rival in rivals if _ahead(rows, one, rival, titles[key], point)]
            missed = [rival for rival in rivals if rival not in beaten]
            cells.append("yes" if not missed else "no: " + ", ".join(missed))
        lines.append(f"| {one}: {titles[key].title} ahead of {', '.join(rivals)} | {' | '.join(cells)} |")
    return lines


def _ahead(rows: Sequence[Mapping[str, Any]], one: str, other: str, column: Column, point: Point) -> bool:
    """Better, with the whole interval on the better side."""
    found = difference(rows, one, other, column.key, point)
    low, high = (found.mean, found.mean) if math.isnan(found.low) else (found.low, found.high)
    return low > 0 if column.better == "more" else high < 0


@functools.cache
def _cost(weights: Path) -> Cost:
    return cdm_cost(weights, height=512, width=768)


def costs(chosen: Sequence[System]) -> list[str]:
    """Parameters, operations and what the training took."""
    lines = [
        "| system | parameters | GFLOP encode | GFLOP decode | training, minutes | on |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for system in chosen:
        if not system.weights:
            lines.append(f"| {system.name} | none | - | - | - | - |")
            continue
        card = ModelCard.read(card_path(system.weights[0]))
        if system.flowgraph == "cdm-jscc":
            found = _cost(system.weights[0])
            given = dict(text.split("=") for text in system.sets)
            decode = found.decode_flops(int(given["decoder.steps"]) if given["decoder.guidance"] != "0" else 0)
            numbers = (found.parameters, found.encode_flops, decode)
        else:
            numbers = deepjscc_cost(system.weights[0], height=512, width=768, rate="1/24")
        parameters, encode, decode = numbers
        lines.append(
            f"| {system.name} | {parameters / 1e6:.2f} M | {encode / 1e9:.1f} | {decode / 1e9:.1f} | "
            f"{card.training.minutes:.0f} | {card.training.machine.split(',')[0]} |"
        )
    return lines


def robustness(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """PSNR by Es/N0 and channel."""
    lines = []
    for channel in CHANNELS:
        lines += ["", f"{channel}, PSNR in dB", "", f"| Es/N0 in dB | {' | '.join(map(str, LEVELS_DB))} |"]
        lines.append("|---|" + "---:|" * len(LEVELS_DB))
        for name in names:
            means = [
                np.mean([r["psnr_db"] for r in at(rows, name, Point(channel, "1/24", level))]) for level in LEVELS_DB
            ]
            lines.append(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} |")
    return lines


def page(
    rows: Sequence[Mapping[str, Any]],
    robust: Sequence[Mapping[str, Any]],
    chosen: Sequence[System],
    rates: Mapping[str, Any],
    pictures: int,
) -> str:
    """The page of tables."""
    names = [system.name for system in chosen]
    trained_on = any(row["squeezenet_distance"] is not None for row in rows)
    lines = [
        "# CDM-JSCC on Kodak",
        "",
        f"Made by `python benchmarks/cdm_jscc_kodak.py --data DIR{' --squeezenet FILE' * trained_on}`; every point "
        "with its interval: `cdm-jscc-kodak.csv`.",
        "",
        f"{pictures} whole pictures, the same noise for all systems, AWGN of Es/N0 10 dB. CBR is what is charged: "
        "payload, and the bits of the header, with the coded rate map of CDM-JSCC among them, at 0.5 bit a use. In "
        "brackets: 95 % intervals, bootstrapped over the pictures.",
        "",
        "*SWD*: sliced Wasserstein distance of 7 x 7 patches, mean over the scales of a Laplacian pyramid, 0 best. "
        "*HaarPSI*: 1 best. *MDSI*: 0 best. *Detail*: energy above a quarter of the sampling frequency, relative to "
        "the sent picture's: below 0 dB is too smooth. None of these was trained on."
        + (" *SqueezeNet*: the feature distance that P was trained with; it is no LPIPS." if trained_on else ""),
        "",
        "*CDM-JSCC without diffusion* is the same transmitter and the receiver's estimate before the first step. D was "
        "trained for the squared error, P for the look; both hear the same transmitter.",
        "",
        "```{image} _static/cdm-jscc-pictures.webp",
        ":alt: Crops of three pictures at CBR 1/24, a column a system.",
        ":width: 100%",
        "```",
        "",
        "## What was aimed at",
        "",
        "*yes*: by the whole of the 95 % interval of the difference, paired by picture (PSNR: by its mean); *no*: not "
        "ahead of these.",
        "",
        *verdict(rows, names),
        "",
        "```{image} _static/cdm-jscc-quality.svg",
        ":alt: Perceptual distances against PSNR at three CBRs.",
        ":width: 100%",
        "```",
    ]
    for cbr in CBRS:
        point = Point("awgn", cbr, 10)
        lines += ["", f"## CBR {cbr}", "", *quality(rows, names, point)]
        lines += ["", "Paired by picture:", "", *differences(rows, names, point)]
    ours = next(name for name in names if name.startswith("CDM-JSCC"))
    at_capacity = {cbr: np.mean([r["cbr_at_capacity"] for r in at(rows, ours, Point("awgn", cbr, 10))]) for cbr in CBRS}
    lines += [
        "",
        "Were the header charged at capacity, as papers do, CDM-JSCC would take a CBR of "
        + ", ".join(f"{value:.4f} instead of {cbr}" for cbr, value in at_capacity.items())
        + ".",
        "",
        "## What each costs",
        "",
        "For a picture of 512 x 768 at CBR 1/24. A multiplication and an addition are two operations. Training minutes "
        "are of the file of weights alone; CDM-JSCC starts from DeepJSCC's network, and P from D's.",
        "",
        *costs(chosen),
        "",
        "## Rate adaptation",
        "",
        f"At one eta ({rates['eta']:.3f}, mean CBR 1/24) pictures get from {rates['least']:.0f} to {rates['most']:.0f} "
        f"payload symbols; their rank correlation with the mean luma gradient is {rates['correlation']:.2f}. They rise "
        f"with eta without exception; CBR, rate map charged, from 1/{1 / rates['lowest']:.0f} to "
        f"1/{1 / rates['highest']:.1f}.",
        "",
        "```{image} _static/cdm-jscc-rates.svg",
        ":alt: CBR against eta; symbols of each picture against its gradient; rate maps of two pictures.",
        ":width: 100%",
        "```",
        "",
        "## Robustness",
        "",
        f"CBR 1/24, {min(ROBUST_PICTURES, pictures)} of the pictures. The transmitter knows the mean Es/N0 "
        "(kept within 0 to 20 dB), the receiver the channel. Block fading: one Rayleigh gain a picture.",
        *robustness(robust, list(dict.fromkeys(row["system"] for row in robust))),
        "",
        "```{image} _static/cdm-jscc-robust.svg",
        ":alt: PSNR against Es/N0 over AWGN and Rayleigh block fading.",
        ":width: 100%",
        "```",
    ]
    return "\n".join(lines) + "\n"


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Points: means and intervals of all that was measured."""
    keys = [column.key for column in COLUMNS]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [f"{key}{end}" for key in keys for end in ("", "_low", "_high")]
        writer.writerow(["system", "channel", "target_cbr", "esn0_db", "pictures", "cbr", "cbr_at_capacity", *names])
        for key in dict.fromkeys((r["system"], r["channel"], r["target_cbr"], r["esn0_db"]) for r in rows):
            mine = [r for r in rows if (r["system"], r["channel"], r["target_cbr"], r["esn0_db"]) == key]
            found = [interval(mine, name) for name in keys]
            numbers = [value for one in found for value in (one or (math.nan,) * 3)]
            cbrs = [np.mean([r[name] for r in mine]) for name in ("cbr", "cbr_at_capacity")]
            writer.writerow([*key, len(mine), *(f"{value:.5g}" for value in [*cbrs, *numbers])])
