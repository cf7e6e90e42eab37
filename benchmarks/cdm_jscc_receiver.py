"""CDM-JSCC: time to encode and to decode one picture, beside the same network run plainly, and beside DeepJSCC.

*Plain* is the same weights in the same process: NCHW memory throughout, the whole denoiser at every step (what depends
on the picture alone too), gradients off. Ours keeps what all steps share, works in channels-last, and can run the
receiver in bfloat16. Milliseconds a picture, one at a time; ratios below 1 are faster.

Usage: cdm_jscc_receiver.py [--weights FILE | --variant p] [--sizes 256x256 ...] [--steps 1 4 17] [--threads N]
       [--device cpu] [--rounds N] [--compile]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from figures import print_table, take_turns
from semcom.models.cdm_jscc import engine as cdm_jscc
from semcom.models.cdm_jscc.codec import Receiving, Sending
from semcom.models.codec import Frame, PictureCodec
from semcom.models.deepjscc import codec as deepjscc_codec
from semcom.models.deepjscc import engine as deepjscc_engine
from semcom.models.effective_esn0 import effective_esn0_db_of_sent
from semcom.models.patch_rates.allocation import sent_mask
from semcom.models.patch_rates.rate_map import eta_near_cbr, levels_for, unpack
from semcom.models.patch_rates.told import Told
from semcom.models.pixel_diffusion.diffusion import ddim
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.rate_map import RateMap

SIZES = ["256x256", "512x512", "768x512"]
ESN0_DB, N0 = 10.0, 0.1


class Plain(NamedTuple):
    """The network as a first script would run it."""

    network: Any
    device: str

    def told(self, levels: Any, index: int) -> Told:
        """The header."""
        parts = torch.from_numpy(levels.astype(np.int64))[None], torch.tensor([index]), torch.tensor([ESN0_DB])
        return Told(*(part.to(self.device) for part in parts))

    @torch.no_grad()
    def encode(self, image: Any, uses: float) -> Any:
        """As the codec does."""
        network = self.network
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous().to(self.device).float() / 255
        y, entropy = network.entropy(pixels, pixels.new_tensor([ESN0_DB]))
        bits = entropy.patch_bits[0].cpu().numpy()
        levels = levels_for(bits, eta_near_cbr(bits, uses))
        return network.backbone.send(pixels, y, self.told(levels, 5)).cpu().numpy()

    @torch.no_grad()
    def decode(self, frame: Frame, noise: Any, steps: int) -> Any:
        """The whole network at every step."""
        header = frame.heard(N0).header
        levels = header.read(RateMap).array()
        network, told = self.network, self.told(levels, header.read(CdmMode).eta_index)
        received = torch.from_numpy(unpack(frame.features, levels))[None].to(self.device)
        mask = sent_mask(told.levels.flatten(1))
        variance = torch.where(mask > 0, N0, 1.0)
        understood = network.backbone.receive(received, variance, told)
        heard_db = effective_esn0_db_of_sent(variance, mask)
        start = torch.from_numpy(noise).permute(2, 0, 1)[None].contiguous().to(self.device)

        def predict(x: torch.Tensor, when: float) -> torch.Tensor:
            at = torch.full((1,), when, device=self.device)
            return network.denoise(understood, x, at, told, heard_db)

        residual = ddim(predict, network.config.start_noise * start, steps)
        out = understood.estimate + network.spread_of(understood) * residual
        return (out[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


@contextmanager
def nchw() -> Iterator[None]:
    """Let no layer ask for channels-last."""
    real = torch.Tensor.contiguous
    torch.Tensor.contiguous = lambda self, memory_format=None: real(self)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        torch.Tensor.contiguous = real  # type: ignore[method-assign]


def timed(run: Callable[[], Any], within: Callable[[], Any] = nullcontext) -> Callable[[], float]:
    """Return a function that runs once and says how many milliseconds that took; results are numpy, hence complete."""

    def once() -> float:
        with within():
            began = time.perf_counter()
            run()
            return (time.perf_counter() - began) * 1e3

    return once


def picture(height: int, width: int) -> Any:
    """One of scikit-image's photographs, tiled to the size."""
    from skimage.data import astronaut

    whole = np.tile(astronaut(), (-(-height // 512), -(-width // 512), 1))
    return np.ascontiguousarray(whole[:height, :width])


class Contestants(NamedTuple):
    """Who is measured."""

    ours: PictureCodec[Any, Any, Any]
    reduced: PictureCodec[Any, Any, Any]
    plain: Plain
    compiled: Plain | None
    deepjscc: PictureCodec[Any, Any, Any] | None  # it has no option for another device


def encoding(who: Contestants, height: int, width: int, rounds: int) -> dict[str, list[float]]:
    """Encode at CBR 1/24."""
    image, uses = picture(height, width), 3 * height * width / 24
    runners = {
        "CDM-JSCC": timed(lambda: who.ours.encode(image, Sending(cbr="1/24", rate_map="given"))),
        "plain": timed(lambda: who.plain.encode(image, uses), nchw),
    }
    if (deepjscc := who.deepjscc) is not None:
        runners["DeepJSCC"] = timed(lambda: deepjscc.encode(image, deepjscc_codec.Sending(rate="1/24")))
    return take_turns(runners, rounds)


def decoding(who: Contestants, height: int, width: int, steps: int, rounds: int) -> dict[str, list[float]]:
    """Decode what was encoded at CBR 1/24; says how far plain and ours are apart."""
    image = picture(height, width)
    frame = who.ours.encode(image, Sending(cbr="1/24"))
    noise = np.random.default_rng(1).standard_normal((height, width, 3), np.float32)
    receiving = Receiving(steps=steps)

    def decode(codec: PictureCodec[Any, Any, Any]) -> Any:
        return codec.decode(frame.heard(N0, rng=np.random.default_rng(1)), receiving)

    with nchw():
        expected = who.plain.decode(frame, noise, steps)
    apart = [int(abs(decode(one) - expected.astype(int)).max()) for one in who[:2]]
    print(f"{height}x{width}, {steps} steps: from plain at most {apart[0]} of 255, in bfloat16 {apart[1]}", flush=True)
    runners = {
        "CDM-JSCC": timed(lambda: decode(who.ours)),
        "CDM-JSCC, bfloat16": timed(lambda: decode(who.reduced)),
        "plain": timed(lambda: who.plain.decode(frame, noise, steps), nchw),
    }
    if (compiled := who.compiled) is not None:
        began = time.perf_counter()
        compiled.decode(frame, noise, steps)
        print(f"{height}x{width}: torch.compile took {time.perf_counter() - began:.0f} s", flush=True)
        runners["plain, torch.compile"] = timed(lambda: compiled.decode(frame, noise, steps))
    if (deepjscc := who.deepjscc) is not None:
        heard = deepjscc.encode(image, deepjscc_codec.Sending(rate="1/24")).heard(N0)
        runners["DeepJSCC"] = timed(lambda: deepjscc.decode(heard, deepjscc_codec.Receiving()))
    return take_turns(runners, rounds)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--weights", type=Path)
    options.add_argument("--variant", default="p")
    options.add_argument("--sizes", nargs="+", default=SIZES)
    options.add_argument("--steps", type=int, nargs="+", default=[1, 4, 17])
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--device", default="cpu")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--compile", action="store_true")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)

    def codec(**changes: Any) -> Any:
        return cdm_jscc.load(chosen.variant, chosen.weights, device=chosen.device, **changes)

    plain, compiled = codec().engine.network, None
    plain.to(memory_format=torch.contiguous_format)
    if chosen.compile:
        quick = codec().engine.network
        quick.unet.forward = torch.compile(quick.unet.forward, dynamic=False)
        compiled = Plain(quick, chosen.device)
    deepjscc = deepjscc_engine.load() if chosen.device == "cpu" else None
    who = Contestants(codec(), codec(precision="bfloat16"), Plain(plain, chosen.device), compiled, deepjscc)
    sizes = [tuple(map(int, size.split("x"))) for size in chosen.sizes]
    where = f"milliseconds a picture at CBR 1/24, {chosen.device}, {chosen.threads} threads, torch {torch.__version__}"
    peers = ["plain", "plain, torch.compile", "DeepJSCC"]
    rows = {f"{w}x{h}": encoding(who, h, w, chosen.rounds) for w, h in sizes}
    print_table("CDM-JSCC, encode", where, rows, peers)
    rows = {
        f"{w}x{h}, {steps} step{'s' * (steps > 1)}": decoding(who, h, w, steps, chosen.rounds)
        for w, h in sizes
        for steps in chosen.steps
    }
    print_table("CDM-JSCC, decode", where, rows, peers)


if __name__ == "__main__":
    main()
