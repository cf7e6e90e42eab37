"""Receivers made for the look of pictures, on pictures that were held out of their training, over AWGN at 10 dB.

    python benchmarks/perceptual_held_out.py --data DIR [--pictures N] [--weights FILE]

``DIR`` is the folder of the training. Prints a table a rate: means over the centre crops of 256 pixels of N held-out
pictures, evenly spread by name, by PSNR and by distances that nothing here was trained with. Each system pays for its
whole header out of the CBR, but for DeepJSCC, whose header comes on top. ``FILE`` is other weights for ``ntscc-p``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ntscc_held_out import held_out, over_awgn
from semcom.models.codec import PictureCodec
from semcom.models.lookup import find_system
from semcom.models.ntscc.config import TrainConfig
from semcom.models.ntscc.system import SYSTEM
from semcom.sim.metrics.haarpsi import haarpsi
from semcom.sim.metrics.high_frequency import high_frequency_error_db
from semcom.sim.metrics.mdsi import mdsi
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.metrics.sliced_wasserstein import sliced_wasserstein

CBRS = ("1/48", "1/24", "1/12")
ESN0_DB = 10.0
MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "PSNR in dB": psnr_db,
    "HaarPSI, more is better": haarpsi,
    "MDSI, less": mdsi,
    "SWD, less": sliced_wasserstein,
    "detail in dB, 0 best": high_frequency_error_db,
}


class Row(NamedTuple):
    """A receiver: its codec, the name of its setting of the rate, and what its decoder is told."""

    title: str
    codec: PictureCodec[Any, Any, Any]
    rate: str
    receiving: dict[str, Any]

    def measured(self, cbr: str, pictures: dict[int, np.ndarray]) -> list[float]:
        """Means of all measures."""
        sending = self.codec.sending(**{self.rate: cbr, "esn0_db": ESN0_DB})
        receiving = self.codec.receiving(**self.receiving)
        found = []
        for number, sent in pictures.items():
            made = over_awgn(self.codec, self.codec.encode(sent, sending), ESN0_DB, number, receiving)
            found.append([measure(sent, made) for measure in MEASURES.values()])
        means: list[float] = np.mean(found, 0).tolist()
        return means


def rows_of(weights: str | None) -> list[Row]:
    """All receivers."""

    def load(system: str, variant: str, file: str | None = None) -> PictureCodec[Any, Any, Any]:
        codec: PictureCodec[Any, Any, Any] = find_system(system).load("engine", "this benchmark")(variant, file)
        return codec

    d, p, upon_ntscc = load("cdm-jscc", "d"), load("cdm-jscc", "p"), load("cdm-jscc", "ntscc-p", weights)
    return [
        Row("DeepJSCC perceptual", load("deepjscc", "perceptual"), "rate", {}),
        Row("CDM-JSCC D", d, "cbr", {"steps": 1}),
        *(Row(f"CDM-JSCC P, steps: {steps}", p, "cbr", {"steps": steps}) for steps in (1, 4)),
        Row("NTSCC midi, the estimate of ntscc-p", upon_ntscc, "cbr", {"guidance": 0}),
        *(Row(f"CDM-JSCC ntscc-p, steps: {steps}", upon_ntscc, "cbr", {"steps": steps}) for steps in (1, 4)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training")
    parser.add_argument("--pictures", type=int, default=6, help="how many of those held out")
    parser.add_argument("--weights", help="a file of weights for ntscc-p")
    options = parser.parse_args()
    pictures = held_out(options.data, TrainConfig.read(SYSTEM.recipes["mini"]), options.pictures)
    rows = rows_of(options.weights)
    for cbr in CBRS:
        print(f"| {cbr} | {' | '.join(MEASURES)} |\n|---|{'---:|' * len(MEASURES)}")
        for row in rows:
            print(
                f"| {row.title} | {' | '.join(f'{value:.4g}' for value in row.measured(cbr, pictures))} |", flush=True
            )
        print()


if __name__ == "__main__":
    main()
