"""Receivers side by side on the same impaired bursts: `sync/burst`, scikit-dsp-comm's loops, GNU Radio's blocks.

A burst of 12,000 QPSK symbols, since the peers' loops decide on points, goes through the shape of TDL-A of 30 ns
(without its fading), carrier and clock offset, and noise. The peers are given what they need: where the burst is, the
matched filter, and loops of bandwidths as their documentation has them, not tuned to each point. Neither searches for a
preamble; neither equalises or reads a header. scikit-dsp-comm: `NDA_symb_sync`, then `DD_carrier_sync`. GNU Radio:
`pfb_clock_sync_ccf`, then `costas_loop_cc`, in its own process.

Figures: error of the symbols of the burst's last half against what was sent, in dB of their energy, each run of 256
symbols by the gain that fits it best, so that a slip of a quarter turn between runs costs nothing; mean over the draws.
The noise alone is minus Es/N0; 0 dB and above mean that the symbols were not found. A peer that is not installed is
left out.

Usage: ``python benchmarks/sync_peers.py [DRAWS]``.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from engine_samples import GNURADIO_PYTHON, has_gnu_radio
from numpy.typing import NDArray
from radio_loopback import RATE_HZ, WAVEFORM, channel, joined, noise, through
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.channels.clock_offset import ClockOffset
from semcom.sim.constellations.qam import modulate
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.waveform.body import body_symbols, from_payload
from semcom.sim.waveform.demodulate import Demodulator
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.receive import Burst, BurstReceiver

SYMBOLS, LEAD, RUN = 12_000, 4000, 256
ESN0S_DB, OFFSETS, CLOCKS_PPM = (5, 10, 20), (0.0, 0.001, 0.01, 0.02), (0, 40)
Symbols = NDArray[np.complex64]


def sent(draw: int) -> tuple[Symbols, Symbols, Symbols]:
    """Return payload, body and burst of a draw."""
    bits = np.random.default_rng(draw).integers(0, 2, 2 * SYMBOLS, dtype=np.uint8)
    payload = modulate(bits, 2)
    body = body_symbols(frame_symbols(draw, [("ImageShape", ImageShape(8, 8).pack())], payload), WAVEFORM.pilot_spacing)
    return payload, body, WAVEFORM.modulate(body)


def impaired(burst: Symbols, esn0_db: float, cfo: float, clock_ppm: float, draw: int) -> Symbols:
    """Send a burst through all impairments."""
    x = np.concatenate([np.zeros(LEAD, np.complex64), burst, np.zeros(LEAD, np.complex64)])
    cfo_hz = cfo * RATE_HZ / WAVEFORM.samples_per_symbol
    carrier = Cfo(Cfo.Params(cfo_hz=cfo_hz, phase="random"), name="carrier", seed=draw)
    clock = ClockOffset(ClockOffset.Params(ppm=clock_ppm))
    return joined(through(x, *channel(draw, fading=False), carrier, clock, noise(esn0_db, draw)))


def error_db(found: Symbols, wanted: Symbols) -> float:
    """Return the error of the last half; 0 dB and above: nothing of it was found."""
    half = wanted[wanted.size // 2 : -RUN]
    runs = half[: half.size // RUN * RUN].reshape(-1, RUN)
    size = 1 << (found.size + RUN).bit_length()
    errors = []
    for run in runs:
        match = np.fft.ifft(np.fft.fft(found, size) * np.fft.fft(run, size).conj())[: found.size - RUN]
        at = int(np.argmax(np.abs(match)))
        here = found[at : at + RUN]
        gain = np.vdot(run, here) / np.vdot(run, run)
        errors.append(np.mean(np.abs(here / gain - run) ** 2))
    return float(10 * np.log10(np.mean(errors)))


def ours(x: Symbols, payload: Symbols, body: Symbols) -> float:
    """`sync/burst`'s receiver; the payload is taken in the order in which it was sent."""
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    found = [one for one in [*receiver.push(x), *receiver.flush()] if isinstance(one, Burst)]
    return error_db(from_payload(found[0].symbols), from_payload(payload)) if found else float("nan")


def scikit_dsp_comm(x: Symbols, payload: Symbols, body: Symbols) -> float:
    """Loops of scikit-dsp-comm behind a matched filter."""
    from sk_dsp_comm.synchronization import DD_carrier_sync, NDA_symb_sync

    matched = np.convolve(x, WAVEFORM.pulse / np.sqrt(WAVEFORM.samples_per_symbol))[LEAD:-LEAD]
    timed, _ = NDA_symb_sync(matched, WAVEFORM.samples_per_symbol, 2, 0.005)
    turned, *_ = DD_carrier_sync(timed, 4, 0.01)
    return error_db(turned.astype(np.complex64), body)


def gnu_radio(x: Symbols, payload: Symbols, body: Symbols) -> float:
    """Blocks of GNU Radio, in their own process."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "samples", Path(folder) / "symbols"
        source.write_bytes(x[LEAD:].tobytes())
        script = Path(__file__).with_name("gnuradio_peer.py")
        command = [GNURADIO_PYTHON, str(script), "symbols", str(source), str(target)]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return error_db(np.fromfile(target, np.complex64), body)


def main(draws: int = 3) -> None:
    """Measure all points and print a table."""
    contestants: dict[str, Callable[[Symbols, Symbols, Symbols], float]] = {"semcom": ours}
    try:
        import sk_dsp_comm  # noqa: F401

        contestants["scikit-dsp-comm"] = scikit_dsp_comm
    except ImportError:
        print("skipped: no scikit-dsp-comm here (pip install scikit-dsp-comm)", file=sys.stderr)
    if has_gnu_radio():
        contestants["GNU Radio"] = gnu_radio
    print("| Es/N0, dB | carrier offset | clock, ppm |" + "".join(f" {name} |" for name in contestants))
    print("|---:|---:|---:|" + "---:|" * len(contestants))
    for esn0_db, cfo, clock_ppm in itertools.product(ESN0S_DB, OFFSETS, CLOCKS_PPM):
        errors: dict[str, list[float]] = {name: [] for name in contestants}
        for draw in range(draws):
            payload, body, burst = sent(draw)
            x = impaired(burst, esn0_db, cfo, clock_ppm, draw)
            for name, contestant in contestants.items():
                errors[name].append(contestant(x, payload, body))
        cells = "".join(f" {np.mean(values):.1f} |" for values in errors.values())
        print(f"| {esn0_db} | {cfo:.1%} | {clock_ppm} |{cells}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
