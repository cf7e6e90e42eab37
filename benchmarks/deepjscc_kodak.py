"""DeepJSCC on the Kodak pictures: PSNR and MS-SSIM by rate, SNR and channel, beside the untrained linear code.

    python benchmarks/deepjscc_kodak.py --data DIR

Runs the streaming blocks themselves (encoder, mapper, channel, decoder), each picture whole. Channels: AWGN; Rayleigh
with a gain per symbol (fast); Rayleigh with one gain per picture (block); channel state known to the receiver, MMSE
equaliser, the transmitter knows the mean Es/N0. Writes ``docs/deepjscc-kodak.csv`` and ``docs/deepjscc-kodak.md``.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.channels.rayleigh import Rayleigh
from semcom.blocks.decoders.deepjscc import Deepjscc as Decoder
from semcom.blocks.encoders.deepjscc import Deepjscc as Encoder
from semcom.blocks.envelope import Header, Identity, Out, State
from semcom.blocks.mappers.complex_to_real import ComplexToReal
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.sim.bandwidth import Bandwidth
from semcom.sim.channels.awgn import n0_from_esn0_db
from semcom.sim.channels.equalizer import mmse
from semcom.sim.channels.rayleigh import rayleigh
from semcom.sim.images import read_image
from semcom.sim.metrics.ms_ssim import ms_ssim
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.noise import complex_normal

RATES = ("1/48", "1/24", "1/12", "1/6")
ESN0_DB = (1, 4, 7, 10, 13)
VARIANTS = ("adaptive", "linear")
CHANNELS = {"awgn": 1, "rayleigh fast": 1, "rayleigh block": 4}  # draws of noise and fading per picture
SEED = 7
DOCS = Path(__file__).resolve().parents[1] / "docs"


class Point(NamedTuple):
    """One cell of the table."""

    channel: str
    variant: str
    rate: str
    esn0_db: int


class Measured(NamedTuple):
    """One picture, received once."""

    psnr_db: float
    ms_ssim: float  # nan where it was not measured
    cbr: float
    side_bits: int


def over_channel(name: str, esn0_db: float, symbols: Any, number: int, draw: int) -> Out[Any]:
    """Send symbols; a picture meets the same fades at every rate and SNR and from both codes."""
    if name == "awgn":
        return Awgn(Awgn.Params(esn0_db=esn0_db), name="channel", seed=SEED).work(symbols, Identity(number, draw))
    if name == "rayleigh fast":
        params = Rayleigh.Params(esn0_db=esn0_db, coherence_symbols=1)
        return Rayleigh(params, name="channel", seed=SEED).work(symbols, Identity(number, draw))
    gain = complex_normal(np.random.default_rng([SEED, number, draw, 0]), 1)
    noise = complex_normal(np.random.default_rng([SEED, number, draw, 1]), symbols.size)
    n0 = n0_from_esn0_db(esn0_db)
    equalised, effective_n0 = mmse(*rayleigh(symbols, gain, noise, n0=n0), n0)
    return Out(equalised, state=State(n0=effective_n0))


def measure(job: tuple[int, Path, str | None]) -> list[tuple[Point, Measured]]:
    """Send one picture at every point of the table."""
    number, path, weights = job
    import torch

    torch.set_num_threads(1)
    image = read_image(path)
    decoders = {"adaptive": Decoder(Decoder.Params(weights=weights), name="decoder"), "linear": Decoder(name="decoder")}
    for decoder in decoders.values():
        decoder.start()
    found = []
    for point, mapped, header in encoded(image, weights):
        bandwidth = Bandwidth(*image.shape[:2], payload_uses=mapped.size, side_bits=header.bits)
        for draw in range(CHANNELS[point.channel]):
            received = over_channel(point.channel, point.esn0_db, mapped, number, draw)
            features = ComplexToReal(name="unmap").work(received.value, header)
            out = decoders[point.variant].work(features, header, received.state)
            similarity = ms_ssim(image, out) if draw == 0 else math.nan
            found.append((point, Measured(psnr_db(image, out), similarity, bandwidth.cbr, header.bits)))
    return found


def encoded(image: Any, weights: str | None) -> Iterator[tuple[Point, Any, Header]]:
    """The picture's symbols at every rate and SNR, once for each channel."""
    encoders = {}
    for variant in VARIANTS:
        chosen = {"variant": variant, "weights": weights if variant == "adaptive" else None}
        encoders[variant] = Encoder(Encoder.Params.model_validate(chosen), name="encoder")
        encoders[variant].start()
    for variant, rate, esn0_db in itertools.product(VARIANTS, RATES, ESN0_DB):
        encoder = encoders[variant]
        encoder.params = encoder.params.model_copy(update={"rate": rate, "esn0_db": esn0_db})
        out = encoder.work(image)
        mapped = RealToComplex(name="map").work(out.value)
        header = Header().with_fields(*out.header, *mapped.header)
        for channel in CHANNELS:
            yield Point(channel, variant, rate, esn0_db), mapped.value, header


def mean_and_interval(values: list[list[float]]) -> tuple[float, float]:
    """Mean over pictures of their mean over draws, and half the 95 % interval over draws (the pictures are given)."""
    mean = float(np.mean([np.mean(draws) for draws in values]))
    if len(values[0]) < 2:
        return mean, math.nan
    variance = sum(np.var(draws, ddof=1) / len(draws) for draws in values) / len(values) ** 2
    return mean, 1.96 * math.sqrt(variance)


def table(cells: dict[Point, dict[str, float]], channel: str, key: str, digits: int) -> list[str]:
    lines = [f"| Es/N0 | {' | '.join(RATES)} |", "|---|" + "---|" * len(RATES)]
    for esn0_db in ESN0_DB:
        row = []
        for rate in RATES:
            trained, linear = (cells[Point(channel, variant, rate, esn0_db)] for variant in VARIANTS)
            half = trained["psnr_interval_db"]
            interval = f" ± {half:.2f}" if key == "psnr_db" and not math.isnan(half) else ""
            row.append(f"**{trained[key]:.{digits}f}**{interval} ({linear[key]:.{digits}f})")
        lines.append(f"| {esn0_db} dB | {' | '.join(row)} |")
    return lines


def page(cells: dict[Point, dict[str, float]], pictures: int, card: Any) -> str:
    sections = {
        "awgn": "AWGN",
        "rayleigh fast": "Rayleigh, a gain per symbol",
        "rayleigh block": f"Rayleigh, one gain per picture ({CHANNELS['rayleigh block']} fades of each)",
    }
    side = int(cells[Point("awgn", "adaptive", "1/12", 10)]["side_bits"])
    charged = ", ".join(f"{rate}: {cells[Point('awgn', 'adaptive', rate, 10)]['cbr']:.5f}" for rate in RATES)
    lines = [
        "# DeepJSCC on Kodak: the table",
        "",
        "Made by `python benchmarks/deepjscc_kodak.py --data DIR`; every figure and its spread: `deepjscc-kodak.csv`.",
        f"Weights: `{card.file}`, SHA-256 `{card.sha256[:16]}...`, {card.training.steps} steps, "
        f"{card.training.minutes:g} minutes ({card.training.machine}).",
        "",
        f"Mean over {pictures} whole pictures of each one's PSNR on uint8, peak 255, in dB. **Bold**: the shipped "
        "network; in brackets: the linear code (KLT, power allocation, LMMSE), fitted and not trained. The transmitter "
        "knows the mean Es/N0, the receiver the channel. Where there is one, ± is half of the 95 % interval of the "
        "mean over fades and noise; AWGN and fast fading are one draw per picture, and a picture has thousands of "
        "symbols. MS-SSIM is of the first draw.",
        "",
        f"Side information is charged: {side} bits a picture (size 32, model 24, mode 7, power scale 16) at 0.5 bit "
        f"a channel use. CBR with it: {charged}.",
    ]
    for channel, title in sections.items():
        lines += ["", f"## {title}", "", "PSNR in dB", "", *table(cells, channel, "psnr_db", 2)]
        lines += ["", "MS-SSIM", "", *table(cells, channel, "ms_ssim", 4)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones, with their card beside them")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the table (default: docs)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    arguments = parser.parse_args()
    weights = str(arguments.weights) if arguments.weights else None
    from semcom.models.deepjscc.names import SHIPPED
    from semcom.models.model_card import ModelCard, card_path

    card = ModelCard.read(card_path(arguments.weights or SHIPPED.path("adaptive")))
    paths = sorted(arguments.data.glob("*.png"))
    if not paths:
        sys.exit(f"{arguments.data}: expected PNG pictures, found none")
    values: dict[Point, list[list[Measured]]] = defaultdict(list)
    start = time.monotonic()
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        jobs = [(number, path, weights) for number, path in enumerate(paths)]
        for number, found in enumerate(pool.map(measure, jobs), 1):
            of_picture: dict[Point, list[Measured]] = defaultdict(list)
            for point, measured in found:
                of_picture[point].append(measured)
            for point, draws in of_picture.items():
                values[point].append(draws)
            print(f"{number}/{len(paths)} pictures, {time.monotonic() - start:.0f} s", file=sys.stderr)
    cells = {}
    for point, pictures in values.items():
        mean, half = mean_and_interval([[m.psnr_db for m in draws] for draws in pictures])
        cells[point] = {
            "psnr_db": mean,
            "psnr_interval_db": half,
            "psnr_std_over_pictures_db": float(np.std([np.mean([m.psnr_db for m in d]) for d in pictures])),
            "ms_ssim": float(np.mean([draws[0].ms_ssim for draws in pictures])),
            "cbr": float(np.mean([draws[0].cbr for draws in pictures])),
            "side_bits": float(pictures[0][0].side_bits),
        }
    with (arguments.out / "deepjscc-kodak.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*Point._fields, *next(iter(cells.values()))])
        writer.writerows([*point, *(f"{value:.5g}" for value in cell.values())] for point, cell in cells.items())
    text = page(cells, len(paths), card)
    (arguments.out / "deepjscc-kodak.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
