"""How long a picture takes from the camera's end to the screen's, stage by stage, and how many go through a second.

A picture of 256 x 256 by DeepJSCC at CBR 1/6 (32,768 symbols), as one burst on a single carrier of two samples a symbol
at 20 MS/s; torch in one thread. The stages are in milliseconds of processor time, which is what they take on a machine
with nothing else to do. *Sync* is what is left to do when the burst's last sample is in: detection and header go on
while it arrives. All its work is a column of its own. The sum is that of the medians. An FPGA testbed with the same
picture size, symbols and sample rate (two PYNQ-ZU, 64 carriers OFDM, quantised network) took 38.2 ms to encode, 2.87 on
the air, 30.4 to decode, 71.5 in all, at 30 pictures a second; that is another machine, and no peer in the same run.

Pictures a second: the whole chain as a flowgraph in threads, against the same with `channels/awgn` in place of burst
and receiver. Usage: ``python benchmarks/radio_latency.py [PICTURES]``.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine, print_table, take_turns
from semcom.blocks.envelope import Envelope, Stream
from semcom.blocks.lookup import load_block
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.flowgraphs.runtime.item import Item
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.run import RunOptions, run

RATE_HZ, PER_SYMBOL, CHUNK, WARM_UP = 20e6, 2, 8192, 3
ENCODER = {"rate": "1/6", "esn0_db": 20}
BURST = {"sample_rate_hz": RATE_HZ, "samples_per_symbol": PER_SYMBOL, "silence": 256}
GRAPH = """
semcom: 1
name: latency
blocks:
  photos:  {use: sources/images, path: "builtin:photos", size: [256, 256], repeat: null}
  encoder: {use: encoders/deepjscc, rate: 1/6, esn0_db: 20}
  map:     {use: mappers/real_to_complex}
AIR  unmap:   {use: mappers/complex_to_real}
  decoder: {use: decoders/deepjscc}
  end:     {use: sinks/null}
connect: [photos -> encoder -> map -> INTO unmap -> decoder -> end]
"""
NO_AIR = "  channel: {use: channels/awgn, esn0_db: 20}\n"
AIR = """  burst:   {use: framing/burst, sample_rate_hz: 20e6, samples_per_symbol: 2}
  sync:    {use: sync/burst, samples_per_symbol: 2}
"""
INTO = {True: "burst -> sync ->", False: "channel ->"}


def running(use: str, **params: Any) -> RunningBlock:
    """Return a block as the runtime runs it."""
    cls = load_block(use)
    made = RunningBlock(cls(cls.Params(**params), name=use, seed=7), torch_threads=1)
    made.start()
    return made


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives, and its milliseconds of this thread."""
    began = time.thread_time()
    found = call()
    return found, 1e3 * (time.thread_time() - began)


def through(blocks: list[RunningBlock], item: Item) -> Item:
    """Send an item through blocks with one input and one output."""
    for block in blocks:
        (name,) = block.signature.inputs
        ((found,),) = block.step({name: item})
        assert found is not None
        item = found
    return item


def received(sync: RunningBlock, burst: Item, at: int) -> tuple[Item, float, float]:
    """Give a burst to the receiver chunk by chunk; return the frame, the milliseconds of the last chunk, and of all."""
    samples, all_ms = burst.value, 0.0
    for first in range(0, samples.size, CHUNK):
        piece = Item(Envelope(stream=Stream(at + first, RATE_HZ)), samples[first : first + CHUNK])
        rows, ms = timed(lambda piece=piece: list(sync.step({"samples": piece})))
        all_ms += ms
        found = [item for row in rows for item in row if item is not None]
        if found:
            return found[0], ms, all_ms
    raise RuntimeError("the burst was not received")


def stages(pictures: int) -> dict[str, list[float]]:
    """Send pictures one after the other; return the milliseconds of each stage."""
    encoder = [running("encoders/deepjscc", **ENCODER), running("mappers/real_to_complex")]
    framing, sync = running("framing/burst", **BURST), running("sync/burst", samples_per_symbol=PER_SYMBOL)
    decoder = [running("mappers/complex_to_real"), running("decoders/deepjscc")]
    photos = running("sources/images", path="builtin:photos", size=[256, 256], repeat=None).produce()
    took: dict[str, list[float]] = {name: [] for name in ("encode", "modulate", "air", "sync", "decode", "all of sync")}
    at = 0
    for number in range(pictures + WARM_UP):
        (image,) = next(photos)
        symbols, encode_ms = timed(partial(through, encoder, image))
        burst, modulate_ms = timed(partial(through, [framing], symbols))
        frame, sync_ms, all_ms = received(sync, burst, at)
        at += burst.value.size
        _, decode_ms = timed(partial(through, decoder, frame))
        air_ms = 1e3 * burst.value.size / RATE_HZ
        if number >= WARM_UP:
            for name, ms in zip(took, (encode_ms, modulate_ms, air_ms, sync_ms, decode_ms, all_ms), strict=True):
                took[name].append(ms)
    return took


def print_stages(pictures: int) -> None:
    """Print the table of stages."""
    print(f"\n## Latency of a picture of 256 x 256\n\n{machine()}; {pictures} pictures, ms, median (10 % to 90 %)\n")
    took = stages(pictures)
    total = sum(float(np.median(ms)) for name, ms in took.items() if name != "all of sync")
    cells = [f"{middle:.1f} ({low:.1f} to {high:.1f})" for low, middle, high in map(spread, took.values())]
    print("| encode | modulate | air | sync | decode | sum | all of sync |\n|" + "---:|" * 7)
    print("| " + " | ".join([*cells[:-1], f"**{total:.1f}**", cells[-1]]) + " |", flush=True)


def spread(ms: list[float]) -> tuple[float, float, float]:
    """Return the limits of the middle 80 %, and the median between them."""
    low, middle, high = (float(value) for value in np.percentile(ms, (10, 50, 90)))
    return low, middle, high


def pictures_a_second(few: int, many: int, *, on_air: bool) -> float:
    """Run the chain with few and with many pictures; the difference is free of the start."""
    Path("latency.yaml").write_text(GRAPH.replace("AIR", AIR if on_air else NO_AIR).replace("INTO", INTO[on_air]))
    graph, took = load_graph("latency.yaml"), []
    for items in (few, many):
        began = time.perf_counter()
        run(graph, RunOptions("threads", items=items))
        took.append(time.perf_counter() - began)
    return (many - few) / (took[1] - took[0])


def main(pictures: int = 40, rounds: int = 3) -> None:
    """Measure and print."""
    print_stages(pictures)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        runners = {
            "with burst and sync": partial(pictures_a_second, 10, 10 + pictures, on_air=True),
            "symbols and noise alone": partial(pictures_a_second, 10, 10 + pictures, on_air=False),
        }
        figures = take_turns(runners, rounds)
    print_table(
        "Pictures a second", "pictures a second, executor threads", {"256 x 256": figures}, ["symbols and noise alone"]
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
