"""The report as one HTML page that loads nothing: pictures, drawings, style and script are inside."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from ...sim.bandwidth import ROBUST_BITS_PER_USE
from .._measuring.rows import Row
from ..block import RunContext
from .charts import MOST_BARS, decibels, psnr_bars, psnr_curve
from .constellation import Constellation
from .facts import facts
from .receiver import Receiver
from .style import SCRIPT, STYLE
from .summary import Spread, Summary, read_settings
from .thumbnails import JPEG_QUALITY, Thumbnail

__all__ = ["Page", "Shown", "render"]

_DASH = "\u2013"


class Shown(NamedTuple):
    """One picture of the page: its file's name, its measurements, and what is shown of it."""

    file: str
    row: Row
    received: Thumbnail
    sent: Thumbnail | None = None
    difference: Thumbnail | None = None


@dataclass
class Page:
    """What a page is made of, gathered while the run goes on.

    Attributes:
        difference_gain: Amplification of the differences shown.
        summary: Of all items.
        constellation: Of all symbols.
        receiver: What a receiver saw of all bursts.
        shown: The first pictures.
        rows: The first rows, for the bars.
        before: Who had the first items, if they are not here: "This receiver was started again."
    """

    difference_gain: float
    summary: Summary = field(default_factory=Summary)
    constellation: Constellation = field(default_factory=Constellation)
    receiver: Receiver = field(default_factory=Receiver)
    shown: list[Shown] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    before: str = ""


def render(page: Page, run: RunContext) -> str:
    """Write the page.

    Args:
        page: What was measured.
        run: What is known of the run.
    """
    doc, esn0s_db, csits = read_settings(run.resolved_yaml)
    name = run.name or "flowgraph"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    sections = (
        _pictures(page)
        + _psnr(page)
        + _channel(page, esn0s_db, csits)
        + _constellations(page)
        + page.receiver.section()
        + _flowgraph(page, run)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<title>{escape(name)} {_DASH} semcom report</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>{_head(page, run, name, doc, esn0s_db)}</header>\n<main>{sections}</main>\n"
        f"<footer>{_foot(run)}</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _head(page: Page, run: RunContext, name: str, doc: str, esn0s_db: dict[str, object]) -> str:
    summary = page.summary
    items = f"{summary.rows:,} picture{'' if summary.rows == 1 else 's'}"
    warning = ""
    if not run.complete:
        warning = (
            '<p class="warning" role="status"><b>This run ended early.</b> '
            f"It holds what was finished before the end: {items}.</p>"
        )
    if page.before:
        warning += (
            f'<p class="warning" role="status"><b>{escape(page.before)}</b> '
            f"Shown are the {items} since then; <code>metrics.csv</code> has the rows of before as well.</p>"
        )
    failed = summary.spread("failed")
    if failed.total:
        warning += (
            f'<p class="warning" role="status"><b>Not decoded: {failed.total:.0f} of {failed.count:,} pictures.</b> '
            f"{summary.unsent}What the decoder gives in their place is in the means below.</p>"
        )
    return (
        f'<p class="over">semcom report</p><h1>{escape(name)}</h1>'
        + (f'<p class="doc">{escape(doc)}</p>' if doc else "")
        + f'{warning}<dl class="tiles">{"".join(_tiles(summary, items, esn0s_db))}</dl>'
    )


def _tiles(summary: Summary, items: str, esn0s_db: dict[str, object]) -> list[str]:
    tiles = []
    psnr, cbr, latency = (summary.spread(column) for column in ("psnr_db", "cbr", "latency_s"))
    if psnr.count:
        ends = f"{decibels(psnr.low)} to {decibels(psnr.high)} over {items}" if psnr.count > 1 else f"over {items}"
        tiles.append(_tile("PSNR, mean", decibels(psnr.mean), ends, "dB"))
    for column, title in (("ssim", "SSIM, mean"), ("ms_ssim", "MS-SSIM, mean")):
        spread = summary.spread(column)
        if spread.count:
            ends = f"{spread.low:.4f} to {spread.high:.4f}" if spread.count > 1 else ""
            if spread.count < summary.rows:
                ends += f" over the {spread.count:,} large enough"
            tiles.append(_tile(title, f"{spread.mean:.4f}", ends))
    if cbr.count:
        tiles.append(_tile("CBR" if cbr.constant else "CBR, mean", f"{cbr.mean:.4f}", _fraction(summary)))
    if summary.esn0 is not None:
        label = ", ".join(_value(value) for value in esn0s_db.values())
        more = f"label {label} dB" if label else "from the channel's energies"
        more += ", the mean over the fading" if label and summary.fading else ""
        tiles.append(_tile("Es/N0, measured", decibels(summary.esn0.esn0_db), more, "dB"))
    if latency.count:
        value, unit = (f"{latency.mean * 1e3:.0f}", "ms") if latency.mean < 10 else (f"{latency.mean:.1f}", "s")
        tiles.append(_tile("Latency, mean", value, f"longest {_seconds(latency.high)}", unit))
    if not tiles:
        tiles.append(_tile("Received", f"{summary.rows:,}", "pictures"))
    return tiles


def _tile(title: str, value: str, more: str, unit: str = "") -> str:
    unit = f" <small>{unit}</small>" if unit else ""
    return f'<div><dt>{title}</dt><dd class="value">{value}{unit}</dd><dd class="more">{more}</dd></div>'


def _pictures(page: Page) -> str:
    if not page.summary.rows:
        return "<section><h2>Pictures</h2><p>No picture arrived.</p></section>"
    if not page.shown:
        return ""
    many = page.summary.rows > len(page.shown)
    which = f"The first {len(page.shown)} of {page.summary.rows:,}. " if many else ""
    compared = any(shown.difference for shown in page.shown)
    gain = f"Differences are absolute and amplified {page.difference_gain:g} times. " if compared else ""
    exact = f"Shown here as JPEG at quality {JPEG_QUALITY}, large ones scaled down; the exact ones are the PNG files."
    cards = "".join(_picture(page, shown) for shown in page.shown)
    note = f'<p class="note">{which}{gain}{exact}</p>'
    return f'<section><h2>Pictures</h2>{note}<div class="pictures">{cards}</div></section>'


def _picture(page: Page, shown: Shown) -> str:
    row = shown.row
    label = escape(row.label or f"item {row.seq}")
    figures = [f"<b>{decibels(row.psnr_db)}</b> dB"] if row.psnr_db is not None else []
    figures += [f"SSIM {row.ssim:.4f}"] if row.ssim is not None else []
    figures += [f"MS-SSIM {row.ms_ssim:.4f}"] if row.ms_ssim is not None else []
    figures.append(f"<code>{escape(shown.file)}</code>")
    views = [(shown.sent, "sent", "Sent"), (shown.received, "received", "Received")]
    views.append(
        (
            shown.difference,
            f"difference, amplified {page.difference_gain:g} times",
            f"Difference × {page.difference_gain:g}",
        )
    )
    drawn = "".join(_figure(view, f"{label}, {alt}", caption) for view, alt, caption in views if view is not None)
    lone = "" if shown.sent else " lone"
    return (
        f'<article class="card picture"><div class="top"><h3>{label}</h3>'
        f'<p class="figures">{" · ".join(figures)}</p></div><div class="row{lone}">{drawn}</div></article>'
    )


def _figure(view: Thumbnail, alt: str, caption: str) -> str:
    tiny = ' class="tiny"' if max(view.width, view.height) < 128 else ""
    return (
        f'<figure><img{tiny} src="{view.uri}" width="{view.width}" height="{view.height}" alt="{alt}" decoding="async">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _psnr(page: Page) -> str:
    psnr = page.summary.spread("psnr_db")
    if not psnr.count:
        return ""
    if psnr.count <= MOST_BARS:
        rows = [row for row in page.rows if row.psnr_db is not None]
        labels = [row.label or f"item {row.seq}" for row in rows]
        chart = psnr_bars(labels, [row.psnr_db for row in rows if row.psnr_db is not None], psnr.mean)
        how = f"The mark is the mean, {decibels(psnr.mean)} dB."
    else:
        chart = psnr_curve(page.summary.psnrs_db)
        how = f"In the order of arrival; the mean is {decibels(psnr.mean)} dB."
    return (
        '<section><h2>PSNR per picture</h2><p class="note">Peak 255, over R, G and B together. '
        f'{how} Every figure is in <code>metrics.csv</code>.</p><div class="card">{chart}</div></section>'
    )


def _channel(page: Page, esn0s_db: dict[str, object], csits: dict[str, object]) -> str:
    summary = page.summary
    if not summary.rows:
        return ""
    noise = _noise_facts(summary, esn0s_db, csits)
    bandwidth = _bandwidth_facts(summary)
    return (
        '<section><h2>What crossed the channel</h2><p class="note">SNR is Es/N0 per complex symbol: Es = 1, noise of '
        "variance N0, N0/2 per real dimension. CBR is complex channel uses over source values, side information "
        f'included.</p><div class="halves">{facts("Noise", noise)}{facts("Bandwidth", bandwidth)}</div></section>'
    )


def _noise_facts(summary: Summary, esn0s_db: dict[str, object], csits: dict[str, object]) -> list[tuple[str, str]]:
    label = ", ".join(f"{_value(value)} dB <small>of block {escape(name)}</small>" for name, value in esn0s_db.items())
    facts = [("Es/N0, label", label or "none: no channel block states one")]
    if summary.esn0 is None:
        facts.append(("Es/N0, measured", "not measured: no channel block reported energies"))
    else:
        value, low, high, symbols = summary.esn0
        basis = (
            f"over {symbols:,} symbols of a fading channel: the mean over the gains that occurred"
            if summary.fading
            else f"99 % interval {low:.2f} to {high:.2f} dB, {symbols:,} symbols"
        )
        facts.append(("Es/N0, measured", f"{value:.2f} dB<small>{basis}</small>"))
    if summary.told_esn0_db.count:
        told = summary.told_esn0_db
        ends = f"{told.low:.2f}" if told.constant else f"{told.low:.2f} to {told.high:.2f}"
        facts.append(("Es/N0, known to the receiver", f"{ends} dB"))
    facts.append(
        (
            "Eb/N0",
            "Es/N0 &minus; 10 log<sub>10</sub>(information bits per symbol)"
            "<small>where symbols carry bits; those of real values have none</small>",
        )
    )
    facts.append(("Channel state at the receiver (CSI)", ", ".join(sorted(summary.csi)) or "none stated"))
    known = ", ".join(f"{escape(str(value))} <small>of block {escape(name)}</small>" for name, value in csits.items())
    facts.append(("Channel state at the transmitter (CSIT)", known or "none: no block assumes any"))
    return facts


def _bandwidth_facts(summary: Summary) -> list[tuple[str, str]]:
    cbr = summary.spread("cbr")
    bits = summary.spread("side_information_bits")
    fields = "".join(
        f"<small>{escape(name)}: {f'{_count(spread)} bits' if spread.high else 'not sent'}</small>"
        for name, spread in summary.field_bits.items()
    )
    side = ("Side information", f"{_count(bits)} bits a picture{fields}")
    if not cbr.count:
        return [("CBR", "not measured<small>connect channel_input, the symbols before the channel</small>"), side]
    names = ("channel_uses", "payload_uses", "side_information_uses", "source_values", "pilot_uses")
    uses, payload, charged, values, pilots = (_count(summary.spread(name)) for name in names)
    also = f" + {pilots} pilots" if summary.spread("pilot_uses").total else ""
    per = "a picture" if summary.spread("channel_uses").constant else "a picture, in the mean"
    facts = [
        ("CBR", f"{cbr.mean:.5f}" + ("" if cbr.constant else f"<small>{cbr.low:.5f} to {cbr.high:.5f}</small>")),
        (
            "Channel uses (numerator)",
            f"{uses} {per}<small>{payload} payload + {charged} side information{also}</small>",
        ),
        ("Source values (denominator)", f"{values}<small>3 × height × width</small>"),
        (side[0], f"{side[1]}<small>{_charge(summary)}</small>"),
    ]
    if summary.waveform_efficiency.low < 1:
        how = "<small>cyclic prefix, preamble, fill, roll-off; not in the CBR</small>"
        facts.append(("Waveform efficiency", f"{summary.waveform_efficiency.mean:.2f}{how}"))
    facts += _coded_facts(summary)
    if (plain := summary.rate_map_plain_bits).count:
        facts.append(("Rate map without its coder", f"{_count(plain)} bits<small>4 a patch, as published</small>"))
    if (at_capacity := summary.spread("cbr_at_capacity")).count:
        how = "<small>side information charged at capacity: a lower bound, as papers count</small>"
        facts.append(("CBR at capacity", f"{at_capacity.mean:.5f}{how}"))
    return facts


def _charge(summary: Summary) -> str:
    """How side information is charged: at a rate, or as a waveform sent it."""
    if summary.header_sent:
        return "charged as it was sent, with numbers, lengths and check sums"
    return f"charged at {ROBUST_BITS_PER_USE:g} bit a channel use"


def _coded_facts(summary: Summary) -> list[tuple[str, str]]:
    """What a coded link adds: its pictures' files, and how many of them were lost."""
    facts = []
    if summary.spread("file_bytes").count:
        container = _count(summary.spread("container_bytes"))
        facts.append(
            (
                "Coded picture",
                f"{_count(summary.spread('file_bytes'))} bytes<small>{container} of the container</small>",
            )
        )
    if (failed := summary.spread("failed")).count:
        facts.append(("Pictures that could not be decoded", f"{failed.total:.0f} of {failed.count}"))
    if (papr := summary.spread("papr_db")).count:
        facts.append(("PAPR", f"{papr.mean:.2f} dB<small>mean over pictures; the greatest {papr.high:.2f} dB</small>"))
    return facts


def _constellations(page: Page) -> str:
    counts = page.constellation.counts
    cards = []
    for port, title in (("channel_input", "Before the channel"), ("channel_output", "After the channel")):
        if port not in counts:
            continue
        outside = page.constellation.outside(port)
        rest = f", {outside:,} of them beyond the drawing" if outside else ""
        cards.append(
            f'<figure class="card"><h3>{title}</h3>{page.constellation.svg(port, f"Constellation, {title.lower()}")}'
            f"<figcaption>{counts[port]:,} symbols{rest}.</figcaption></figure>"
        )
    if not cards:
        return ""
    return (
        '<section><h2>Constellation</h2><p class="note">Density of the symbols, in phase to the right, in quadrature '
        f'upwards. The dashed circle has unit energy.</p><div class="halves">{"".join(cards)}</div></section>'
    )


def _flowgraph(page: Page, run: RunContext) -> str:
    graph = ""
    if run.graph_svg:
        width = re.search(r'\bwidth="(\d+)', run.graph_svg)
        readable = f' style="min-width:{0.65 * int(width[1]):.0f}px"' if width else ""  # below it, the box scrolls
        uri = base64.b64encode(run.graph_svg.encode()).decode()
        graph = (
            '<div class="graph scroll" tabindex="0" role="region" aria-label="Drawing of the flowgraph">'
            f'<img{readable} src="data:image/svg+xml;base64,{uri}" '
            'alt="The blocks of the flowgraph and their connections"></div>'
        )
    text = (
        f'<details open><summary>Resolved YAML</summary><pre tabindex="0">{escape(run.resolved_yaml)}</pre></details>'
        if run.resolved_yaml
        else ""
    )
    if not graph and not text:
        return ""
    return (
        '<section><h2>Flowgraph</h2><p class="note">As it ran, overrides and defaults included.</p>'
        f'<div class="card">{graph}{text}</div></section>'
    )


def _foot(run: RunContext) -> str:
    versions = " · ".join(f"{escape(name)} {escape(version)}" for name, version in run.versions.items())
    return f"Seed {run.seed}" + (f" · {versions}" if versions else "")


def _fraction(summary: Summary) -> str:
    uses, values = summary.spread("channel_uses"), summary.spread("source_values")
    if uses.constant and values.constant:
        return f"{int(uses.mean):,} channel uses / {int(values.mean):,} source values"
    return f"in all {int(uses.total):,} channel uses / {int(values.total):,} source values"


def _count(spread: Spread) -> str:
    if not spread.count:
        return "0"
    return f"{int(spread.mean):,}" if spread.constant else f"{spread.mean:,.1f}"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else escape(str(value))


def _seconds(value: float) -> str:
    return f"{value * 1e3:.0f} ms" if value < 10 else f"{value:.1f} s"
