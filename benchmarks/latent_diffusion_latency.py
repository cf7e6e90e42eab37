"""Training-free communication at full size: time a picture, beside diffusers' image-to-image pipeline.

Networks are of the sizes of Stable Diffusion 1.5 with random weights: latency does not depend on them. Both run in one
process, in turn, from the bytes of a picture to those of a picture, what words tell the denoiser known already. *Ours*
is the codec of the blocks: 16-bit weights, compiled, one CUDA graph a step. *Stock* is `StableDiffusionImg2ImgPipeline`
with DDIM or, where transformers is missing, its loop, step by step, from the same classes. *Floor* is the time that the
arithmetic alone would take, counted by PyTorch. Milliseconds a picture; ratios below 1 are faster.

A row is written to the file as soon as it is measured, and no row is begun behind the budget; a run that is repeated
with the same file goes on. Without a GPU all is reduced, to narrow networks of the same classes: that says nothing
about full size, and shows that the program works.

Usage: latent_diffusion_latency.py [--out FILE] [--budget SECONDS] [--sizes 512x512 768x512] [--steps 15] [--batch 4]
       [--shrink 1] [--device cuda] [--precision bfloat16|float32] [--compile off|on|tuned] [--rounds 7] [--peak 790]
       [--check]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from figures import machine, take_turns
from rows import Rows
from sc_sic_latency import peak, pixels
from sc_sic_peers import Place
from semcom.models.latent_diffusion.codec import Codec, LatentAbout, Receiving, Sending
from semcom.models.latent_diffusion.ddim import sample
from semcom.models.latent_diffusion.engine import TorchEngine
from semcom.models.latent_diffusion.schedule import level_of_step
from semcom.models.latent_diffusion.stable_diffusion import StableDiffusion

GUIDANCE, WIDTH, TOKENS = 6.0, 768, 77
SCHEDULE = {  # scheduler/scheduler_config.json of Stable Diffusion 1.5
    **{"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False},
    **{"set_alpha_to_one": False, "steps_offset": 1},
}


def network(shrink: int) -> StableDiffusion:
    """Of the sizes of Stable Diffusion 1.5, layers so many times narrower."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    groups = {"norm_num_groups": max(32 // shrink, 1)}
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=tuple(width // shrink for width in (320, 640, 1280, 1280)),
        cross_attention_dim=WIDTH,
        attention_head_dim=8,
        **groups,
    )
    autoencoder = AutoencoderKL(
        block_out_channels=tuple(width // shrink for width in (128, 256, 512, 512)),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        **groups,
    )
    return StableDiffusion(autoencoder, unet).eval().requires_grad_(False)


class Words(torch.nn.Module):
    """Of a prompt, known already."""

    def __init__(self, told: torch.Tensor) -> None:
        super().__init__()
        self.told = told

    def forward(self, prompt: str) -> torch.Tensor:
        """Whatever the words are."""
        return self.told


class Ours:
    """The codec, and the engine behind it."""

    def __init__(self, shrink: int, place: Place, compile: Any, graphs: Any, told: torch.Tensor) -> None:
        precision: Any = "bfloat16" if place.dtype == torch.bfloat16 else "float32"
        how: dict[str, Any] = {"precision": precision, "compile": compile, "graphs": graphs}
        torch.manual_seed(0)
        with torch.device(place.device):
            made = network(shrink)
        self.engine = TorchEngine(made, Words(told), device=str(place.device), **how)
        about = LatentAbout(variant="sd-1.5", stride=8, channels=4, denoiser_stride=1, text=True)
        self.codec, self.told, self.place = Codec(self.engine, about), told, place

    def picture(self, image: np.ndarray, steps: int, guidance: float) -> Any:
        """A picture to a picture, by sampling alone."""
        frame = self.codec.encode(image, Sending(inversion_steps=0))
        return self.codec.decode(frame.heard(0.1), Receiving(inversion_steps=0, steps=steps, guidance=guidance))

    def ends(self, image: np.ndarray, steps: int) -> Any:
        """Both ends as in the paper: five steps of inversion at each."""
        frame = self.codec.encode(image, Sending(inversion_steps=5))
        return self.codec.decode(frame.heard(0.1), Receiving(inversion_steps=5, steps=steps))

    def latents(self, start: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:
        """Sampling of some latents at once."""
        told = torch.cat([self.told] * len(start) * (1 if guidance == 1 else 2))
        strength = torch.tensor([guidance], device=start.device)

        def denoiser(latent: torch.Tensor, level: float) -> torch.Tensor:
            return self.engine.denoise(latent, torch.tensor([level], device=start.device), told, strength)

        return sample(start, denoiser, [float(level_of_step(step)) for step in range(steps, 0, -1)])


class Stock:
    """Diffusers' own image-to-image."""

    def __init__(self, shrink: int, place: Place, told: torch.Tensor) -> None:
        from diffusers import DDIMScheduler

        with torch.device(place.device):
            made = network(shrink)
        self.vae, self.unet = (one.to(place.dtype) for one in (made.autoencoder, made.denoiser))
        self.scheduler, self.place, self.told = DDIMScheduler(**SCHEDULE), place, told.to(place.dtype)
        self.pipeline, self.words = self._pipeline()

    def _pipeline(self) -> tuple[Any, str]:
        try:
            from diffusers import StableDiffusionImg2ImgPipeline

            parts = {"vae": self.vae, "unet": self.unet, "scheduler": self.scheduler}
            missing = dict.fromkeys(["text_encoder", "tokenizer", "safety_checker", "feature_extractor"])
            made = StableDiffusionImg2ImgPipeline(**parts, **missing, requires_safety_checker=False)
        except Exception as error:  # it needs transformers, and says so in more than one way
            why = str(error).strip().splitlines() or [type(error).__name__]
            return None, f"its loop, step by step (its pipeline does not come up here: {why[0][:100]})"
        made.set_progress_bar_config(disable=True)
        return made, "its StableDiffusionImg2ImgPipeline"

    def pictures(self, images: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:
        """Pictures ``[b, 3, h, w]`` in [0, 1] to pictures."""
        told = self.told.repeat(len(images), 1, 1)
        if self.pipeline is not None:
            how = {"strength": (steps + 0.5) / 50, "num_inference_steps": 50, "guidance_scale": guidance}
            texts = {"prompt_embeds": told, "negative_prompt_embeds": told}
            out: torch.Tensor = self.pipeline(image=images, **how, **texts, output_type="pt", return_dict=False)[0]
            return out
        self.scheduler.set_timesteps(50, device=self.place.device)
        levels, scale = self.scheduler.timesteps[-steps:], self.vae.config.scaling_factor
        latents = self.vae.encode((2 * images - 1).to(self.place.dtype)).latent_dist.sample() * scale
        latents = self.scheduler.add_noise(latents, torch.randn_like(latents), levels[:1])
        for level in levels:
            latents = self.scheduler.step(self._noise(latents, level, told, guidance), level, latents).prev_sample
        return self.vae.decode(latents / scale).sample / 2 + 0.5

    def _noise(self, latents: torch.Tensor, level: Any, told: torch.Tensor, guidance: float) -> torch.Tensor:
        if guidance == 1:
            return self.unet(latents, level, told).sample
        both = self.unet(torch.cat([latents, latents]), level, torch.cat([told, told])).sample
        without, with_words = both.chunk(2)
        return without + guidance * (with_words - without)


def brought_up(chosen: Any, place: Place, told: torch.Tensor) -> Ours:
    """Compiled and recorded; where that does not come up, with less, and it says so."""
    gpu = place.device.type == "cuda"
    ways = [(chosen.compile, "on"), ("off", "on"), ("off", "off")] if gpu else [(chosen.compile, "off"), ("off", "off")]
    for compiled, graphs in ways:
        try:
            one = Ours(chosen.shrink, place, compiled, graphs, told)
            one.picture(np.zeros((*chosen.sizes[0][::-1], 3), np.uint8), 1, 1.0)
            place.wait()
        except Exception as error:  # compilers and drivers fail in many ways
            if (compiled, graphs) == ways[-1]:
                raise
            print(f"Ours: compile {compiled}, graphs {graphs} does not come up: {error!r}"[:400], flush=True)
        else:
            print(f"Ours: compile {compiled}, graphs {graphs}", flush=True)
            return one
    raise AssertionError("unreachable")


def counted(shrink: int, width: int, height: int) -> dict[str, float]:
    """TFLOP of the parts, by PyTorch's own counter, on no device at all; a multiplication and an addition are two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        made = network(shrink)
        image, latent = torch.empty(1, 3, height, width), torch.empty(1, 4, height // 8, width // 8)
        level, told = torch.empty(1), torch.empty(1, TOKENS, WIDTH)

    def count(run: Callable[[], Any]) -> float:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            run()
        return float(counter.get_total_flops()) / 1e12

    return {
        "encode": count(lambda: made.autoencoder.encode(image)),
        "step": count(lambda: made.denoiser(latent, level, told)),
        "decode": count(lambda: made.autoencoder.decode(latent)),
    }


class Case(NamedTuple):
    """A row: what is run, by whom, and its arithmetic."""

    what: str
    runs: dict[str, Callable[[], Any]]
    tflop: float
    batch: int = 1


def cases(ours: Ours, stock: Stock, size: tuple[int, int], chosen: Any) -> list[Case]:
    """Of one size; what matters most comes first."""
    (width, height), steps, place = size, chosen.steps, ours.place
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    many = chosen.batch
    latents = place.normal(many, 4, height // 8, width // 8, dtype=torch.float32)
    flop = counted(chosen.shrink, width, height)

    def by_stock(batch: int, guidance: float) -> Any:
        given = torch.from_numpy(image).to(place.device).permute(2, 0, 1)[None].float() / 255
        return pixels(stock.pictures(given.repeat(batch, 1, 1, 1), steps, guidance))

    def whole(guidance: float, branches: int) -> Case:
        runs = {
            "ours": lambda: ours.picture(image, steps, guidance),
            "stock": lambda: by_stock(1, guidance),
        }
        words = "no guidance" if guidance == 1 else f"guidance {guidance:g}"
        tflop = flop["encode"] + branches * steps * flop["step"] + flop["decode"]
        return Case(f"picture to picture, {steps} steps, {words}", runs, tflop)

    def sampled(batch: int) -> Any:
        return pixels(ours.engine.decode(ours.latents(latents[:batch], steps, 1.0)))

    found = [
        whole(1.0, 1),
        whole(GUIDANCE, 2),
        Case(
            f"both ends, 5 + 5 steps inverted, {steps} sampled",
            {"ours": lambda: ours.ends(image, steps)},
            flop["encode"] + (10 + steps) * flop["step"] + flop["decode"],
        ),
        Case(f"latents to picture, {steps} steps", {"ours": lambda: sampled(1)}, steps * flop["step"] + flop["decode"]),
    ]
    if many > 1:
        runs = {"ours": lambda: sampled(many), "stock": lambda: by_stock(many, 1.0)}
        words = f"{many} at once, {steps} steps, a picture; stock from pictures, ours from latents"
        found.append(Case(words, runs, steps * flop["step"] + flop["decode"], many))
    return found


def measured(case: Case, place: Place, rounds: int, tflops: float) -> dict[str, Any]:
    """One row."""
    turns = {name: place.timed(run, 1 / case.batch) for name, run in case.runs.items()}
    figures = take_turns(turns, rounds)
    floor = case.tflop / tflops * 1e3
    row: dict[str, Any] = {}
    for name in ("ours", "stock"):
        took = figures.get(name)
        row |= {
            f"{name}_ms": statistics.median(took) if took else "",
            f"{name}_least_ms": min(took) if took else "",
            f"{name}_most_ms": max(took) if took else "",
        }
    mean = statistics.median(figures["ours"])
    ratio = mean / statistics.median(figures["stock"]) if "stock" in figures else ""
    return {**row, "ours_over_stock": ratio, "tflop": case.tflop, "floor_ms": floor, "ours_over_floor": mean / floor}


def apart(ours: Ours, chosen: Any, place: Place) -> str:
    """How far our latents are from those of a plain loop in full precision, from the same noise."""
    exact = Ours(chosen.shrink, Place(place.device, torch.float32), "off", "off", ours.told)
    width, height = chosen.sizes[0]
    start = place.normal(1, 4, height // 8, width // 8, dtype=torch.float32)
    with torch.inference_mode():
        found, expected = (one.latents(start, 2, GUIDANCE).float() for one in (ours, exact))
    return f"{float((found - expected).norm() / expected.norm()):.2g}"


def size_of(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.split("x"))
    if width % 64 or height % 64:
        raise argparse.ArgumentTypeError(f"expected multiples of 64, got {text}")
    return width, height


def options() -> argparse.Namespace:
    gpu = torch.cuda.is_available()
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--out", type=Path, default=Path("out/latent-diffusion-latency.csv"))
    asked.add_argument("--budget", type=float, default=float("inf"), help="seconds; no row is begun behind it")
    sizes = [(512, 512), (768, 512)] if gpu else [(128, 128)]
    asked.add_argument("--sizes", type=size_of, nargs="+", default=sizes, help="WIDTHxHEIGHT")
    asked.add_argument("--steps", type=int, default=15)
    asked.add_argument("--batch", type=int, default=4 if gpu else 2)
    asked.add_argument("--shrink", type=int, choices=[1, 2, 4, 8], default=1 if gpu else 8)
    asked.add_argument("--device", default="cuda" if gpu else "cpu")
    asked.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16" if gpu else "float32")
    asked.add_argument("--compile", choices=["off", "on", "tuned"], default="on" if gpu else "off")
    asked.add_argument("--rounds", type=int, default=7 if gpu else 3)
    asked.add_argument("--peak", type=float, default=790.0 if gpu else None, help="TFLOP/s that floors reckon with")
    asked.add_argument("--check", action="store_true", help="the least that runs through all of it")
    chosen = asked.parse_args()
    if chosen.check:
        vars(chosen).update(shrink=8, sizes=[(64, 64)], steps=2, rounds=1, compile="off", batch=2)
    return chosen


def main() -> None:
    """Measure, row by row."""
    began, chosen = time.perf_counter(), options()
    place = Place(torch.device(chosen.device), getattr(torch, chosen.precision))
    torch.backends.cudnn.benchmark = True
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    name = torch.cuda.get_device_name(place.device) if place.device.type == "cuda" else "no GPU"
    print(f"{machine()}; {name}; {chosen.precision}; torch {torch.__version__}, diffusers {diffusers.__version__}")
    if chosen.shrink > 1:
        print(f"REDUCED: layers {chosen.shrink} times narrower than Stable Diffusion's; this says nothing about it")
    told = place.normal(1, TOKENS, WIDTH, dtype=torch.float32)
    stock = Stock(chosen.shrink, place, told)
    print(f"Stock: {stock.words}; {len(os.sched_getaffinity(0))} cores", flush=True)
    ours = brought_up(chosen, place, told)
    print(f"Ours: latents from a plain loop's in float32, same noise: {apart(ours, chosen, place)}")
    sustained = peak(place)
    tflops = chosen.peak or sustained
    print(f"Floors at {tflops:.4g} TFLOP/s; this device sustained {sustained:.4g} in a matrix product", flush=True)
    rows, left = Rows(chosen.out), 0
    for size in chosen.sizes:
        for case in cases(ours, stock, size, chosen):
            if time.perf_counter() - began > chosen.budget:
                left += 1
                continue
            key = {"size": f"{size[0]}x{size[1]}", "what": case.what}
            key |= {"device": name, "precision": chosen.precision, "shrink": chosen.shrink}
            rows.once(key, lambda case=case: measured(case, place, chosen.rounds, tflops))
    print(f"{chosen.out}: {len(rows.all)} rows" + (f"; {left} left out, the budget is used up" if left else ""))


if __name__ == "__main__":
    main()
