"""What to mend before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from ...blocks.radio._socket import is_exposed
from ..runtime.graph import BlockNode, Graph
from .measured import RadioCheck
from .transmission import Transmission

__all__ = ["advice"]

GREATEST_CLOCK_PPM = 40.0  # that the receivers follow
RADIOS_APART_PPM = 5.0  # two good oscillators, 2.5 ppm each
RATES_HZ = {"plutosdr": (65_105.0, 61.44e6)}  # as GNU Radio 3.10 checks them, iio_pluto_sink.block.yml
RECEIVE_ONLY = ("rtlsdr", "airspy", "airspyhf", "sdrplay")
WIDEST = 0.8  # of the sample rate: beyond it filters of converters fall off


def advice(checked: RadioCheck, graph: Graph, found: Transmission, behind: list[BlockNode]) -> Iterator[str]:
    """Yield a sentence for each thing: what is wrong, with numbers, and the remedy."""
    yield from _level(checked)
    yield from _rate(checked, found.device)
    yield from _time(checked, behind)
    yield from _carrier(checked, behind)
    for node in graph.blocks:
        address = node.params.get("address")
        if isinstance(address, str) and is_exposed(address):
            yield (
                f"block {node.name!r}: {address} can be reached from other machines, and nothing protects it; use "
                "127.0.0.1 and a tunnel (ssh -L, WireGuard)"
            )
    if checked.found is False:
        yield (
            f"the receiver did not find this burst at {checked.esn0_db:g} dB; more power, or a waveform that carries "
            "less"
        )


def _level(checked: RadioCheck) -> Iterator[str]:
    if checked.clipped and checked.peak_db is not None:
        loss = "" if checked.clipping_loss_db is None else f", {checked.clipping_loss_db:.2f} dB of Es/N0"
        yield (
            f"{checked.device} clips {100 * checked.clipped:.2g} % of the samples{loss}: peaks are "
            f"{checked.peak_db:.1f} dB above its limit; lower scale_db by as much, to "
            f"{checked.scale_db - checked.peak_db:.1f}"
        )


def _rate(checked: RadioCheck, device: BlockNode | None) -> Iterator[str]:
    if checked.occupied_hz > WIDEST * checked.sample_rate_hz:
        yield (
            f"the burst takes {checked.occupied_hz / checked.sample_rate_hz:.0%} of the sample rate; a radio's filters "
            "pass 80 % of it: more samples a symbol, or radio/resample"
        )
    if device is None:
        return
    rate_hz = device.params.get("sample_rate_hz")
    if rate_hz is not None and abs(rate_hz - checked.sample_rate_hz) > 1e-6 * rate_hz:
        yield (
            f"block {device.name!r} runs at {rate_hz:g} Hz, and gets samples at {checked.sample_rate_hz:g} Hz; put "
            "radio/resample before it"
        )
    arguments = dict(part.split("=", 1) for part in str(device.params.get("device", "")).split(",") if "=" in part)
    driver = arguments.get("driver", "")
    if driver in RECEIVE_ONLY:
        yield f"block {device.name!r}: a {driver} device only receives; name one that transmits"
    low, high = RATES_HZ.get(driver, (0.0, float("inf")))
    if not low <= checked.sample_rate_hz <= high:
        yield (
            f"block {device.name!r}: a {driver} device runs at {low:g} to {high:g} Hz, and gets samples at "
            f"{checked.sample_rate_hz:g} Hz; put radio/resample before it"
        )


def _time(checked: RadioCheck, behind: list[BlockNode]) -> Iterator[str]:
    if checked.coherence_s is not None and checked.burst_s > checked.coherence_s:
        yield (
            f"a burst of {1e3 * checked.burst_s:.3g} ms is longer than the channel stays alike, "
            f"{1e3 * checked.coherence_s:.3g} ms: fewer symbols a picture, or a higher sample rate"
        )
    for node in behind:
        ppm = node.params.get("ppm")
        if isinstance(ppm, int | float) and abs(ppm) > GREATEST_CLOCK_PPM:
            drift = (
                ""
                if checked.drift_symbols_per_ppm is None
                else (f", {abs(ppm) * checked.drift_symbols_per_ppm:.2g} symbols in a burst")
            )
            yield (
                f"block {node.name!r}: the clock is {ppm:g} ppm off{drift}; the receiver follows "
                f"{GREATEST_CLOCK_PPM:g} ppm"
            )


def _carrier(checked: RadioCheck, behind: list[BlockNode]) -> Iterator[str]:
    greatest = checked.greatest_cfo_hz
    if greatest is None:
        return
    for node in behind:
        cfo_hz = node.params.get("cfo_hz")
        if isinstance(cfo_hz, int | float) and abs(cfo_hz) > greatest:
            yield (
                f"block {node.name!r}: the carrier is {cfo_hz:g} Hz off; the receiver finds bursts up to "
                f"{greatest:g} Hz: a higher symbol rate"
            )
    if checked.carrier_hz and greatest < RADIOS_APART_PPM * 1e-6 * checked.carrier_hz:
        yield (
            f"the receiver finds bursts up to {greatest:g} Hz off, {1e6 * greatest / checked.carrier_hz:.2g} ppm of "
            f"{checked.carrier_hz:g} Hz, and two radios may be {RADIOS_APART_PPM:g} ppm apart: a higher symbol rate, a "
            "common reference, or measure the offset and correct the receiver's frequency"
        )
