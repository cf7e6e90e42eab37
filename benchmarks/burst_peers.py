"""Short bursts received by `sync/burst`, `sync/ofdm` and liquid-dsp's two frame synchronisers, in the same channel.

Each burst carries 64 bytes and a header, at 10 MS/s: ours and liquid's `framesync64` on a single carrier of 5 million
symbols a second (two samples a symbol), ours and liquid's `ofdmflexframe` on 64 carriers with a prefix of 16, of which
52 and 50 are used. The channel is the same realisation for all: TDL-A of 30 ns without its fading, carrier offset, a
clock that is 20 ppm off, noise. Es/N0 is per symbol, or per carrier that is used. Each has its own codes: ours QPSK and
the convolutional code of rate 1/2 and CRC16 for the payload, a code of rate 1/4 for the header; `framesync64` QPSK with
Golay (24, 12) on header and payload together; `ofdmflexframe` QPSK without a code on the payload. So what is detected
and which headers are read compares receivers; the payload compares codes as well.

Then noise alone: how many frames each finds there, and how many million samples a second of one core it searches.

Usage: ``python benchmarks/burst_peers.py --bursts 100``; needs ``pip install liquid-dsp``.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from figures import machine
from numpy.typing import NDArray
from radio_loopback import joined, through
from rows import Rows
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.channels.clock_offset import ClockOffset
from semcom.blocks.channels.tdl_samples import TdlSamples
from semcom.flowgraphs.experiments.statistics import wilson
from semcom.sim.codes.convolutional import decode, encode
from semcom.sim.codes.crc import attach_crc, check_crc
from semcom.sim.constellations.qam import modulate
from semcom.sim.noise import CounterNoise
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.waveform.body import body_symbols
from semcom.sim.waveform.demodulate import Demodulator
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.ofdm import Ofdm
from semcom.sim.waveform.ofdm_demodulate import OfdmDemodulator
from semcom.sim.waveform.receive import BodyDemodulator, Burst, BurstReceiver, Failure
from semcom.sim.waveform.single_carrier import SingleCarrier

ESN0S_DB, OFFSETS_HZ, CLOCK_PPM = (0, 3, 6, 10, 20), (0.0, 25e3, 50e3, 100e3), 20
NOISE_SAMPLES, CHUNK, LEAD = 20_000_000, 65_536, 2000
WAVEFORM, OFDM = SingleCarrier(samples_per_symbol=2), Ofdm()
CARRIERS, PREFIX, TAPER, USED = 64, 16, 4, 50
Samples = NDArray[np.complex64]


class Outcome(NamedTuple):
    """What became of a burst."""

    detected: bool
    header: bool
    payload: bool


class Peer(NamedTuple):
    """A contestant: its burst, samples per symbol, what it makes of a stream, and how many frames it finds in noise."""

    burst: Callable[[NDArray[np.uint8]], Samples]
    per_symbol: float
    receive: Callable[[Samples, NDArray[np.uint8]], Outcome]
    search: Callable[[], tuple[Callable[[Samples], Any], Callable[[], int]]]


def ours(make: Callable[[NDArray[np.complex64]], Samples], receiving: BodyDemodulator, per_symbol: float) -> Peer:
    """Burst and receiver of this project.

    Args:
        make: Makes a burst of the data symbols of a frame.
        receiving: The demodulator of its waveform.
        per_symbol: Samples a symbol that Es/N0 is over the SNR per sample.
    """

    def burst(payload: NDArray[np.uint8]) -> Samples:
        coded = encode(attach_crc(np.unpackbits(payload), "16"))
        data = frame_symbols(7, [("ImageShape", ImageShape(8, 8).pack())], modulate(coded, 2))
        return make(data)

    def receive(x: Samples, payload: NDArray[np.uint8]) -> Outcome:
        receiver = BurstReceiver(receiving)
        found = [*receiver.push(x), *receiver.flush()]
        read = [one for one in found if isinstance(one, Burst) and one.start.seq == 7]
        if not read:
            return Outcome(any(isinstance(one, Failure) and one.kind != "false" for one in found), False, False)
        values = read[0].symbols * (np.sqrt(8) / read[0].n0)
        llrs = -np.stack([values.real, values.imag], axis=-1).reshape(-1).astype(np.float32)
        bits = decode(llrs)
        return Outcome(True, True, check_crc(bits, "16") and bool((np.packbits(bits[:-16]) == payload).all()))

    def search() -> tuple[Callable[[Samples], Any], Callable[[], int]]:
        receiver, found = BurstReceiver(receiving), []
        return lambda x: found.extend(receiver.push(x)), lambda: len(found)

    return Peer(burst, per_symbol, receive, search)


def on_one_carrier(data: NDArray[np.complex64]) -> Samples:
    """Make a burst on a single carrier."""
    return WAVEFORM.modulate(body_symbols(data, WAVEFORM.pilot_spacing))


def on_many_carriers(data: NDArray[np.complex64]) -> Samples:
    """Make a burst of OFDM symbols."""
    return OFDM.modulate(OFDM.body_symbols(data))


OURS = {
    "burst": ours(on_one_carrier, Demodulator(WAVEFORM), WAVEFORM.samples_per_symbol),
    "ofdm": ours(on_many_carriers, OfdmDemodulator(OFDM), OFDM.n_fft / OFDM.used_carriers),
}


def liquid_outcome(receiver: Any, got: list[Any], payload: NDArray[np.uint8]) -> Outcome:
    """What a synchroniser of liquid has called back."""
    good = [data for _, data, about in got if about["header"] and about["payload"]]
    return Outcome(
        receiver.num_frames_detected > 0,
        receiver.num_headers_valid > 0,
        any((data == payload).all() for data in good),
    )


def liquid_peer(make: Callable[[Callable[..., int]], Any], burst: Callable[..., Samples], per_symbol: float) -> Peer:
    """A frame of liquid-dsp."""

    def receive(x: Samples, payload: NDArray[np.uint8]) -> Outcome:
        got: list[Any] = []
        receiver = make(lambda context, header, data, about: got.append((header, data.copy(), about)) or 0)
        receiver.execute(x)
        return liquid_outcome(receiver, got, payload)

    def search() -> tuple[Callable[[Samples], Any], Callable[[], int]]:
        receiver = make(lambda *_: 0)
        return receiver.execute, lambda: int(receiver.num_frames_detected)

    return Peer(burst, per_symbol, receive, search)


def peers(waveform: str = "burst") -> dict[str, Peer]:
    """Ours of one waveform, and all of liquid's."""
    try:
        import liquid
    except ImportError:
        print("skipped: no liquid-dsp here (pip install liquid-dsp)", file=sys.stderr)
        return {"semcom": OURS[waveform]}
    header = np.arange(8, dtype=np.uint8)

    def framegen64(payload: NDArray[np.uint8]) -> Samples:
        return np.asarray(liquid.fg64().execute(header, payload))

    def flexframe(payload: NDArray[np.uint8]) -> Samples:
        made = liquid.ofdmflexframetx(CARRIERS, PREFIX, TAPER)
        made.assemble(header, payload)
        parts = []
        while not parts or parts[-1].any():
            parts.append(made.generate(CARRIERS + PREFIX).copy())
        return np.concatenate(parts)

    return {
        "semcom": OURS[waveform],
        "liquid framesync64": liquid_peer(lambda call: liquid.fs64(call, None), framegen64, 2),
        "liquid ofdmflexframe": liquid_peer(
            lambda call: liquid.ofdmflexframerx(CARRIERS, PREFIX, TAPER, call, None), flexframe, CARRIERS / USED
        ),
    }


def impaired(burst: Samples, per_symbol: float, esn0_db: float, cfo_hz: float, draw: int) -> Samples:
    """Send a burst through all impairments; its energy behind the multipath is that of unit power."""
    x = np.concatenate([np.zeros(LEAD, np.complex64), burst, np.zeros(LEAD, np.complex64)])
    params = TdlSamples.Params(profile="A", delay_spread_ns=30.0, doppler_hz=0.0)
    x = joined(through(x, TdlSamples(params, name="multipath", seed=draw)))
    x *= np.float32(np.sqrt(np.count_nonzero(burst) / np.vdot(x, x).real))
    carrier = Cfo(Cfo.Params(cfo_hz=cfo_hz, phase="random"), name="carrier", seed=draw)
    x = joined(through(x, carrier, ClockOffset(ClockOffset.Params(ppm=CLOCK_PPM))))
    scale = np.float32(np.sqrt(per_symbol * 10 ** (-esn0_db / 10)))
    return x + scale * CounterNoise(draw).complex_normal(0, x.size)


def outcomes(peer: Peer, esn0_db: float, cfo_hz: float, draws: int) -> dict[str, int]:
    """Count what became of the bursts of one point."""
    found = []
    for draw in range(draws):
        payload = np.random.default_rng(draw).integers(0, 256, 64, dtype=np.uint8)
        x = impaired(peer.burst(payload), peer.per_symbol, esn0_db, cfo_hz, draw)
        found.append(peer.receive(x, payload))
    return {"bursts": draws} | dict(zip(Outcome._fields, map(sum, zip(*found, strict=True)), strict=True))


def frames(contestants: dict[str, Peer], draws: int, rows: Rows) -> list[str]:
    """Measure what is missing; return the table of bursts."""
    half = 100 * max(wilson(draws // 2, draws).high - 0.5, wilson(0, draws).high)
    lines = [
        f"Detected / header read / payload read, in per cent of {draws} bursts (95 %: within {half:.0f} points)",
        "",
        "| Es/N0, dB | offset, kHz |" + "".join(f" {name} |" for name in contestants),
        "|---:|---:|" + "---:|" * len(contestants),
    ]
    for esn0_db, cfo_hz in itertools.product(ESN0S_DB, OFFSETS_HZ):
        cells = []
        for name, peer in contestants.items():
            key = {"receiver": name, "esn0_db": esn0_db, "cfo_hz": cfo_hz}
            row = rows.once(key, partial(outcomes, peer, esn0_db, cfo_hz, draws))
            cells.append(" / ".join(f"{100 * row[what] / row['bursts']:.0f}" for what in Outcome._fields))
        lines.append(f"| {esn0_db} | {cfo_hz / 1e3:g} | " + " | ".join(cells) + " |")
    return lines


def noise_alone(contestants: dict[str, Peer]) -> None:
    """Print the table of noise alone: the contestants take chunks in turn."""
    source = CounterNoise(5)
    running = {name: peer.search() for name, peer in contestants.items()}
    taken_s = dict.fromkeys(contestants, 0.0)
    for at in range(0, NOISE_SAMPLES, CHUNK):
        x = source.complex_normal(at, CHUNK)
        for name, (push, _) in running.items():
            began = time.process_time()
            push(x)
            taken_s[name] += time.process_time() - began
    print(f"\n{NOISE_SAMPLES / 1e6:g} million samples of noise; {machine()}\n")
    print("| receiver | frames found | million samples a second of one core |\n|---|---:|---:|")
    for name, (_, count) in running.items():
        print(f"| {name} | {count()} | {NOISE_SAMPLES / taken_s[name] / 1e6:.3g} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waveform", choices=list(OURS), default="burst", help="of ours")
    parser.add_argument("--bursts", type=int, default=10, help="of each point")
    parser.add_argument("--out", type=Path, default=Path("out/burst-peers.csv"), help="what stands there is kept")
    given = parser.parse_args()
    contestants = peers(given.waveform)
    print("\n".join(frames(contestants, given.bursts, Rows(given.out))))
    noise_alone(contestants)


if __name__ == "__main__":
    main()
