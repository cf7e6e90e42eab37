"""HEVC's diffusion receiver: time to decode one picture, beside HEVC's decoder alone; and time to encode it.

    python benchmarks/codec_diffusion_receiver.py [--sizes 256x256 ...] [--threads N] [--rounds N] [--device cpu]

Milliseconds a picture, one at a time, of a file at CBR 1/24 over the matched link at 10 dB. Encoding searches for the
largest file that fits, at one scale, anew each time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from figures import print_table, take_turns
from PIL import Image
from semcom.blocks.decoders.codec_diffusion import CodecDiffusion
from semcom.blocks.decoders.image_codec import ImageCodec
from semcom.blocks.encoders.image_codec import ImageCodec as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.scaled import encode_at_budget
from skimage.data import coffee

VARIANTS: dict[str, dict[str, Any]] = {
    "D": {},
    "D, bfloat16": {"precision": "bfloat16"},
    "P": {"variant": "hevc-p"},
    "P, bfloat16": {"variant": "hevc-p", "precision": "bfloat16"},
    "P, 4 steps": {"variant": "hevc-p", "steps": 4},
}


def picture(width: int, height: int) -> np.ndarray:
    """A photograph of this size."""
    return np.asarray(Image.fromarray(coffee()).resize((width, height), Image.Resampling.LANCZOS))


def timed(work: Callable[[], Any]) -> Callable[[], float]:
    """Milliseconds of a call."""

    def run() -> float:
        began = time.perf_counter()
        work()
        return 1e3 * (time.perf_counter() - began)

    return run


def decoders(image: np.ndarray, device: str) -> dict[str, Callable[[], float]]:
    """HEVC's decoder, and those with diffusion, on one file."""
    encoder = Encoder(Encoder.Params(cbr="1/24", scheme="matched", parameter_sets="agreed"))
    encoder.start()
    frame = encoder.work(image)
    header = Header().with_fields(*frame.header)
    plain = ImageCodec()
    plain.start()
    runners = {"HEVC": timed(lambda: plain.work(frame.value, header, State()))}
    for name, params in VARIANTS.items():
        block = CodecDiffusion(CodecDiffusion.Params(**params, device=device), name="decoder")
        block.start()
        runners[name] = timed(lambda block=block: block.work(frame.value, header, State(), Identity()))  # type: ignore[misc]
    return runners


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", default=["256x256", "512x512", "768x512"])
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--device", default="cpu")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    images = {size: picture(*map(int, size.split("x"))) for size in given.sizes}
    where = f"milliseconds a picture at CBR 1/24, {given.device}, {given.threads} threads, torch {torch.__version__}"
    rows = {size: take_turns(decoders(image, given.device), given.rounds) for size, image in images.items()}
    print_table("HEVC with diffusion, decode", where, rows, ["HEVC"])
    codec = Hevc(parameter_sets="agreed")
    encode = {
        size: take_turns(
            {"HEVC": timed(lambda image=image: encode_at_budget(codec, image, image.size // 66))}, given.rounds
        )  # type: ignore[misc]
        for size, image in images.items()
    }
    print_table("HEVC, encode to a budget", where, encode, [])


if __name__ == "__main__":
    main()
