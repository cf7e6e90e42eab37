"""DeepJSCC on the points of a QAM, on Kodak over AWGN: PSNR by constellation, beside the code without one.

Four schemes, all through the blocks that streaming runs:

- ``free``: the shipped adaptive network, symbols of any value (``mappers/real_to_complex``);
- ``nearest``: the same network, each feature on the nearest level (``mappers/to_constellation, spreading: none``);
- ``spread``: the same network, its features spread over the frame before;
- ``trained``: ``variant: quantised``, trained on with the constellations in the loop, and spread.

The encoder is told the mean Es/N0 and the constellation. Writes ``deepjscc-q-kodak.csv`` and ``deepjscc-q-kodak.md``;
schemes that ``--schemes`` leaves out are taken from the CSV that is there.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.decoders.deepjscc import Deepjscc as Decoder
from semcom.blocks.encoders.deepjscc import Deepjscc as Encoder
from semcom.blocks.envelope import Header, Identity
from semcom.blocks.mappers.complex_to_real import ComplexToReal
from semcom.blocks.mappers.from_constellation import FromConstellation
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.blocks.mappers.to_constellation import ToConstellation
from semcom.sim.bandwidth import Bandwidth
from semcom.sim.constellations.gaussian import effective_esn0_db
from semcom.sim.images import read_image
from semcom.sim.metrics.psnr import psnr_db

RATES = ("1/12", "1/6")
ESN0_DB = (0, 10, 20)
BITS = (2, 4, 6, 8)
SCHEMES = ("free", "nearest", "spread", "trained")
NEAREST_AT_DB = (10,)  # it is bad everywhere
SEED = 7
DOCS = Path(__file__).resolve().parents[1] / "docs"


class Point(NamedTuple):
    """One cell of the tables; 0 bits per symbol: no constellation."""

    scheme: str
    rate: str
    esn0_db: int
    bits_per_symbol: int


class Measured(NamedTuple):
    """One picture, received once; energy: of its symbols, the mean."""

    psnr_db: float
    cbr: float
    energy: float
    side_bits: float


def points(schemes: list[str]) -> Iterator[Point]:
    """What is measured of each picture."""
    for rate in RATES:
        for esn0_db in ESN0_DB:
            for scheme in schemes:
                if scheme != "nearest" or esn0_db in NEAREST_AT_DB:
                    for bits in (0,) if scheme == "free" else BITS:
                        yield Point(scheme, rate, esn0_db, bits)


@lru_cache
def loaded(variant: str) -> Encoder:
    encoder = Encoder(Encoder.Params.model_validate({"variant": variant}), name="encoder")
    encoder.start()
    return encoder


def measure(job: tuple[int, Path, list[str]]) -> list[tuple[Point, Measured]]:
    """Send one picture at every point."""
    number, path, schemes = job
    import torch

    torch.set_num_threads(1)
    image = read_image(path)
    decoder = Decoder(name="decoder")
    decoder.start()
    found, encodings = [], {}
    for point in points(schemes):
        variant = "quantised" if point.scheme == "trained" else "adaptive"
        bits = point.bits_per_symbol or None
        reckoned_db = effective_esn0_db(bits, point.esn0_db) if bits else point.esn0_db
        key = variant, point.rate, round(min(max(reckoned_db, 0), 20))  # all that the encoder's output depends on
        if key not in encodings:
            encoder = loaded(variant)
            encoder.params = encoder.params.model_copy(
                update={"rate": point.rate, "esn0_db": float(point.esn0_db), "bits_per_symbol": bits}
            )
            encodings[key] = encoder.work(image)
        encoded = encodings[key]
        mapper: Any = RealToComplex(name="map")
        if bits:
            spreading = "none" if point.scheme == "nearest" else "frame"
            chosen = ToConstellation.Params.model_validate({"bits_per_symbol": bits, "spreading": spreading})
            mapper = ToConstellation(chosen, name="map")
        mapped = mapper.work(encoded.value)
        header = Header().with_fields(*encoded.header, *mapped.header)
        channel = Awgn(Awgn.Params(esn0_db=point.esn0_db), name="channel", seed=SEED)
        received = channel.work(mapped.value, Identity(number))
        if bits:
            estimated = FromConstellation(name="unmap").work(received.value, header, received.state)
            out = decoder.work(estimated.value, header, estimated.state)
        else:
            out = decoder.work(ComplexToReal(name="unmap").work(received.value, header), header, received.state)
        bandwidth = Bandwidth(*image.shape[:2], payload_uses=mapped.value.size, side_bits=header.bits)
        energy = float(np.mean(np.abs(mapped.value) ** 2))
        found.append((point, Measured(psnr_db(image, out), bandwidth.cbr, energy, header.bits)))
    return found


def table(cells: dict[Point, Measured], rate: str) -> list[str]:
    """One table: rows of Es/N0 and constellation."""
    lines = [
        "| Es/N0 | constellation | nearest point | spread | **trained on, spread** | unconstrained |",
        "|---|---|---|---|---|---|",
    ]
    for esn0_db in ESN0_DB:
        for bits in BITS:
            values = []
            for scheme in ("nearest", "spread", "trained"):
                cell = cells.get(Point(scheme, rate, esn0_db, bits))
                text = "" if cell is None else f"{cell.psnr_db:.2f}"
                values.append(f"**{text}**" if scheme == "trained" and text else text)
            free = cells[Point("free", rate, esn0_db, 0)].psnr_db
            lines.append(f"| {esn0_db} dB | {2**bits}-QAM | {' | '.join(values)} | {free:.2f} |")
    return lines


def page(cells: dict[Point, Measured], pictures: int) -> str:
    """The page of tables."""
    card = loaded("quantised")._codec.engine.card  # type: ignore[attr-defined]
    trained = [cell for point, cell in cells.items() if point.scheme == "trained"]
    free = [cell for point, cell in cells.items() if point.scheme == "free"]
    low, high = min(cell.energy for cell in trained), max(cell.energy for cell in trained)
    lines = [
        "# DeepJSCC on constellations, on Kodak: the tables",
        "",
        "Made by `python benchmarks/deepjscc_q_kodak.py --data DIR`; every figure: `deepjscc-q-kodak.csv`.",
        f"Weights: `{card.file}`, SHA-256 `{card.sha256[:16]}...`; without a constellation, with the nearest point and "
        "with spreading alone: `adaptive.safetensors`.",
        "",
        f"Mean over {pictures} whole pictures of each one's PSNR on uint8, peak 255, in dB; AWGN, one draw of noise a "
        "picture. The transmitter knows the mean Es/N0, the receiver the noise variance.",
        "",
        f"Side information is charged: {trained[0].side_bits:.0f} bits a picture on a constellation, "
        f"{free[0].side_bits:.0f} without, at 0.5 bit a channel use; CBR with it is that of the title to "
        f"{max(c.cbr * int(p.rate[2:]) for p, c in cells.items()) - 1:.2%}. "
        f"Mean energy of the symbols, means over pictures: {low:.4f} to {high:.4f}.",
    ]
    for rate in RATES:
        lines += ["", f"## CBR {rate}", "", *table(cells, rate)]
    return "\n".join(lines) + "\n"


def read_cells(path: Path) -> dict[Point, Measured]:
    """What an earlier run measured."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {
        Point(scheme, rate, int(esn0_db), int(bits)): Measured(*map(float, values))
        for scheme, rate, esn0_db, bits, *values in rows
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=list(SCHEMES), help="what is measured anew")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the tables (default: docs)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    arguments = parser.parse_args()
    paths = sorted(arguments.data.glob("*.png"))
    if not paths:
        sys.exit(f"{arguments.data}: expected PNG pictures, found none")
    values: dict[Point, list[Measured]] = defaultdict(list)
    start = time.monotonic()
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [(number, path, arguments.schemes) for number, path in enumerate(paths)]
        for number, found in enumerate(pool.map(measure, jobs), 1):
            for point, measured in found:
                values[point].append(measured)
            print(f"{number}/{len(paths)} pictures, {time.monotonic() - start:.0f} s", file=sys.stderr)
    table_path = arguments.out / "deepjscc-q-kodak.csv"
    cells = {p: c for p, c in read_cells(table_path).items() if p.scheme not in arguments.schemes}
    cells |= {point: Measured(*map(float, np.mean(measured, axis=0))) for point, measured in values.items()}
    with table_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*Point._fields, *Measured._fields])
        writer.writerows([*point, *(f"{value:.6g}" for value in cells[point])] for point in sorted(cells))
    if missing := set(SCHEMES) - {point.scheme for point in cells}:
        sys.exit(f"{table_path}: no page yet: nothing measured of {', '.join(sorted(missing))}")
    text = page(cells, len(paths))
    (arguments.out / "deepjscc-q-kodak.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
