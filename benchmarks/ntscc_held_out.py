"""NTSCC beside DeepJSCC and CDM-JSCC D on pictures that were held out of its training, over AWGN.

    python benchmarks/ntscc_held_out.py --data DIR [--pictures N]

``DIR`` is the folder that ``semcom train ntscc`` was given. Prints the table of ``docs/ntscc.md``: mean PSNR in dB over
the centre crops of 256 pixels of N held-out pictures, evenly spread by name. DeepJSCC's header comes on top of the CBR,
that of the others is within it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from semcom.models.codec import Frame, PictureCodec
from semcom.models.lookup import find_system
from semcom.models.ntscc.config import TrainConfig
from semcom.models.ntscc.system import SYSTEM
from semcom.models.training.pictures import read_pictures
from semcom.models.training.recipe import Recipe
from semcom.sim.metrics.psnr import psnr_db

__all__ = ["POINTS", "held_out", "mean_psnr_db", "middle", "over_awgn"]

POINTS = (("1/48", 10), ("1/24", 10), ("1/12", 10), ("1/24", 4), ("1/12", 1))
SIDE = 256


class Column(NamedTuple):
    """A system, with the name of its setting of the rate."""

    title: str
    codec: PictureCodec[Any, Any, Any]
    rate: str


def over_awgn(
    codec: PictureCodec[Any, Any, Any], frame: Frame, esn0_db: float, seed: int, receiving: Any = None
) -> np.ndarray:
    """Return the receiver's picture, with these settings or none."""
    n0 = 10 ** (-esn0_db / 10)
    sigma = np.sqrt(np.mean(frame.features.astype(np.float64) ** 2) * n0)  # two values make a symbol of unit energy
    noise = sigma * np.random.default_rng(seed).standard_normal(frame.features.size)
    heard = frame.heard(n0, (frame.features + noise).astype(np.float32))
    made: np.ndarray = codec.decode(heard, receiving or codec.receiving())
    return made


def middle(whole: np.ndarray) -> np.ndarray:
    """The middle of a picture, of 256 pixels or what there is in whole patches of 16."""
    height, width = (min(SIDE, side) // 16 * 16 for side in whole.shape[:2])
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return np.ascontiguousarray(whole[top : top + height, left : left + width])


def held_out(data: Path, config: Recipe, count: int) -> dict[int, np.ndarray]:
    """Middles of so many of the pictures that were held out of a training, evenly spread, by their numbers."""
    _, held = read_pictures(data, config)
    chosen = np.linspace(0, len(held.pixels) - 1, min(count, len(held.pixels))).astype(int).tolist()
    return {number: middle(np.asarray(held.pixels[number])) for number in chosen}


def mean_psnr_db(
    codec: PictureCodec[Any, Any, Any], sending: Any, pictures: dict[int, np.ndarray], esn0_db: float
) -> float:
    """Mean over pictures, each with noise of its own that is the same for all codecs."""
    found = []
    for number, picture in pictures.items():
        received = over_awgn(codec, codec.encode(picture, sending), esn0_db, number)
        found.append(psnr_db(picture, received))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training")
    parser.add_argument("--pictures", type=int, default=6, help="how many of those held out")
    options = parser.parse_args()
    pictures = held_out(options.data, TrainConfig.read(SYSTEM.recipes["mini"]), options.pictures)
    columns = [
        Column(title, find_system(name).load("engine", "this benchmark")(variant), rate)
        for title, name, variant, rate in (
            ("NTSCC small", "ntscc", "small", "cbr"),
            ("NTSCC midi", "ntscc", "midi", "cbr"),
            ("NTSCC mini", "ntscc", "mini", "cbr"),
            ("DeepJSCC adaptive", "deepjscc", "adaptive", "rate"),
            ("CDM-JSCC D", "cdm-jscc", "d", "cbr"),
        )
    ]
    print(f"| CBR | Es/N0 | {' | '.join(column.title for column in columns)} |")
    print("|---|---:|" + "---:|" * len(columns))
    for cbr, esn0_db in POINTS:
        means = []
        for column in columns:
            sending = column.codec.sending(**{column.rate: cbr, "esn0_db": esn0_db})
            means.append(f"{mean_psnr_db(column.codec, sending, pictures, esn0_db):.2f}")
        print(f"| {cbr} | {esn0_db} | {' | '.join(means)} |")


if __name__ == "__main__":
    main()
