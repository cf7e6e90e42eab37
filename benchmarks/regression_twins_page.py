"""Page and table of `regression_twins`."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from curves import Figure
from measured_pictures import Point, System
from semcom.flowgraphs.experiments.statistics import Interval, bootstrap_mean, paired_difference
from semcom.models.objective import Objective

__all__ = ["Compared", "Training", "page", "write_rows"]

Rows = Sequence[Mapping[str, Any]]
FIGURES = (
    Figure("psnr_db", "PSNR in dB", ".3f"),
    Figure("ms_ssim", "MS-SSIM", ".4f"),
    Figure("sliced_wasserstein", "SWD", ".4f"),
    Figure("haarpsi", "HaarPSI", ".4f"),
    Figure("mdsi", "MDSI", ".4f"),
    Figure("detail_off_db", "detail off by, dB", ".2f"),
    Figure("squeezenet_distance", "SqueezeNet", ".4f"),
)
TRAINING_FREE = ("psnr_db", "ms_ssim", "sliced_wasserstein", "squeezenet_distance", "detail_off_db")


class Training(NamedTuple):
    """What one of a pair had, and what it reached on held-out pictures.

    Attributes:
        objective: What it learnt by.
        steps: How many.
        minutes: Of training and validation, on one core.
        batch: Crops a step.
        crop: Their side in pixels.
        metrics: Of its card.
    """

    objective: Objective
    steps: int
    minutes: float
    batch: int
    crop: int
    metrics: Mapping[str, float]


class Compared(NamedTuple):
    """A pair of twins.

    Attributes:
        name: Of the pair.
        systems: Receivers that are measured.
        twin: Name of the one that is a regression.
        points: Where they are measured.
        trainings: Of both.
    """

    name: str
    systems: Sequence[System]
    twin: str
    points: Sequence[Point]
    trainings: Sequence[Training]


def page(pairs: Sequence[Compared], rows: Rows, training_free: Path) -> str:
    """The page of tables.

    Args:
        pairs: What was compared.
        rows: A row a picture, of all of them.
        training_free: CSV of `training_free_kodak`.
    """
    count = len({row["digest"] for row in rows})
    lines = [
        "# What diffusion brings",
        "",
        "Made by `python benchmarks/regression_twins.py --train DIR --data DIR [--squeezenet FILE] [--pairs ...]`, "
        "which trains and measures; do not edit. A row a picture: `regression-twins.csv`.",
        "",
        "Beside each diffusion receiver stands its twin: the same network with the same parameters and the same start, "
        "trained for as many steps on the same crops over the same channel by the same recipe and loss. The one learns "
        "to denoise from drawn noise levels and samples; the other is told the noisiest level and no noise, learns "
        "the clean signal at once (`objective: regression`), and decodes in one pass. Transmitter and estimate before "
        "the denoiser are the shipped ones, or HEVC, and stay as they are; the denoiser starts afresh in both. So what "
        "differs is what diffusion brings, or costs.",
        "",
        f"{count} whole Kodak pictures, AWGN of Es/N0 10 dB, everything charged, the same noise for all. Differences "
        "are paired by picture, with 95 % intervals bootstrapped over the pictures. SWD, MDSI and the SqueezeNet "
        "distance: less is better. *Detail off by*: how far the energy of the finest details is from the sent "
        "picture's. *Without denoiser*: the shipped estimate, which both start from. `--steps` trains "
        "longer.",
        "",
        "**The trainings are short**, on one core of a busy machine; the shipped weights of these systems had two "
        "cores for 20 to 71 minutes. Figures of twins are for comparison with each other and with nothing else. "
        "Where a twin equals *without denoiser*, neither has learnt enough for the pair to tell anything of diffusion.",
    ]
    for pair in pairs:
        lines += ["", f"## {pair.name}", "", *_trainings(pair)]
        for point in pair.points:
            at = [row for row in rows if row["target_cbr"] == point.cbr]
            lines += ["", f"CBR {point.cbr}:", "", *_means(at, pair), "", *_differences(at, pair)]
    if not any(pair.name.endswith(" P") for pair in pairs):
        lines += ["", "The pairs of variants P were not trained for this page."]
    return "\n".join([*lines, *_training_free(training_free)]) + "\n"


def write_rows(path: Path, rows: Rows) -> None:
    """A row a picture, receiver and point."""
    names = ["system", "channel", "target_cbr", "esn0_db", "label", "cbr", *(figure.key for figure in FIGURES)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _trainings(pair: Compared) -> list[str]:
    """Steps, minutes, and PSNR of one step on held-out pictures."""
    points = [key for key in pair.trainings[1].metrics if key.endswith("1 steps: PSNR in dB")]
    titles = [key.removeprefix("validation, ").removesuffix(" 1 steps: PSNR in dB").rstrip(",") for key in points]
    lines = [
        f"| learnt by | steps | crops | minutes | {' | '.join(f'held out, {title}' for title in titles)} |",
        "|---|---:|---:|---:|" + "---:|" * len(points),
    ]
    for one in pair.trainings:
        cells = " | ".join(f"{one.metrics[key]:.3f}" for key in points)
        crops = f"{one.steps * one.batch} of {one.crop} pixels"
        lines.append(f"| {one.objective} | {one.steps} | {crops} | {one.minutes:.1f} | {cells} |")
    return [
        *lines,
        "",
        "Held out: PSNR in dB of one step, centre crops of 4 pictures of the training's kind. Minutes are of a core "
        "that had other work too, validation included, in which a diffusion samples besides; the steps are the same.",
    ]


def _means(rows: Rows, pair: Compared) -> list[str]:
    shown = _shown(rows)
    lines = [f"| receiver | CBR | {' | '.join(one.title for one in shown)} |", "|---|---:|" + "---:|" * len(shown)]
    for system in pair.systems:
        mine = [row for row in rows if row["system"] == system.name]
        cells = " | ".join(format(np.mean([row[one.key] for row in mine]), one.form) for one in shown)
        lines.append(f"| {system.name} | {np.mean([row['cbr'] for row in mine]):.5f} | {cells} |")
    return lines


def _differences(rows: Rows, pair: Compared) -> list[str]:
    shown = _shown(rows)
    lines = [f"| less its regression | {' | '.join(one.title for one in shown)} |", "|---|" + "---:|" * len(shown)]
    for system in pair.systems:
        if system.name != pair.twin:
            cells = [_cell(paired_difference(rows, system.name, pair.twin, one.key), one.form) for one in shown]
            lines.append(f"| {system.name} | {' | '.join(cells)} |")
    return lines


def _shown(rows: Rows) -> list[Figure]:
    return [one for one in FIGURES if any(row.get(one.key) is not None for row in rows)]


def _cell(found: Interval, form: str) -> str:
    ends = "" if math.isnan(found.low) else f" ({found.low:+{form}} to {found.high:+{form}})"  # of one picture
    return f"{found.mean:+{form}}{ends}"


def _training_free(path: Path) -> list[str]:
    """Of the miniature whose one step to the mean is its twin already: no training, rows of another benchmark."""
    lines = [
        "",
        "## Training-free communication, and what has no twin",
        "",
        "The denoiser of the training-free miniature predicts noise at the level that fits the channel's, by the "
        "squared error; one step of it from that level (`decoder.steps: one`) is the mean of all that the latent could "
        "have been. So it is a regression of the same weights: *matched diffusion* less *one step to the mean*, "
        "[on Kodak](training-free-kodak.md), 24 pictures over AWGN. The former's transmitter inverts by "
        "five steps and the latter's by none: the differences are of both together.",
        "",
    ]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = [one for one in FIGURES if one.key in TRAINING_FREE]
    lines += [f"| Es/N0 | {' | '.join(one.title for one in shown)} |", "|---:|" + "---:|" * len(shown)]
    for level in ("0", "5", "10", "20"):
        at = [row for row in rows if (row["channel"], row["esn0_db"]) == ("awgn", level)]
        many, one_step = (
            {row["label"]: row for row in at if row["system"] == name}
            for name in ("matched diffusion", "one step to the mean")
        )
        cells = []
        for one in shown:
            lost = [_of(many[label], one.key) - _of(one_step[label], one.key) for label in sorted(many)]
            cells.append(_cell(bootstrap_mean(lost), one.form))
        lines.append(f"| {level} dB | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "The latent denoiser with `steps: 1` gives the mean as well, of a network that was trained with the channel. "
        "GESCO draws pictures of label maps; of the many that fit, a regression would show the blur. No twin of either "
        "was trained.",
    ]


def _of(row: Mapping[str, str], key: str) -> float:
    return abs(float(row["high_frequency_error_db"])) if key == "detail_off_db" else float(row[key])
