"""What synchronisation costs: pictures as bursts through multipath, carrier and clock offset, and noise.

Each picture goes through the chain of the flowgraph `radio-loopback`, and once more past the receiver: the same
burst through the same multipath and as much noise, without offsets, equalised by the true impulse response, the true
noise and the true time (genie). The loss is the difference of their PSNR, picture by picture.

Usage: ``python benchmarks/radio_loopback.py --bursts 20 --out out/radio-loopback``. A row a point: Es/N0, carrier
offset in shares of the symbol rate, clock offset; then bursts, how many were detected and read, PSNR with and without
genie, and the loss, with intervals of 95 %. The multipath is TDL-A of 30 ns, a realisation a burst, the same at all
points: its shape alone (``fading`` 0), so that Es/N0 is that of each burst, and in rows of their own with its fading.
Short bursts tell how often detection and header fail near the threshold. Rows stand in two CSV files of the folder,
and are not measured again. `radio_results` makes a page of them, `false_alarms` counts in noise.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rows import Rows
from semcom.blocks.block import Block, RunContext
from semcom.blocks.channels.awgn_samples import AwgnSamples
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.channels.clock_offset import ClockOffset
from semcom.blocks.channels.tdl_samples import TdlSamples
from semcom.blocks.envelope import Envelope, Header, Identity, State, Stream
from semcom.blocks.framing.burst import Burst as Framing
from semcom.blocks.lookup import load_block
from semcom.blocks.params import BlockParams
from semcom.blocks.ports import Samples
from semcom.blocks.sync.burst import Burst as Sync
from semcom.flowgraphs.experiments.statistics import mean_interval, wilson
from semcom.flowgraphs.runtime.counts import BlockReport
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.flowgraphs.runtime.item import Item
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.noise import CounterNoise
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.power_scale import PowerScale
from semcom.sim.waveform.body import places, to_payload
from semcom.sim.waveform.single_carrier import SingleCarrier

ESN0S_DB = (0, 5, 10, 15, 20)
OFFSETS = (0.0, 0.01, -0.02)  # of the symbol rate
CLOCKS_PPM = (0, 20, 40)
RATE_HZ = 1e7
WAVEFORM = SingleCarrier()
_AHEAD = 16
_IN_BAND = np.abs(np.fft.fftfreq(256)) < 0.5 / WAVEFORM.samples_per_symbol
NEAR_DB = (-1, 0, 1, 2, 3)  # Es/N0 near the threshold


class Point(NamedTuple):
    """A point of the grid.

    Attributes:
        esn0_db: Es/N0: of each burst without fading, of the mean with it.
        cfo: In shares of the symbol rate.
        clock_ppm: Of the sender's clock against the receiver's.
        fading: The multipath keeps its fading; else only its shape, at unit energy.
    """

    esn0_db: float
    cfo: float
    clock_ppm: float
    fading: bool


class Picture(NamedTuple):
    """A picture, its symbols, its burst, and the symbols of start word and header in it."""

    pixels: NDArray[np.uint8]
    symbols: Item
    samples: NDArray[np.complex64]
    words: int


def running(block: Block) -> RunningBlock:
    """Return a block as the runtime runs it, started."""
    made = RunningBlock(block, torch_threads=1)
    made.start()
    return made


def block(use: str, **params: Any) -> RunningBlock:
    """Return a running block by its name."""
    cls = load_block(use)
    return running(cls(cls.Params(**params), name=use, seed=7))


def step(made: RunningBlock, item: Item) -> Item:
    """Send an item through a block with one input."""
    (name,) = made.signature.inputs
    ((found,),) = made.step({name: item})
    assert found is not None
    return found


def pictures(esn0_db: float) -> list[Picture]:
    """Encode the built-in photographs for an Es/N0, and make their bursts."""
    encoder, mapper = block("encoders/deepjscc", rate="1/12", esn0_db=esn0_db), block("mappers/real_to_complex")
    framing = running(Framing(Framing.Params(sample_rate_hz=RATE_HZ, silence=600)))
    found = []
    for (image,) in block("sources/images", path="builtin:photos", size=[256, 256]).produce():
        assert image is not None
        symbols = step(mapper, step(encoder, image))
        burst = step(framing, symbols)
        words = int(burst.envelope.sent[0].trace.values["header_uses"])
        found.append(Picture(image.value, symbols, burst.value, words))
    return found


def stream(made: RunningBlock, chunks: Iterator[Item] | list[Item]) -> tuple[list[Item], BlockReport]:
    """Run a block on chunks of a stream to its end."""
    (name,) = made.signature.inputs
    emitted = [row for chunk in chunks for row in made.step({name: chunk})]
    emitted += made.finish(RunContext())
    report = BlockReport()
    made.report_to(report)
    return [item for row in emitted for item in row if item is not None], report


def through(x: NDArray[np.complex64], *blocks: Block) -> list[Item]:
    """Send samples through channels."""
    items = [Item(Envelope(stream=Stream(0, RATE_HZ)), x)]
    for each in blocks:
        items, _ = stream(running(each), items)
    return items


def joined(items: list[Item]) -> NDArray[np.complex64]:
    """Return the samples of chunks."""
    return np.concatenate([item.value for item in items])


def response(draw: int, fading: bool) -> NDArray[np.complex64]:
    """Return the impulse response of one realisation, `_AHEAD` samples late: what lies between samples comes early."""
    pulse = np.zeros(256, np.complex64)
    pulse[_AHEAD] = 1
    return joined(through(pulse, *channel(draw, fading)))


def channel(draw: int, fading: bool) -> list[Block]:
    """Return one realisation of the multipath; without fading its energy in the band is one."""
    params = TdlSamples.Params(profile="A", delay_spread_ns=30.0, doppler_hz=0.0)  # the genie knows all of it
    blocks: list[Block] = [TdlSamples(params, name="multipath", seed=draw)]
    if not fading:
        energy = np.mean(np.abs(np.fft.fft(response(draw, fading=True)))[_IN_BAND] ** 2)
        blocks.append(Scale(Scale.Params(gain=float(energy**-0.5))))
    return blocks


class Scale(Block):
    """Multiplies a stream."""

    class Params(BlockParams):
        """Parameters."""

        gain: float = 1.0

    params: Params

    def work(self, samples: Samples) -> Samples:
        """Multiply."""
        return samples * np.float32(self.params.gain)


def noise(esn0_db: float, draw: int) -> AwgnSamples:
    """Return one draw of the noise."""
    params = AwgnSamples.Params(esn0_db=esn0_db, samples_per_symbol=WAVEFORM.samples_per_symbol)
    return AwgnSamples(params, name="noise", seed=draw)


def received(burst: NDArray[np.complex64], at: Point, draw: int) -> tuple[Item | None, BlockReport]:
    """Send a burst through all impairments and the receiver; return its frame, if it came."""
    cfo_hz = at.cfo * RATE_HZ / WAVEFORM.samples_per_symbol
    lead = np.zeros(4000 + 37 * draw % 1000, np.complex64)
    chunks = through(
        np.concatenate([lead, burst]),
        *channel(draw, fading=at.fading),
        Cfo(Cfo.Params(cfo_hz=cfo_hz, phase="random"), name="carrier", seed=draw),
        ClockOffset(ClockOffset.Params(ppm=at.clock_ppm)),
        noise(at.esn0_db, draw),
    )
    found, report = stream(running(Sync(Sync.Params())), chunks)
    return (found[0] if found else None), report


def genie(picture: Picture, esn0_db: float, draw: int, *, fading: bool) -> Item:
    """Equalise the burst by the true impulse response, noise and time, in one transform over all of it."""
    rate, n0 = WAVEFORM.samples_per_symbol, 10 ** (-esn0_db / 10)
    size = -(-picture.samples.size // rate) * rate
    samples = joined(through(picture.samples, *channel(draw, fading), noise(esn0_db, draw)))
    taps = np.zeros(size)
    taps[: WAVEFORM.pulse.size] = WAVEFORM.pulse
    known = np.fft.fft(taps) * np.fft.fft(response(draw, fading), size) * np.sqrt(rate)
    known *= np.exp(2j * np.pi * np.fft.fftfreq(size) * _AHEAD)
    matched = np.fft.fft(samples, size) * known.conj()
    energy = (np.abs(known) ** 2).reshape(rate, -1).sum(axis=0) / rate
    bias = float(np.mean(energy / (energy + n0 * rate)))  # noise has variance N0 times M a sample of power 1
    found = np.fft.ifft(matched.reshape(rate, -1).sum(axis=0) / rate / (energy + n0 * rate) / bias)
    payload = picture.symbols.value.size
    data = payload + picture.words
    where = places(data, WAVEFORM.pilot_spacing)
    symbols = found[WAVEFORM.head : WAVEFORM.head + where.size][where.data][data - payload :]
    state = State(n0=(1 - bias) / bias, esn0_db=esn0_db, csi="perfect")
    envelope = Envelope(header=picture.symbols.envelope.header, state=state)
    return Item(envelope, to_payload(np.ascontiguousarray(symbols, np.complex64)))


def decoded(item: Item) -> NDArray[np.uint8]:
    """Return the picture of a frame."""
    return step(DECODER, step(UNMAP, item)).value


UNMAP, DECODER = block("mappers/complex_to_real"), block("decoders/deepjscc")


def point(at: Point, sent: list[Picture], ideal: list[float]) -> dict[str, Any]:
    """Measure one point of the grid."""
    psnrs, losses, detected, errors = [], [], 0, 0
    for draw, best in enumerate(ideal):
        picture = sent[draw % len(sent)]
        item, report = received(picture.samples, at, draw)
        counted = report.counted
        found = bool(
            counted.get("bursts", 0) or counted.get("header_failures", 0) or counted.get("truncated_bursts", 0)
        )
        detected += found
        errors += found and item is None
        if item is not None:
            psnr = psnr_db(picture.pixels, decoded(item))
            psnrs.append(psnr)
            losses.append(best - psnr)
    detection = wilson(detected, len(ideal))
    failures = wilson(errors, detected)
    row: dict[str, Any] = {"bursts": len(ideal), "detected": detected}
    row |= {"detection_rate": detection.mean, "detection_low": detection.low, "detection_high": detection.high}
    row |= {"header_errors": errors, "header_error_rate": failures.mean}
    row |= {"header_error_low": failures.low, "header_error_high": failures.high}
    if losses:
        loss = mean_interval(losses)
        row |= {"psnr_genie_db": float(np.mean(ideal)), "psnr_db": float(np.mean(psnrs))}
        row |= {"loss_db": loss.mean, "loss_low_db": loss.low, "loss_high_db": loss.high}
    return row


def short_burst() -> NDArray[np.complex64]:
    """Return a burst of 64 symbols with the header of a picture."""
    framing = Framing(Framing.Params(sample_rate_hz=RATE_HZ, silence=600))
    header = Header().with_fields(ImageShape(256, 256), ModelId(1, 7), JsccMode(2, 10), PowerScale(1.5, padded=False))
    payload = CounterNoise(1).complex_normal(0, 64)
    return np.asarray(framing.work(payload, header, Identity(0)).value)


def header_errors(esn0_db: float, bursts: int) -> dict[str, Any]:
    """Count short bursts whose preamble was not found, or whose start word or header was not read."""
    at, burst = Point(esn0_db, 0.01, 20, fading=False), short_burst()
    found = [received(burst, at, draw) for draw in range(bursts)]
    missed = wilson(sum(not report.counted for _, report in found), bursts)
    failed = wilson(sum(item is None for item, _ in found), bursts)
    row: dict[str, Any] = {"bursts": bursts}
    for name, rate in (("missed", missed), ("not_read", failed)):
        row |= {name: rate.mean, f"{name}_low": rate.low, f"{name}_high": rate.high}
    return row


def grid(rows: Rows, bursts: int, esn0s_db: Sequence[float], offsets: Sequence[float], clocks: Sequence[int]) -> None:
    """Measure the points of the grid that are missing."""
    for esn0_db in esn0s_db:
        sent = pictures(esn0_db)
        drawn = [sent[draw % len(sent)] for draw in range(bursts)]
        for fading in (False, True):
            ideal = [
                psnr_db(one.pixels, decoded(genie(one, esn0_db, draw, fading=fading))) for draw, one in enumerate(drawn)
            ]
            for cfo, clock_ppm in itertools.product(offsets, clocks) if not fading else [(offsets[-1], 20)]:
                at = Point(esn0_db, cfo, clock_ppm, fading)
                rows.once({**at._asdict(), "fading": int(fading)}, partial(point, at, sent, ideal))


def main() -> None:
    """Measure the points that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bursts", type=int, default=5, help="of each point")
    parser.add_argument("--headers", type=int, default=40, help="short bursts of each Es/N0 near the threshold")
    parser.add_argument("--esn0-db", type=float, nargs="*", default=ESN0S_DB)
    parser.add_argument("--cfo", type=float, nargs="*", default=OFFSETS, help="in shares of the symbol rate")
    parser.add_argument("--clock-ppm", type=int, nargs="*", default=CLOCKS_PPM)
    parser.add_argument("--out", type=Path, default=Path("out/radio-loopback"))
    given = parser.parse_args()
    grid(Rows(given.out / "grid.csv"), given.bursts, given.esn0_db, given.cfo, given.clock_ppm)
    near = Rows(given.out / "short-bursts.csv")
    for esn0_db in NEAR_DB:
        near.once({"esn0_db": esn0_db}, partial(header_errors, esn0_db, given.headers))


if __name__ == "__main__":
    main()
