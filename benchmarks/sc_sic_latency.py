"""SC-SIC: time a picture at full size, beside the plain loop, diffusers' Stable Cascade decoder, and Stable Diffusion.

Networks have random weights: latency does not depend on them. All run in one process, in turn. *Receiver* is ours:
conditions computed once, guidance in one pass, 16-bit weights, compiled blocks, one CUDA graph a step. *Plain loop* is
the same network as a first script would run it, under autocast. *Diffusers* is its `StableCascadeDecoderPipeline`, or,
where transformers is missing, its loop, step by step, from the same classes; it starts from an embedding, so that its
*whole* leaves the semantic encoder out. *SD 1.5* is image-to-image, 30 of 50 DDIM steps at guidance 7.5, the text
embedded already. Milliseconds until the bytes of the picture are on the host, one at a time; ratios below 1 are faster.

Without a GPU all is reduced, to tiny networks of the same classes unless told otherwise; that says nothing about full
size, and shows that the program works.

A row is printed as soon as it is measured, the whole first, and none is begun behind the budget; the tables at the end
are of what there is.

Usage: sc_sic_latency.py [--budget SECONDS] [--variant lite|large|tiny] [--sizes 512 1024] [--steps 10] [--device cuda]
       [--precision bfloat16|float32] [--compile off|on|tuned] [--batch 4] [--rounds 7] [--peers plain diffusers sd]
       [--peak 790] [--check]
"""

# ruff: noqa: E402 - first of all it says what is missing

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

NEEDED = {"torch": "torch", "numpy": "numpy", "diffusers": "diffusers", "safetensors": "safetensors", "PIL": "pillow"}
NEEDED |= {"pydantic": "pydantic", "semcom": "gr-semcom (or PYTHONPATH with this repository under the name semcom)"}
if missing := [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]:
    sys.exit(f"sc_sic_latency: missing: {', '.join(missing)}; install them and run it again")

import numpy as np
import torch
from figures import machine, print_table, take_turns
from sc_sic_peers import Diffusers, Inputs, Place, StableDiffusion, inputs
from semcom.models.replay import Replay
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.receiver import Receiver
from semcom.models.sc_sic.sampler import sample
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.stage_b import UNHEARD

GUIDANCE = 1.1
PEERS = ["plain loop", "diffusers", "SD 1.5"]
Figures = dict[str, dict[str, list[float]]]


def draws(shape: tuple[int, ...], place: Place) -> Callable[[], torch.Tensor]:
    """As blocks draw: on the processor, by a generator of the item's own."""
    rng = np.random.default_rng(1)

    def draw() -> torch.Tensor:
        noise = torch.from_numpy(rng.standard_normal(shape, np.float32))
        return noise.pin_memory() if place.device.type == "cuda" else noise

    return draw


class Ours:
    """The receiver, and the semantic encoder in 16 bits behind one graph."""

    def __init__(self, network: ScSic, place: Place, compile: Any, graphs: Any) -> None:
        precision: Any = "bfloat16" if place.dtype == torch.bfloat16 else "float32"
        self.receiver = Receiver(network, precision=precision, compile=compile, graphs=graphs)
        self.place, self.dtype = place, place.dtype
        encoder: Any = copy.deepcopy(network.encoder)
        self.encoder = Replay(encoder.to(place.dtype).to(memory_format=torch.channels_last), graphs)

    def encode(self, given: Inputs) -> torch.Tensor:
        """Semantic encoder."""
        return self.encoder(given.pictures.to(self.dtype).to(memory_format=torch.channels_last))

    def latents(self, given: Inputs, steps: int, guidance: float) -> torch.Tensor:
        """Stage B."""
        known, unknown = conditions(self.receiver, given, guidance)
        draw = draws((len(given.embedding), 4, *given.latents), self.place)
        return self.receiver.sample(known, draw, steps=steps, guidance=guidance, unconditional=unknown)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Stage A."""
        return self.receiver.decode(latents)


def brought_up(network: ScSic, place: Place, compile: str, side: int) -> Ours:
    """Compiled and recorded; where that does not come up, with less, and it says so."""
    gpu = place.device.type == "cuda"
    ways = [(compile, "on"), ("off", "on"), ("off", "off")] if gpu else [(compile, "off"), ("off", "off")]
    for compiled, graphs in ways:
        try:
            one = Ours(network, place, compiled, graphs)
            with torch.inference_mode():
                one.decode(one.latents(inputs(network, side, place), 2, 1.0))
            place.wait()
        except Exception as error:  # compilers and drivers fail in many ways
            if (compiled, graphs) == ways[-1]:
                raise
            print(f"Receiver: compile {compiled}, graphs {graphs} does not come up: {error!r}"[:400], flush=True)
        else:
            print(f"Receiver: compile {compiled}, graphs {graphs}", flush=True)
            return one
    raise AssertionError("unreachable")


class Plain:
    """The network run plainly, under autocast where precision is reduced."""

    def __init__(self, network: ScSic, place: Place) -> None:
        self.network, self.place = network, place

    def encode(self, given: Inputs) -> torch.Tensor:
        """Semantic encoder."""
        return self.network.embed(given.pictures)

    def latents(self, given: Inputs, steps: int, guidance: float) -> torch.Tensor:
        """Stage B."""
        with self._autocast():
            known, unknown = conditions(self.network.stage_b, given, guidance)
            draw = draws((len(given.embedding), 4, *given.latents), self.place)
            there = self.place.device
            kept: dict[str, Any] = {"steps": steps, "guidance": guidance, "unconditional": unknown}
            return sample(self.network.stage_b, known, lambda: draw().to(there), **kept)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Stage A."""
        with self._autocast():
            return self.network.stage_a.decode(latents)

    def _autocast(self) -> Any:
        reduced = self.place.dtype == torch.bfloat16
        return torch.autocast(self.place.device.type, dtype=torch.bfloat16, enabled=reduced)


def conditions(stage: Any, given: Inputs, guidance: float) -> tuple[Any, Any]:
    """With the embedding and, for guidance, without it."""
    known = stage.condition(given.embedding, given.n0, given.latents)
    if guidance == 1:
        return known, None
    nothing = torch.zeros_like(given.embedding), torch.full_like(given.n0, UNHEARD)
    return known, stage.condition(*nothing, given.latents)


def counted(variant: Any, side: int) -> dict[str, float]:
    """TFLOP of the parts, by PyTorch's own counter, on no device at all; a multiplication and an addition are two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network = ScSic(SIZES[variant]).eval().requires_grad_(False)
    given = inputs(network, side, Place(torch.device("meta"), torch.float32))
    latents = torch.empty(1, 4, *given.latents, device="meta")

    def count(run: Callable[[], Any]) -> float:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            run()
        return float(counter.get_total_flops()) / 1e12

    known, _ = conditions(network.stage_b, given, 1.0)
    t = torch.empty(1, device="meta")
    return {
        "encode": count(lambda: network.embed(given.pictures)),
        "step": count(lambda: network.stage_b(latents, t, known)),
        "condition": count(lambda: conditions(network.stage_b, given, 1.0)),
        "decode": count(lambda: network.stage_a.decode(latents)),
    }


def peak(place: Place) -> float:
    """TFLOP/s of a large matrix product, the best of ten."""
    side = 8192 if place.device.type == "cuda" else 512
    left, right = (place.normal(side, side) for _ in range(2))
    run = place.timed(lambda: left @ right)
    return 2 * side**3 / (min(run() for _ in range(13)) * 1e-3) / 1e12


class Contestants(NamedTuple):
    """Who is measured."""

    ours: Ours
    plain: Plain | None
    diffusers: Diffusers | None
    sd: StableDiffusion | None


def rows_of(
    who: Contestants, network: ScSic, side: int, chosen: Any, place: Place
) -> Iterator[tuple[str, dict[str, Callable[[], float]]]]:
    """Names of the rows of one size, and what each contestant runs for it, timed; wholes first."""
    given, steps = inputs(network, side, place), chosen.steps
    own = {"Receiver": who.ours} | ({"plain loop": who.plain} if who.plain else {})
    peers: dict[str, Any] = {"diffusers": who.diffusers} if who.diffusers else {}
    latents = place.normal(1, 4, *given.latents, dtype=torch.float32)
    rows: dict[str, dict[str, Callable[[], Any]]] = {
        "semantic encode": {name: (lambda one=one: one.encode(given)) for name, one in own.items()},
        "stage A": {name: (lambda one=one: one.decode(latents)) for name, one in {**own, **peers}.items()},
    }
    for guidance in (1.0, GUIDANCE):
        words = f"guidance {guidance:g}" if guidance != 1 else "no guidance"
        runs: dict[str, Callable[[], Any]] = {
            name: (lambda one=one, g=guidance: one.latents(given, steps, g)) for name, one in {**own, **peers}.items()
        }
        rows[f"stage B, {steps} steps, {words}"] = runs

        def whole(one: Any, g: float = guidance) -> Any:
            return one.encode(given), pixels(one.decode(one.latents(given, steps, g)))

        runs = {name: (lambda one=one, whole=whole: whole(one)) for name, one in own.items()}
        if who.diffusers is not None:
            runs["diffusers"] = lambda g=guidance: pixels(who.diffusers.whole(given, steps, g))  # type: ignore[union-attr,misc]
        if who.sd is not None:
            runs["SD 1.5"] = lambda: pixels(who.sd.whole(given))  # type: ignore[union-attr]
        rows[f"whole, {words}"] = runs
    for name in sorted(rows, key=lambda name: not name.startswith("whole")):
        yield f"{side}: {name}", {one: place.timed(run) for one, run in rows[name].items()}
    if chosen.batch > 1:
        many = inputs(network, side, place, chosen.batch)
        turns = {
            name: place.timed(lambda one=one: pixels(one.decode(one.latents(many, steps, 1.0))), 1 / chosen.batch)
            for name, one in own.items()
        }
        yield f"{side}: stages B and A, {chosen.batch} at once, a picture", turns


def measured(who: Contestants, network: ScSic, chosen: Any, place: Place, began: float) -> Figures:
    """Every row that is begun within the budget; each is printed when it is there."""
    figures: Figures = {}
    left = 0
    for side in chosen.sizes:
        for name, turns in rows_of(who, network, side, chosen, place):
            if time.perf_counter() - began > chosen.budget:
                left += 1
                continue
            start = time.perf_counter()
            figures[name] = take_turns(turns, chosen.rounds)
            took = time.perf_counter() - start
            each = ", ".join(f"{one} {statistics.median(found):.4g} ms" for one, found in figures[name].items())
            print(f"  {name}: {each}; {took:.0f} s with compiling and recording", flush=True)
        if place.device.type == "cuda":
            print(f"  {side}: peak memory of all {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)
    if left:
        print(f"{left} rows left out: the budget of {chosen.budget:g} s is used up", flush=True)
    return figures


def pixels(pictures: torch.Tensor) -> Any:
    """On the host, as bytes."""
    return (pictures.float().clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def apart(who: Contestants, network: ScSic, side: int, place: Place) -> str:
    """How far the receiver's latents are from the plain loop's in full precision, same draws."""
    exact, given = Plain(network, Place(place.device, torch.float32)), inputs(network, side, place)
    with torch.inference_mode():
        ours, theirs = (one.latents(given, 2, GUIDANCE).float() for one in (who.ours, exact))
    return f"{float((ours - theirs).norm() / theirs.norm()):.2g}"


def print_floors(rows: Figures, chosen: Any, sustained: float) -> None:
    """Beside the time that the arithmetic alone would take."""
    print(f"\n## Beside the arithmetic\n\nFloor at {chosen.peak:g} TFLOP/s; this device sustained {sustained:.4g}.\n")
    print("| | TFLOP | floor, ms | Receiver, ms | times the floor | share of the floor's rate |")
    print("|---|---:|---:|---:|---:|---:|")
    for side in chosen.sizes:
        parts = counted(chosen.variant, side)
        for branches, words in ((1, "no guidance"), (2, f"guidance {GUIDANCE:g}")):
            passes = branches * (chosen.steps * parts["step"] + parts["condition"])
            floor = (parts["encode"] + passes + parts["decode"]) / chosen.peak * 1e3
            if (whole := f"{side}: whole, {words}") not in rows:
                continue
            took = float(np.median(rows[whole]["Receiver"]))
            numbers = f"{floor * chosen.peak / 1e3:.3g} | {floor:.3g} | {took:.4g} | {took / floor:.3g}"
            print(f"| {side}, {words} | {numbers} | {100 * floor / took:.3g} % |", flush=True)


def options() -> argparse.Namespace:
    gpu = torch.cuda.is_available()
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--budget", type=float, default=float("inf"), help="seconds; no row is begun behind it")
    asked.add_argument("--variant", choices=list(SIZES), default="lite" if gpu else "tiny")
    asked.add_argument("--sizes", type=int, nargs="+", default=[512, 1024] if gpu else [128])
    asked.add_argument("--steps", type=int, default=10 if gpu else 2)
    asked.add_argument("--device", default="cuda" if gpu else "cpu")
    asked.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16" if gpu else "float32")
    asked.add_argument("--compile", choices=["off", "on", "tuned"], default="on" if gpu else "off")
    asked.add_argument("--batch", type=int, default=4 if gpu else 1)
    asked.add_argument("--rounds", type=int, default=7 if gpu else 3)
    asked.add_argument("--peers", nargs="*", choices=["plain", "diffusers", "sd"], default=["plain", "diffusers", "sd"])
    asked.add_argument("--peak", type=float, default=790.0, help="TFLOP/s that the floor is reckoned with")
    asked.add_argument("--check", action="store_true", help="the least that runs through all of it")
    chosen = asked.parse_args()
    if chosen.check:
        small = {"variant": "tiny", "sizes": [128], "steps": 1, "rounds": 1, "compile": "off", "batch": 2}
        vars(chosen).update(small)
    if any(side % 128 for side in chosen.sizes):
        asked.error("--sizes: expected multiples of 128")
    return chosen


def main() -> None:
    """Measure and print."""
    chosen, began = options(), time.perf_counter()
    place = Place(torch.device(chosen.device), getattr(torch, chosen.precision))
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    reduced = chosen.variant == "tiny"
    with torch.device(place.device):
        network = ScSic(SIZES[chosen.variant]).eval().requires_grad_(False)
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    name = torch.cuda.get_device_name(place.device) if place.device.type == "cuda" else "no GPU"
    print(f"{machine()}; {name}; {chosen.variant}, {chosen.precision}")
    print(f"torch {torch.__version__}, diffusers {diffusers.__version__}, {len(os.sched_getaffinity(0))} cores")
    if reduced:
        print("REDUCED: tiny networks of the same classes; this says nothing about full size")
    stock = Diffusers(network, place) if "diffusers" in chosen.peers else None
    print(f"diffusers: {stock.words if stock else 'not asked for'}", flush=True)
    who = Contestants(
        brought_up(network, place, chosen.compile, chosen.sizes[0]),
        Plain(network, place) if "plain" in chosen.peers else None,
        stock,
        StableDiffusion(place, *((8, 2) if reduced else (1, 30))) if "sd" in chosen.peers else None,
    )
    print(
        f"Receiver: latents from the plain loop's in float32, same draws: {apart(who, network, chosen.sizes[0], place)}"
    )
    rows = measured(who, network, chosen, place, began)
    print_table("SC-SIC, latency", f"{name}, milliseconds, {chosen.variant}, {chosen.precision}", rows, PEERS)
    print_floors(rows, chosen, peak(place))


if __name__ == "__main__":
    main()
