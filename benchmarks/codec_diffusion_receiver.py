"""A coder's diffusion receiver: time to decode one picture, beside the coder alone; and time to encode it.

    python benchmarks/codec_diffusion_receiver.py [--codec hevc|vvc] [--sizes 256x256 ...] [--threads N] [--rounds N]
        [--device cpu]

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
from semcom.models.codec_diffusion.config import CoderName
from semcom.sim.codecs.codec import codec_named
from semcom.sim.codecs.scaled import encode_at_budget
from skimage.data import coffee

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "D": ("d", {}),
    "D, bfloat16": ("d", {"precision": "bfloat16"}),
    "P": ("p", {}),
    "P, bfloat16": ("p", {"precision": "bfloat16"}),
    "P, 4 steps": ("p", {"steps": 4}),
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


def decoders(image: np.ndarray, device: str, codec: CoderName) -> dict[str, Callable[[], float]]:
    """The coder's own decoder, and those with diffusion, on one file."""
    encoder = Encoder(Encoder.Params(codec=codec, cbr="1/24", scheme="matched", parameter_sets="agreed"))
    encoder.start()
    frame = encoder.work(image)
    header = Header().with_fields(*frame.header)
    plain = ImageCodec()
    plain.start()
    runners = {codec.upper(): timed(lambda: plain.work(frame.value, header, State()))}
    for name, (variant, how) in VARIANTS.items():
        given = {"variant": f"{codec}-{variant}", "device": device, **how}
        block = CodecDiffusion(CodecDiffusion.Params.model_validate(given), name="decoder")
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
    options.add_argument("--codec", choices=["hevc", "vvc"], default="hevc")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    images = {size: picture(*map(int, size.split("x"))) for size in given.sizes}
    where = f"milliseconds a picture at CBR 1/24, {given.device}, {given.threads} threads, torch {torch.__version__}"
    rows = {
        size: take_turns(decoders(image, given.device, given.codec), given.rounds) for size, image in images.items()
    }
    name = given.codec.upper()
    print_table(f"{name} with diffusion, decode", where, rows, [name])
    codec = codec_named(given.codec, parameter_sets="agreed")
    encode = {
        size: take_turns(
            {name: timed(lambda image=image: encode_at_budget(codec, image, image.size // 66))}, given.rounds
        )  # type: ignore[misc]
        for size, image in images.items()
    }
    print_table(f"{name}, encode to a budget", where, encode, [])


if __name__ == "__main__":
    main()
