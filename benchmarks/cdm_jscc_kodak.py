"""CDM-JSCC on the Kodak pictures, by PSNR and by distances closer to the eye, beside DeepJSCC and the classical links.

    python benchmarks/cdm_jscc_kodak.py --data DIR [--squeezenet FILE]

Runs the shipped flowgraphs, each picture whole, the same noise for all systems: AWGN of Es/N0 10 dB at CBR 1/48, 1/24
and 1/12, and from -10 to 20 dB with and without Rayleigh block fading at CBR 1/24. Goes on where it was stopped: rows
and pictures are kept under ``--out``. Writes ``docs/cdm-jscc-kodak.md``, ``.csv`` and ``docs/_static/cdm-jscc-*``.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cdm_jscc_plots import draw_quality, draw_rates, draw_robustness, draw_sheet
from measured_pictures import DISTANCES, Point, System, Wanted, measure
from semcom.flowgraphs.experiments.statistics import Interval, bootstrap_mean, paired_difference
from semcom.models.cdm_jscc.codec import CdmJsccCodec
from semcom.models.cdm_jscc.cost import cost as cdm_cost
from semcom.models.cdm_jscc.shipped import WEIGHTS as CDM_WEIGHTS
from semcom.models.deepjscc.codec import SHIPPED
from semcom.models.deepjscc.cost import cost as deepjscc_cost
from semcom.models.model_card import ModelCard, card_path
from semcom.sim.images import read_image

DOCS = Path(__file__).resolve().parents[1] / "docs"
CBRS = ("1/48", "1/24", "1/12")
STEPS = (1, 4, 17)
LEVELS_DB = (-10, -5, 0, 5, 10, 15, 20)
CHANNELS = ("awgn", "rayleigh block")
ROBUST = Wanted(System("", ""), Point("awgn", "1/24", 10), pictures=8)
REFERENCE = "DeepJSCC"
PERCEPTUAL = "DeepJSCC perceptual"
BARE = "CDM-JSCC without diffusion"
SHOWN = ("HEVC+LDPC adapted", REFERENCE, PERCEPTUAL, BARE, "CDM-JSCC D 1 step", "CDM-JSCC P 4 steps")
SHEET = {"kodim13": (280, 200), "kodim15": (60, 370), "kodim21": (150, 170)}  # upper left corner of a crop


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
    Column("squeezenet_distance", "SqueezeNet (trained on)", 4, "less"),
)
UNTRAINED = ("sliced_wasserstein", "haarpsi", "mdsi", "high_frequency_size_db")


def cdm(name: str, weights: Path, steps: int, guidance: int = 1) -> System:
    """A receiver of CDM-JSCC; the transmitter has the same file of weights."""
    sets = (
        "encoder.cbr={cbr}",
        f"encoder.weights={weights}",
        f"decoder.weights={weights}",
        f"decoder.steps={steps}",
        f"decoder.guidance={guidance}",
    )
    return System(name, "cdm-jscc", sets=sets, weights=(weights,))


def systems(folder: Path) -> list[System]:
    """Who is compared, as far as there are weights."""
    learned = [System(REFERENCE, "deepjscc-awgn", ("rate={cbr}",), weights=(SHIPPED["adaptive"],))]
    perceptual = SHIPPED["adaptive"].with_name("perceptual.safetensors")
    if perceptual.is_file():
        sets = (f"encoder.weights={perceptual}", f"decoder.weights={perceptual}")
        learned.append(System(PERCEPTUAL, "deepjscc-awgn", ("rate={cbr}",), sets, (perceptual,)))
    d, p, regression = (folder / f"{name}.safetensors" for name in ("d", "p", "regression"))
    if d.is_file():
        learned.append(cdm(BARE, d, 1, guidance=0))
    if regression.is_file():
        learned.append(cdm("CDM-JSCC regression", regression, 1))
    for variant, path in (("D", d), ("P", p)):
        if path.is_file():
            learned += [cdm(f"CDM-JSCC {variant} {n} step{'s' * (n > 1)}", path, n) for n in STEPS]
        else:
            print(f"{path}: no such file; variant {variant} is left out", file=sys.stderr)
    return [
        *learned,
        System("HEVC+LDPC adapted", "hevc-ldpc", ("cbr={cbr}", "scheme=adapted")),
        System("HEVC+capacity", "hevc-capacity", ("cbr={cbr}",)),
    ]


def robust_systems(chosen: Sequence[System]) -> list[System]:
    """Who is sent through bad channels."""
    names = (REFERENCE, BARE, "CDM-JSCC D 1 step", "CDM-JSCC P 4 steps")
    fixed = System("HEVC+LDPC 16qam-1 by 2", "hevc-ldpc", ("cbr={cbr}", "scheme=16qam-1/2"))
    return [*(system for system in chosen if system.name in names), fixed]


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
            cells.append("yes" if not missed else "not of " + ", ".join(missed))
        lines.append(f"| {one}: {titles[key].title} ahead of {', '.join(rivals)} | {' | '.join(cells)} |")
    return lines


def _ahead(rows: Sequence[Mapping[str, Any]], one: str, other: str, column: Column, point: Point) -> bool:
    """Better, with the whole interval on the better side."""
    found = difference(rows, one, other, column.key, point)
    low, high = (found.mean, found.mean) if math.isnan(found.low) else (found.low, found.high)
    return low > 0 if column.better == "more" else high < 0


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
            found = cdm_cost(system.weights[0], height=512, width=768)
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
        "payload, size, power scale, and for CDM-JSCC the rate map (4 bits a patch, at capacity as the paper has it; "
        "all other side information at 0.5 bit a use). In brackets: 95 % intervals, bootstrapped over the pictures.",
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
        "*yes*: by the whole of the 95 % interval of the difference, paired by picture (PSNR: by its mean).",
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
    robust_cbr = {cbr: np.mean([r["cbr_robust"] for r in at(rows, ours, Point("awgn", cbr, 10))]) for cbr in CBRS}
    lines += [
        "",
        "Were the rate map charged at 0.5 bit a use as well, CDM-JSCC would take a CBR of "
        + ", ".join(f"{value:.4f} instead of {cbr}" for cbr, value in robust_cbr.items())
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
        f"payload symbols; their rank correlation with the mean luma gradient is {rates['correlation']:.2f}. CBR, rate "
        f"map charged, rises with eta without exception, from 1/{1 / rates['lowest']:.0f} to "
        f"1/{1 / rates['highest']:.1f}.",
        "",
        "```{image} _static/cdm-jscc-rates.svg",
        ":alt: CBR against eta; symbols of each picture against its gradient; rate maps of two pictures.",
        ":width: 100%",
        "```",
        "",
        "## Robustness",
        "",
        f"CBR 1/24, {min(ROBUST.pictures or pictures, pictures)} of the pictures. The transmitter knows the mean Es/N0 (kept within 0 to 20 dB), "
        "the receiver the channel. Block fading: one Rayleigh gain a picture.",
        *robustness(robust, list(dict.fromkeys(row["system"] for row in robust))),
        "",
        "```{image} _static/cdm-jscc-robust.svg",
        ":alt: PSNR against Es/N0 over AWGN and Rayleigh block fading.",
        ":width: 100%",
        "```",
    ]
    return "\n".join(lines) + "\n"


def rate_figures(paths: Sequence[Path], weights: Path) -> dict[str, Any]:
    """What the rate map does: from the entropies that the transmitter estimates, and the charge of the header."""
    from semcom.blocks.envelope import Header
    from semcom.blocks.image_shape import ImageShape
    from semcom.blocks.mappers.real_to_complex import PowerScale
    from semcom.blocks.rate_map import CdmMode, RateMap
    from semcom.models.cdm_jscc.rate_map import LEVELS, levels_for

    codec = CdmJsccCodec(weights)
    images = [read_image(path) for path in paths]
    bits = [codec.entropy_bits(image) for image in images]
    values = np.asarray(LEVELS)

    def payload(index: int, eta: float) -> float:
        return float(values[levels_for(bits[index], eta)].sum()) / 2

    def charged(index: int, eta: float) -> float:
        height, width = images[index].shape[:2]
        told = RateMap.of(levels_for(bits[index], eta), known_esn0_db=10)
        header = Header().with_fields(ImageShape(height, width), CdmMode(0, 0, 10), told, PowerScale(1.0))
        return (payload(index, eta) + header.uses) / (3 * height * width)

    etas = np.geomspace(0.004, 8, 67)
    curves = np.array([[charged(index, eta) for index in range(len(images))] for eta in etas])
    one = float(etas[np.abs(curves.mean(1) - 1 / 24).argmin()])
    luma = [image @ np.array([0.299, 0.587, 0.114]) for image in images]
    gradient = [float(np.hypot(*np.gradient(z)).mean()) for z in luma]
    symbols = [payload(index, one) for index in range(len(images))]
    from scipy.stats import spearmanr

    if (np.diff(curves, axis=0) < 0).any():
        sys.exit("CBR falls where eta rises")
    busiest, calmest = int(np.argmax(symbols)), int(np.argmin(symbols))
    return {
        "etas": etas,
        "curves": curves,
        "eta": one,
        "gradient": gradient,
        "symbols": symbols,
        "least": min(symbols),
        "most": max(symbols),
        "correlation": float(spearmanr(gradient, symbols).statistic) if len(images) > 2 else math.nan,
        "lowest": curves[0].mean(),
        "highest": curves[-1].mean(),
        "maps": [(paths[i].stem, images[i], values[levels_for(bits[i], one)] / 2) for i in (busiest, calmest)],
    }


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Points: means and intervals of all that was measured."""
    keys = [column.key for column in COLUMNS]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [f"{key}{end}" for key in keys for end in ("", "_low", "_high")]
        writer.writerow(["system", "channel", "target_cbr", "esn0_db", "pictures", "cbr", "cbr_robust", *names])
        for key in dict.fromkeys((r["system"], r["channel"], r["target_cbr"], r["esn0_db"]) for r in rows):
            mine = [r for r in rows if (r["system"], r["channel"], r["target_cbr"], r["esn0_db"]) == key]
            found = [interval(mine, name) for name in keys]
            numbers = [value for one in found for value in (one or (math.nan,) * 3)]
            cbrs = [np.mean([r[name] for r in mine]) for name in ("cbr", "cbr_robust")]
            writer.writerow([*key, len(mine), *(f"{value:.5g}" for value in [*cbrs, *numbers])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--out", type=Path, default=Path("out/cdm-jscc-kodak"), help="folder of rows and pictures")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the page (default: docs)")
    parser.add_argument("--images", type=int, help="only so many pictures")
    parser.add_argument(
        "--cdm-weights", type=Path, default=CDM_WEIGHTS, help="folder of d, p and regression.safetensors"
    )
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0: adds the distance trained on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    options = parser.parse_args()
    paths = sorted(options.data.glob("*.png"))[: options.images]
    if not paths:
        sys.exit(f"{options.data}: expected PNG pictures, found none")
    chosen = systems(options.cdm_weights.resolve())
    main_points = [Wanted(system, Point("awgn", cbr, 10)) for cbr in CBRS for system in chosen]
    fading = [
        Wanted(system, Point(channel, "1/24", level), ROBUST.pictures)
        for channel in CHANNELS
        for level in LEVELS_DB
        for system in robust_systems(chosen)
    ]
    corners = {path.stem: SHEET[path.stem] for path in paths if path.stem in SHEET} or {paths[0].stem: (60, 60)}
    rows = measure(
        [*main_points, *fading],
        paths,
        options.out / "rows.csv",
        jobs=options.jobs,
        squeezenet=options.squeezenet,
        keep=dict.fromkeys(corners, Point("awgn", "1/24", 10)),
    )
    for row in rows:
        row["high_frequency_size_db"] = abs(row["high_frequency_error_db"])
    wide = len(main_points) * len(paths)
    compared, robust = rows[:wide], rows[wide:]
    rates = rate_figures(paths, options.cdm_weights / "d.safetensors")
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    shown = [name for name in SHOWN if any(system.name == name for system in chosen)]
    draw_quality(static / "cdm-jscc-quality.svg", compared, [system.name for system in chosen], CBRS)
    draw_rates(static / "cdm-jscc-rates.svg", rates)
    draw_robustness(static / "cdm-jscc-robust.svg", robust, CHANNELS, LEVELS_DB)
    draw_sheet(static / "cdm-jscc-pictures.webp", options.out / "rows.csv", paths, corners, shown)
    write_table(options.docs / "cdm-jscc-kodak.csv", [*compared, *(r for r in robust if r not in compared)])
    text = page(compared, robust, chosen, rates, len(paths))
    (options.docs / "cdm-jscc-kodak.md").write_text(text, encoding="utf-8")
    print(text)


assert set(DISTANCES) <= {column.key for column in COLUMNS}

if __name__ == "__main__":
    main()
