"""Designs of NTSCC beside each other: what prices the latents, and at which resolutions the transform works.

    python benchmarks/ntscc_designs.py --data DIR [--minutes M | --steps N] [--seeds 1,2]

Each design is the miniature's recipe with one change, trained with the same seed on the same pictures for the same
minutes of CPU time, validations included, or the same steps. ``DIR`` is the folder of the training; its held-out
pictures are measured as ``benchmarks/ntscc_held_out.py`` does. Prints the table of ``docs/ntscc.md``. Goes on where it
was stopped: trainings and rows are kept under ``--out``.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from ntscc_held_out import POINTS, held_out, mean_psnr_db, middle
from rows import Rows
from semcom.models.ntscc.config import Phase, TrainConfig
from semcom.models.ntscc.cost import cost
from semcom.models.ntscc.engine import load
from semcom.models.ntscc.network import Ntscc
from semcom.models.ntscc.system import SYSTEM
from semcom.models.ntscc.training import NtsccRun
from semcom.models.training.pictures import Pictures
from semcom.models.training.train import train
from semcom.models.training.validation import Scores, centre_crop

AT_16 = {"analysis_blocks": [0, 0, 3], "synthesis_blocks": [0, 0], "decoder_blocks": 6}
"""The blocks of the miniature at 1/4 and 1/8, put at 1/16: as many multiplications."""
DESIGNS: dict[str, dict[str, Any]] = {
    "channels": {"context": "channels"},
    "checkerboard": {"context": "checkerboard"},
    "none": {"context": "none"},
    "channels, all blocks at 1/16": {"context": "channels", **AT_16},
}


class Bits(NamedTuple):
    """Mean bits a pixel."""

    latents: float
    z: float


@torch.no_grad()
def bits_of(network: Ntscc, pictures: list[np.ndarray]) -> Bits:
    """What pictures would cost at 10 dB."""
    found = []
    for picture in pictures:
        image = centre_crop(picture, *picture.shape[:2], torch.device("cpu"))
        _, entropy = network.entropy(image, torch.full((1,), 10.0))
        pixels = picture.shape[0] * picture.shape[1]
        found.append((float(entropy.patch_bits.sum()) / pixels, float(entropy.side_bits) / pixels))
    return Bits(*np.mean(found, 0).tolist())


class ByCpuTime(NtsccRun):
    """Its minutes are CPU time of this process, whatever else the machine does.

    The entropy model alone is scored by the bits of the latents and of z. The latents are the KLT's components then,
    the same of every design.
    """

    @contextmanager
    def timed(self) -> Iterator[None]:
        """What is computed meanwhile counts."""
        start = time.process_time()
        yield
        self.seconds += time.process_time() - start

    def validate(self, network: Ntscc, held: Pictures, phase: Phase) -> Scores:
        """See `validation.validate`."""
        if phase.trains != ("entropy",):
            return super().validate(network, held, phase)
        bits = bits_of(network, [middle(np.asarray(picture)) for picture in held.pixels])
        return Scores(-sum(bits), {f"{name} bits per pixel": value for name, value in bits._asdict().items()})


def recipe_of(design: str, given: argparse.Namespace, seed: int) -> TrainConfig:
    """The recipe with a design's change and the budget."""
    told = TrainConfig.read(SYSTEM.recipe_file(given.recipe)).model_dump()
    told["model"] |= DESIGNS[design]
    told |= {"seed": seed, "threads": 1, "validate_minutes": 600, "checkpoint_minutes": 1}
    told |= {"validation_pictures": min(told["validation_pictures"], 2)}  # it is paid for out of the minutes
    told |= {"minutes": None if given.steps else given.minutes, "steps": given.steps}
    return TrainConfig.model_validate(told)


def measured(design: str, seed: int, given: argparse.Namespace, pictures: dict[int, np.ndarray]) -> dict[str, Any]:
    """Train a design as far as it is not, and measure it."""
    recipe = recipe_of(design, given, seed)
    out = given.out / f"{design.replace(', ', '-').replace(' ', '-').replace('/', '-')}-{seed}-{budget_of(given)}"
    out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    result = train(ByCpuTime, recipe, given.data, out, device="cpu")
    with (out / "curve-entropy.csv").open(newline="", encoding="utf-8") as file:
        first = list(csv.DictReader(file))[-1]
    codec, counted = load(weights=result.weights), cost(recipe.model)
    bits = bits_of(codec.engine.network, list(pictures.values()))  # type: ignore[attr-defined]
    psnr_db = {
        f"psnr_db {cbr} {esn0_db}dB": mean_psnr_db(codec, codec.sending(cbr=cbr, esn0_db=esn0_db), pictures, esn0_db)
        for cbr, esn0_db in POINTS
    }
    return {
        **{"parameters": counted.parameters, "encode_kmac": counted.encode_kmac_per_pixel},
        **{"decode_kmac": counted.decode_kmac_per_pixel, "steps": result.steps},
        **{"cpu_minutes": result.seconds / 60, "last_wall_minutes": (time.monotonic() - begin) / 60},
        **{f"klt_{name}_bits": first[f"{name} bits per pixel"] for name in Bits._fields},
        **{f"{name}_bits": value for name, value in bits._asdict().items()},
        **psnr_db,
        "psnr_db": float(np.mean(list(psnr_db.values()))),
    }


def budget_of(given: argparse.Namespace) -> str:
    """In words."""
    return f"{given.steps} steps" if given.steps else f"{given.minutes:g} minutes"


def table(rows: list[dict[str, Any]]) -> list[str]:
    """In markdown."""
    points = [f"{cbr}, {esn0_db} dB" for cbr, esn0_db in POINTS]
    head = ["design", "seed", "kMAC a pixel", "steps", "bits a pixel", *points, "mean"]
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        psnr_db = [row[f"psnr_db {cbr} {esn0_db}dB"] for cbr, esn0_db in POINTS]
        cells = [
            f"`{row['design']}`",
            f"{row['seed']}",
            f"{row['encode_kmac']:.1f} + {row['decode_kmac']:.1f}",
            f"{row['steps']}",
            f"{row['klt_latents_bits']:.3f} + {row['klt_z_bits']:.3f}",
            *(f"{value:.2f}" for value in (*psnr_db, row["psnr_db"])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Train what is not trained yet, measure it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, default=5.0, help="of CPU time, of each training (default: 5)")
    budget.add_argument("--steps", type=int, help="of each training, in place of minutes")
    parser.add_argument("--seeds", default="1", help="one training each (default: 1)")
    parser.add_argument("--pictures", type=int, default=6, help="how many of those held out (default: 6)")
    parser.add_argument("--recipe", default="mini", help="that is changed (default: mini)")
    parser.add_argument("--out", type=Path, default=Path("out/ntscc-designs"), help="folder of trainings and rows")
    given = parser.parse_args()
    pictures = held_out(given.data, recipe_of("none", given, 1), given.pictures)
    rows = Rows(given.out / "rows.csv")
    found = [
        rows.once(
            {"design": design, "seed": seed, "budget": budget_of(given), "recipe": given.recipe},
            lambda design=design, seed=seed: measured(design, seed, given, pictures),  # type: ignore[misc]
        )
        for seed in map(int, given.seeds.split(","))
        for design in DESIGNS
    ]
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
