"""What a flowgraph would send over a radio, measured on one picture before anything is sent."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...sim.level import drive
from ...sim.metrics.occupied_band import occupied_band
from ...sim.metrics.papr import papr_db
from ..runtime.graph import BlockNode, Graph
from .advice import advice
from .facts import WaveformFacts, waveform_facts
from .measured import RadioCheck
from .reception import Reception, receive, receiver_of
from .transmission import Transmission, downstream, transmit

__all__ = ["check_radio"]

DEFAULT_ESN0_DB = 20.0


def check_radio(graph: Graph) -> RadioCheck:
    """Run the transmitter of a flowgraph on one picture, and measure.

    Raises:
        UsageError: it has no waveform, or more than one.
        SemcomError: a block of the transmitter fails.
    """
    found = transmit(graph)
    facts = waveform_facts(found.waveform)
    behind = list(downstream(graph, found.waveform.name))
    sent = found.sent
    scale_db, limit = _level(found.device)
    peak = float(np.max(np.abs(sent.burst.view(np.float32))))
    symbols = None if facts is None else found.made.length / facts.symbol_samples
    doppler_hz = max((float(node.params.get("doppler_hz") or 0) for node in behind), default=0.0)
    measured = RadioCheck(
        flowgraph=graph.name,
        block=found.waveform.name,
        waveform=found.waveform.use,
        device=found.device.use if found.device else "",
        sample_rate_hz=sent.rate_hz,
        occupied_hz=occupied_band(sent.burst) * sent.rate_hz,
        burst_s=sent.length / sent.rate_hz,
        burst_samples=sent.length,
        burst_symbols=symbols,
        duty_cycle=sent.length / sent.samples.size,
        papr_db=papr_db(sent.burst),
        scale_db=scale_db,
        peak_db=_db(peak / limit) + scale_db if math.isfinite(limit) else None,
        clipped=drive(sent.burst, scale_db, -_db(limit)).clipped / sent.length if math.isfinite(limit) else 0.0,
        clip_free_scale_db=-_db(peak),
        carrier_hz=(found.device.params.get("frequency_hz") if found.device else None),
        greatest_cfo_hz=None if facts is None else facts.greatest_offset * found.made.rate_hz,
        coherence_s=0.423 / doppler_hz if doppler_hz else None,
        drift_symbols_per_ppm=None if symbols is None else symbols * 1e-6,
        **_uses(found),
        **_losses(graph, found, facts, behind, scale_db, limit),
    )
    return msgspec.structs.replace(measured, warnings=tuple(advice(measured, graph, found, behind)))


def _level(device: BlockNode | None) -> tuple[float, float]:
    """Gain before the converter in dB, and what I and Q are clipped to; no limit where nothing clips."""
    if device is None:
        return 0.0, math.inf
    given = device.params
    headroom_db = given.get("headroom_db")
    limit = math.inf if headroom_db is None else 10 ** (-float(headroom_db) / 20)
    if given.get("datatype", "cf32_le") != "cf32_le":
        limit = float(given["full_scale"])
    return float(given.get("scale_db") or 0.0), limit


def _uses(found: Transmission) -> dict[str, Any]:
    payload, trace = found.payload.size, found.trace
    pilots, words = (int(trace[name]) if name in trace else None for name in ("pilot_uses", "header_uses"))
    uses = payload + (pilots or 0) + (words or 0)
    efficiency = trace.get("waveform_efficiency")
    duration_s = found.made.samples.size / found.made.rate_hz
    return {
        "payload_uses": payload,
        "pilot_uses": pilots,
        "header_uses": words,
        "cbr": uses / found.source_values if found.source_values else None,
        "waveform_efficiency": efficiency,
        "band_hz": uses / (efficiency * duration_s) if efficiency else None,
        "overhead_db": _db(math.sqrt(uses / payload)) if payload else None,
    }


def _losses(
    graph: Graph,
    found: Transmission,
    facts: WaveformFacts | None,
    behind: list[BlockNode],
    scale_db: float,
    limit: float,
) -> dict[str, Any]:
    """Send the burst through white noise to the receiver, as it is and as the device clips it."""
    given = [node.params["esn0_db"] for node in behind if "esn0_db" in node.params]
    level = next((value for value in [*given, graph.vars.get("esn0_db")] if value is not None), DEFAULT_ESN0_DB)
    esn0_db = float(level)
    names = ("clipping_loss_db", "receiver_loss_db", "decoder_esn0_db", "found")
    if facts is None or receiver_of(found.waveform, behind) is None:
        return {"esn0_db": esn0_db, **dict.fromkeys(names)}
    noise = facts.noise_samples * 10 ** (-esn0_db / 10)

    def received(burst: NDArray[np.complex64]) -> Reception:
        receiver = receiver_of(found.waveform, behind)
        assert receiver is not None
        return receive(receiver, found.made, burst, found.payload, noise)

    burst = found.made.burst
    whole = received(burst)
    gain = np.float32(10 ** (-scale_db / 20))
    clipped = drive(burst, scale_db, -_db(limit) if math.isfinite(limit) else None)
    driven = whole if not clipped.clipped else received(clipped.samples * gain)
    if whole.esn0_db is None or driven.esn0_db is None:
        return {"esn0_db": esn0_db, **dict.fromkeys(names), "found": driven.found}
    return {
        "esn0_db": esn0_db,
        "receiver_loss_db": esn0_db - whole.esn0_db,
        "clipping_loss_db": whole.esn0_db - driven.esn0_db,
        "decoder_esn0_db": driven.esn0_db,
        "found": driven.found,
    }


def _db(amplitude: float) -> float:
    """An amplitude in dB."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
