"""GESCO's miniature on drawn scenes: what arrives of the label map, and what is drawn of it.

    python benchmarks/gesco_scenes.py maps --scenes 64 --csv docs/gesco-maps.csv
    python benchmarks/gesco_scenes.py pictures docs/_static/gesco-pictures.webp

Both go over AWGN with the codec that the blocks call. Intervals are of the mean over scenes, 95 %; a difference is
paired, scene by scene. None of the scenes was trained on.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import t as student
from semcom.models.codec import Frame, Reception
from semcom.models.gesco.codec import Codec, Receiving, sender
from semcom.models.gesco.engine import load
from semcom.sim.channels.awgn import n0_from_esn0_db
from semcom.sim.label_maps.agreement import mean_iou, right_share
from semcom.sim.label_maps.legend import read_legend
from semcom.sim.label_maps.one_hot import decided
from semcom.sim.label_maps.scenes import draw_scene
from semcom.sim.side_information.label_classes import LabelClasses

SIDE = 64
MAPS_ESN0_DB = (-12, -9, -6, -3, 0, 3, 6, 9, 15)
PICTURES_ESN0_DB = (12, 3, -3, -9)
SHOWN = (1, 3, 7, 10)
FINE = 3  # pixels of the page a side for one


class Measured(NamedTuple):
    """Of one Es/N0: by direct decision, by pooling, and the gain, each with half its interval."""

    esn0_db: float
    decided: tuple[float, float]
    pooled: tuple[float, float]
    gain: tuple[float, float]
    decided_iou: float
    pooled_iou: float


def received(frame: Frame, esn0_db: float, number: int) -> Reception:
    """What a receiver has of a frame after AWGN, in the encoder's scale."""
    rng, n0 = np.random.default_rng([number, round(10 * (esn0_db + 100))]), float(n0_from_esn0_db(esn0_db))
    power = float(np.mean(np.square(frame.features)))
    noise = rng.standard_normal(frame.features.size, np.float32) * np.float32((power * n0) ** 0.5)
    return frame.heard(n0, frame.features + noise, rng)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    half = student.ppf(0.975, values.size - 1) * values.std(ddof=1) / values.size**0.5
    return float(values.mean()), float(half)


def maps(scenes: int) -> Iterator[Measured]:
    codec = sender("mini")
    for esn0_db in MAPS_ESN0_DB:
        shares, ious = np.zeros((2, scenes)), np.zeros((2, scenes))
        for number in range(scenes):
            labels = draw_scene(number, SIDE, SIDE).labels
            frame = codec.encode(labels, Codec.sending())
            heard = received(frame, esn0_db, number)
            for row, denoising in enumerate(("none", "pooled")):
                found = found_map(codec, heard, denoising)[..., 0]
                shares[row, number] = right_share(labels[..., 0], found)
                ious[row, number] = mean_iou(labels[..., 0], found)
        direct, pool = shares
        yield Measured(esn0_db, interval(direct), interval(pool), interval(pool - direct), *ious.mean(1).tolist())


def found_map(codec: Codec, heard: Reception, denoising: str) -> NDArray[np.uint8]:
    """The greatest value of each pixel, after denoising or without it."""
    soft = codec.maps(heard, Receiving.model_validate({"denoising": denoising}))
    return decided(soft, heard.header.read(LabelClasses).sent, edges=True)


def report_maps(scenes: int, path: Path | None) -> None:
    rows = list(maps(scenes))
    print("| Es/N0 | direct decision | pooled | pooled better by | mIoU, direct | mIoU, pooled |")
    print("|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        shares = (f"{100 * mean:.1f} ± {100 * half:.1f} %" for mean, half in (row.decided, row.pooled, row.gain))
        print(f"| {row.esn0_db:g} dB | {' | '.join(shares)} | {row.decided_iou:.2f} | {row.pooled_iou:.2f} |")
    if path is not None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = (f"{name}{end}" for name in ("decided", "pooled", "gain") for end in ("", "_half_interval"))
            writer.writerow(["esn0_db", *names, "decided_iou", "pooled_iou"])
            for row in rows:
                values = (*row.decided, *row.pooled, *row.gain, row.decided_iou, row.pooled_iou)
                writer.writerow([row.esn0_db, *(f"{value:.5f}" for value in values)])


def pictures(path: Path) -> None:
    """Rows: scenes. Columns: the scene and its map, then for each Es/N0 the map as it came and what is drawn of it."""
    torch.set_num_threads(1)
    codec, legend, rows = load(), read_legend("scenes"), []
    for number in SHOWN:
        scene = draw_scene(number, SIDE, SIDE)
        frame = codec.encode(scene.labels, Codec.sending())
        row = [scene.picture, legend.painted(scene.labels)]
        for esn0_db in PICTURES_ESN0_DB:
            heard = received(frame, esn0_db, number)
            row += [legend.painted(found_map(codec, heard, "pooled")), codec.decode(heard, Receiving())]
        rows.append(np.concatenate(row, 1))
    whole = Image.fromarray(np.concatenate(rows))
    size = whole.width * FINE // 2, whole.height * FINE // 2
    whole.resize(size, Image.Resampling.NEAREST).save(path, quality=90, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("maps")
    measure.add_argument("--scenes", type=int, default=64)
    measure.add_argument("--csv", type=Path)
    commands.add_parser("pictures").add_argument("path", type=Path)
    given = parser.parse_args()
    if given.command == "maps":
        report_maps(given.scenes, given.csv)
    else:
        pictures(given.path)


if __name__ == "__main__":
    main()
