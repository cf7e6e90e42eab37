"""`semcom radio`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .overrides import load, overridable

if TYPE_CHECKING:
    from ..flowgraphs.radio_check.measured import RadioCheck

__all__ = ["radio"]


@click.group()
def radio() -> None:
    """Look at what a flowgraph would send over a radio."""


@radio.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
@overridable
def check(file: str, *, as_json: bool, **given: Any) -> None:
    """Run the transmitter of FILE on one picture, open no radio, and say what would be sent and what would be lost."""
    import msgspec

    from ..flowgraphs.radio_check.check import check_radio

    found = check_radio(load(file, notes=not as_json, **given).graph)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return
    for name, value in _rows(found):
        click.echo(f"{name:<24}{value}" if value else f"\n{name}" if name else "")
    for text in found.warnings:
        click.echo(f"warning: {text}")
    if not found.warnings:
        click.echo("nothing to mend")


def _rows(found: RadioCheck) -> list[tuple[str, str]]:
    rows = [
        (f"{found.flowgraph}: {found.waveform}", ""),
        ("taken by", found.device or "a simulated channel"),
        ("sample rate", _hz(found.sample_rate_hz).replace("Hz", "S/s")),
        ("bandwidth, 99 %", _hz(found.occupied_hz)),
        ("bandwidth, by formula", _hz(found.band_hz)),
        ("burst", _burst(found)),
        ("duty cycle", f"{found.duty_cycle:.1%}"),
        ("waveform efficiency", _form(found.waveform_efficiency, ".3f")),
        ("CBR", _cbr(found)),
        ("level", ""),
        ("PAPR", _form(found.papr_db, ".1f", " dB")),
        ("clipping", _clipping(found)),
        (f"expected at {found.esn0_db:g} dB", ""),
        ("pilots and header", _form(found.overhead_db, ".2f", " dB of the energy of a burst")),
        ("receiver", _form(found.receiver_loss_db, ".2f", " dB of Es/N0")),
        ("clipping", _form(found.clipping_loss_db, ".2f", " dB of Es/N0")),
        ("left for the decoder", _form(found.decoder_esn0_db, ".1f", " dB")),
        ("limits", ""),
        ("carrier offset", _offset(found)),
        (
            "clock",
            _form(found.drift_symbols_per_ppm, ".2g", " symbols a burst for each ppm; up to 40 ppm are followed"),
        ),
        ("coherence time", _form(found.coherence_s and 1e3 * found.coherence_s, ".3g", " ms")),
        ("", ""),
    ]
    return [(name, value) for name, value in rows if value != "-"]


def _burst(found: RadioCheck) -> str:
    symbols = "" if found.burst_symbols is None else f", {found.burst_symbols:.0f} symbols"
    return f"{1e3 * found.burst_s:.3g} ms{symbols}, {found.burst_samples} samples"


def _cbr(found: RadioCheck) -> str:
    parts = f"{found.payload_uses} payload + {found.header_uses or 0} header + {found.pilot_uses or 0} pilots"
    return "-" if found.cbr is None else f"{found.cbr:.4f} ({parts})"


def _clipping(found: RadioCheck) -> str:
    free = f"none up to a scale_db of {found.clip_free_scale_db:.1f}"
    if not found.device:
        return free
    return f"{found.clipped:.2%} of the samples at scale_db {found.scale_db:g}; {free}"


def _offset(found: RadioCheck) -> str:
    if found.greatest_cfo_hz is None:
        return "-"
    said = f"found up to {_hz(found.greatest_cfo_hz)}"
    if not found.carrier_hz:
        return said
    return f"{said}, {1e6 * found.greatest_cfo_hz / found.carrier_hz:.2g} ppm of {_hz(found.carrier_hz)}"


def _hz(value: float | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("GHz", 1e9), ("MHz", 1e6), ("kHz", 1e3)):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g} Hz"


def _form(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"
