"""Pictures of the guide "hardware in the loop": each from a run of a shipped flowgraph, none of a radio.

    python benchmarks/guide_pictures.py docs/_static

One of them needs GNU Radio 3.10 under /usr/bin/python3; without it that one is left as it is. Needs matplotlib.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from semcom.blocks.block import RunContext
from semcom.flowgraphs.experiments.plot import COLOURS, STYLE
from semcom.flowgraphs.grc.install import examples
from semcom.flowgraphs.radio_check.transmission import transmit
from semcom.flowgraphs.runtime.engine.inline import InlineExecutor
from semcom.flowgraphs.runtime.graph import Edge
from semcom.flowgraphs.runtime.item import Item
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.sim.waveform.reception import Reception

GNURADIO_PYTHON = "/usr/bin/python3"
PICTURES = 2  # received, before a run is looked at
SIXTEEN_QAM = ("encoder=encoders/coded_link:cbr=1/12,esn0_db=6", "decoder=decoders/coded_link")  # 6 dB: 16-QAM
CABLE = ("multipath=channels/phase_noise:rms_deg=1",)
IDEAL = ("multipath=channels/copy",)
DPI, QUALITY = 110, 82


class _Enough(BaseException):
    """Ends a run that has no end of its own."""


class Seen(NamedTuple):
    """What came out of a receiver: the last burst, and its picture."""

    reception: Reception
    picture: NDArray[np.uint8]


def received(name: str, *, pictures: int = PICTURES, **given: Sequence[str]) -> Seen:
    """Run a flowgraph that receives, until so many pictures are there."""
    graph = load_graph(name, Overrides.parse(**{option: tuple(values) for option, values in given.items()}))
    receptions: list[Reception] = []
    found: list[NDArray[np.uint8]] = []

    def look(edge: Edge, item: Item) -> None:
        if edge.source == "sync" and item.envelope.state.reception is not None:
            receptions.append(item.envelope.state.reception)
        if edge.target_port == "received":
            found.append(item.value)
            if len(found) == pictures:
                raise _Enough

    with contextlib.suppress(_Enough):
        InlineExecutor(graph, RunContext(), on_item=look).run()
    return Seen(receptions[0], found[0])


def show_picture(plane: Axes, seen: Seen) -> None:
    plane.imshow(seen.picture)
    plane.set_axis_off()
    plane.set_title("received")


def show_spectrum(plane: Axes, seen: Seen) -> None:
    rate, power = seen.reception.sample_rate_hz, seen.reception.spectrum
    at = (np.arange(power.size) / power.size - 0.5) * rate / 1e6
    plane.plot(at, 10 * np.log10(np.maximum(power, 1e-9)), color=COLOURS[0], lw=0.9)
    plane.set(title="spectrum of a burst", xlabel="MHz", ylabel="dB")


def show_points(plane: Axes, seen: Seen, title: str = "constellation") -> None:
    for points, colour, size in ((seen.reception.before, "#bbbbbb", 3), (seen.reception.after, COLOURS[0], 3)):
        plane.scatter(points.real, points.imag, s=size, color=colour, lw=0, rasterized=True)
    plane.set(title=title, xlim=(-1.9, 1.9), ylim=(-1.9, 1.9), aspect="equal")


def show_detection(plane: Axes, seen: Seen) -> None:
    r = seen.reception
    at = (np.arange(r.detection.size) - r.detection.size // 2) * r.detection_step_s * 1e6
    plane.plot(at, r.detection, color=COLOURS[0], lw=0.9)
    plane.axhline(r.threshold, color=COLOURS[1], ls="--", lw=0.9)
    plane.set(title="detection, threshold", xlabel="µs", ylim=(0, 1.02))


def show_response(plane: Axes, seen: Seen) -> None:
    r = seen.reception
    at = (np.arange(r.response.size) / max(r.response.size - 1, 1) - 0.5) * r.band_hz / 1e6
    plane.plot(at, 20 * np.log10(np.maximum(np.abs(r.response), 1e-4)), color=COLOURS[0], lw=0.9)
    plane.set(title="|H| over the band", xlabel="MHz", ylabel="dB")


def show_drift(plane: Axes, seen: Seen) -> None:
    r = seen.reception
    at = np.linspace(0, r.duration_s * 1e3, r.delay.size)
    plane.plot(at, r.delay * 1e9, color=COLOURS[0], lw=0.9)
    plane.set(title="clock along the burst", xlabel="ms", ylabel="ns")


@contextlib.contextmanager
def drawn(path: Path, columns: int) -> Iterator[list[Axes]]:
    """A row of planes, written as WebP."""
    with mpl.rc_context({**STYLE, "font.size": 7.5, "axes.titlesize": 8}):
        figure = Figure(figsize=(2.1 * columns, 2.0), layout="constrained", dpi=DPI)
        yield list(np.atleast_1d(figure.subplots(1, columns)))
        figure.savefig(path, format="webp", pil_kwargs={"quality": QUALITY, "method": 6})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def simulation(out: Path) -> None:
    """The whole chain in one process."""
    seen, points = received("radio-loopback"), received("radio-loopback", swaps=SIXTEEN_QAM)
    with drawn(out / "hil-simulation.webp", 4) as planes:
        show_picture(planes[0], seen)
        show_spectrum(planes[1], seen)
        show_points(planes[2], points, "16-QAM")
        show_detection(planes[3], seen)


def level(out: Path) -> None:
    """Power of the samples that systems make: what a converter must leave room for."""
    systems = {
        "DeepJSCC": (),
        "CDM-JSCC": ("encoder=encoders/cdm_jscc:cbr=1/12",),
        "SC-SIC": ("encoder=encoders/sc_sic:variant=mini-48",),
        "HEVC, 16-QAM": SIXTEEN_QAM[:1],
        "DeepJSCC over OFDM": ("burst=framing/ofdm",),
    }
    with mpl.rc_context({**STYLE, "font.size": 7.5, "axes.titlesize": 8}):
        figure = Figure(figsize=(5.2, 2.6), layout="constrained", dpi=DPI)
        plane = figure.subplots()
        for (name, swaps), colour in zip(systems.items(), COLOURS, strict=False):
            burst = transmit(load_graph("gnuradio-tx", Overrides.parse(swaps=swaps))).sent.burst
            parts = np.sort(np.abs(burst.view(np.float32)))[::-1]
            share = np.arange(1, parts.size + 1) / parts.size
            above_db = 20 * np.log10(np.maximum(parts, 1e-3))
            plane.semilogy(above_db, share, color=colour, label=name, lw=1.1)
        plane.axvline(12, color="#888888", ls="--", lw=0.9)
        plane.annotate("full scale at scale_db −12", (12.2, 0.2), fontsize=7, color="#555555")
        plane.set(xlabel="|I| or |Q| over the rms of a burst, in dB", ylabel="share of the samples", xlim=(-5, 20))
        plane.set_ylim(1e-5, 1)
        plane.legend(fontsize=7)
        path = out / "hil-level.webp"
        figure.savefig(path, format="webp", pil_kwargs={"quality": QUALITY, "method": 6})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def recording(out: Path) -> None:
    """A recording, its bursts, and a picture out of it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        graph = load_graph("sigmf-record", Overrides.parse(vars=("rate=1/48",)))
        InlineExecutor(graph, RunContext(), 3).run()
        seen = received("sigmf-replay", vars=("path=out/sigmf-record/air",))
        samples = np.fromfile("out/sigmf-record/air.sigmf-data", np.complex64)
    with drawn(out / "hil-recording.webp", 2) as (over_time, picture):
        block = 64
        power = np.mean(np.abs(samples[: samples.size // block * block].reshape(-1, block)) ** 2, axis=1)
        at = np.arange(power.size) * block / seen.reception.sample_rate_hz * 1e3
        over_time.plot(at, 10 * np.log10(power), color=COLOURS[0], lw=0.6)
        over_time.set(title="power of the recording", xlabel="ms", ylabel="dB")
        show_picture(picture, seen)
        picture.set_title("replayed")


def cable(out: Path) -> None:
    """Two radios and a cable, in simulation: a carrier and a clock that are off, oscillators that jitter."""
    given = {
        "vars": ("cfo_hz=4000", "clock_ppm=5", "esn0_db=30"),
        "sets": ("burst.sample_rate_hz=1e6",),
        "swaps": CABLE,
    }
    seen = received("radio-loopback", **given)
    points = received("radio-loopback", **{**given, "swaps": (*CABLE, *SIXTEEN_QAM)})
    with drawn(out / "hil-cable.webp", 4) as planes:
        show_picture(planes[0], seen)
        show_spectrum(planes[1], seen)
        show_points(planes[2], points, "16-QAM")
        show_drift(planes[3], seen)


def faults(out: Path) -> None:
    """What is wrong with a link shows in its constellation."""
    cases = {
        "too little power": (("esn0_db=12",), IDEAL),
        "clipped": (("esn0_db=30",), ("multipath=channels/clipping:clip_db=-1,reference=one",)),
        "phase noise": (("esn0_db=30",), ("multipath=channels/phase_noise:rms_deg=5,bandwidth_hz=1e5",)),
        "mixer out of balance": (("esn0_db=30",), ("multipath=channels/iq_imbalance:amplitude_db=1.5,phase_deg=8",)),
    }
    with drawn(out / "hil-faults.webp", len(cases)) as planes:
        for plane, (title, (variables, swaps)) in zip(planes, cases.items(), strict=True):
            seen = received("radio-loopback", vars=variables, swaps=(*swaps, *SIXTEEN_QAM), pictures=1)
            show_points(plane, seen, title)


def air(out: Path) -> None:
    """Echoes, in simulation."""
    given: dict[str, Any] = {"sets": ("multipath.delay_spread_ns=300", "multipath.doppler_hz=2")}
    seen = received("radio-loopback", **given)
    points = received("radio-loopback", swaps=SIXTEEN_QAM, **given)
    with drawn(out / "hil-air.webp", 4) as planes:
        show_picture(planes[0], seen)
        show_spectrum(planes[1], seen)
        show_response(planes[2], seen)
        show_points(planes[3], points, "16-QAM, before and after")


def over_zmq(channel: Sequence[str] = (), swaps: Sequence[str] = ()) -> Seen:
    """What `gnuradio-rx` gets of `gnuradio-tx`, in a process of its own; where a channel is given, over GNU Radio."""
    with socket.socket() as one, socket.socket() as two:
        for found in (one, two):
            found.bind(("127.0.0.1", 0))
        sent, got = (f"tcp://127.0.0.1:{found.getsockname()[1]}" for found in (one, two))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.ExitStack() as stack:
        words = [sys.executable, "-m", "semcom", "run", "gnuradio-tx", "--quiet", "--var", f"address={sent}"]
        commands = [[*words, *(word for swap in swaps[:1] for word in ("--swap", swap))]]
        if channel:
            program = next(path for path in examples(Path()) if path.name == "channel.py")
            ends = ["--from-address", sent, "--to-address", got]
            commands.append([GNURADIO_PYTHON, str(program), *ends, *channel])
        for command in commands:
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            stack.callback(process.kill)
        return received("gnuradio-rx", vars=(f"address={got if channel else sent}",), swaps=swaps[1:])


def processes(out: Path) -> None:
    """Two processes, and nothing between them."""
    seen, points = over_zmq(), over_zmq(swaps=SIXTEEN_QAM)
    with drawn(out / "hil-processes.webp", 3) as planes:
        show_picture(planes[0], seen)
        show_spectrum(planes[1], seen)
        show_points(planes[2], points, "16-QAM")


def gnuradio(out: Path) -> None:
    """GNU Radio between two processes."""
    options = ("--esn0-db", "20", "--cfo-hz", "3000", "--clock-ppm", "20", "--taps", "1 0 0 0.4j")
    seen, points = over_zmq(options), over_zmq(options, SIXTEEN_QAM)
    with drawn(out / "hil-gnuradio.webp", 4) as planes:
        show_picture(planes[0], seen)
        show_spectrum(planes[1], seen)
        show_response(planes[2], seen)
        show_points(planes[3], points, "16-QAM, before and after")


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    for make in (simulation, level, recording, processes, cable, faults, air):
        make(out)
    probe = subprocess.run([GNURADIO_PYTHON, "-c", "from gnuradio import channels"], capture_output=True, check=False)
    if probe.returncode == 0:
        gnuradio(out)


if __name__ == "__main__":
    main()
