"""Source coders at an exact budget: PSNR, fill, encodes and processor time; and the peak memory of a large picture.

    python benchmarks/image_codecs.py --data DIR

The budget is that of an ideal code over AWGN: 3 H W CBR log2(1 + Es/N0), header not charged, as papers have it. Each
coder runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from figures import machine
from semcom.sim.bandwidth import capacity_bits_per_use
from semcom.sim.codecs.codec import Codec, codec_named
from semcom.sim.codecs.rate_search import fill_budget
from semcom.sim.images import image_files, read_image
from semcom.sim.metrics.psnr import psnr_db

CODERS = {
    "hevc slow": {"name": "hevc"},
    "hevc medium": {"name": "hevc", "preset": "medium"},
    "vvc fast": {"name": "vvc", "preset": "fast"},
    "vvc medium": {"name": "vvc"},
    "jpeg2000": {"name": "jpeg2000"},
    "avif": {"name": "avif"},
    "webp": {"name": "webp"},
}
CBRS = {"1/12": 1 / 12, "1/6": 1 / 6}
ESN0_DB = 10.0
LARGE = 4096


def processor_s() -> float:
    """Processor time of this process and of the children that ended: vvenc runs in one."""
    return sum(os.times()[:4])


def at_cbr(codec: Codec, folder: str, cbr: float) -> tuple[float, float, float, float, float]:
    """Return the means over a folder: PSNR in dB, fill, encodes, seconds; and the least fill."""
    rows = []
    for file in image_files(folder):
        picture = read_image(file)
        height, width = picture.shape[:2]
        budget = int(picture.size * cbr * capacity_bits_per_use(ESN0_DB) / 8)
        start = processor_s()
        found = fill_budget(
            lambda setting, picture=picture: codec.encode(picture, setting),
            codec.knob(height, width),
            budget,
            height * width,
        )
        seconds = processor_s() - start
        if found.data is None:
            raise SystemExit(f"{file}: nothing fits {budget} bytes")
        decoded = codec.decode(found.data, height, width)
        rows.append((psnr_db(picture, decoded), len(found.data) / budget, found.encodes, seconds))
    means = np.mean(rows, axis=0)
    return (*means, min(row[1] for row in rows))


def large(coder: str, folder: str) -> tuple[float, float, int]:
    """Return seconds to encode and decode a large picture once at about 1 bit a pixel, and the peak memory in MB."""
    codec = codec_named(**CODERS[coder])
    picture = read_image(image_files(folder)[0], size=(LARGE, LARGE), fit="stretch")
    start = processor_s()
    file = codec.encode(picture, codec.knob(LARGE, LARGE).at_one_bpp)
    middle = processor_s()
    codec.decode(file, LARGE, LARGE)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024
    return middle - start, processor_s() - middle, peak


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="Folder of pictures.")
    folder = parser.parse_args().data
    print(f"{machine()}; {len(image_files(folder))} pictures of {Path(folder).name}, Es/N0 {ESN0_DB:g} dB\n")
    print("| coder | CBR | PSNR, dB | fill, mean (least) | encodes | s a picture |\n|---|---|---|---|---|---|")
    for coder, given in CODERS.items():
        for name, cbr in CBRS.items():
            quality_db, fill, encodes, seconds, least = at_cbr(codec_named(**given), folder, cbr)
            row = f"{quality_db:.2f} | {fill:.3f} ({least:.3f}) | {encodes:.1f} | {seconds:.2f}"
            print(f"| {coder} | {name} | {row} |", flush=True)
    print(f"\n| {LARGE} x {LARGE} | encode once, s | decode, s | peak memory, MB |\n|---|---|---|---|")
    for coder in CODERS:
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            encode_s, decode_s, peak = own.submit(large, coder, folder).result()
        print(f"| {coder} | {encode_s:.1f} | {decode_s:.1f} | {peak} |", flush=True)


if __name__ == "__main__":
    main()
