"""What a person wants to know at the end of a run."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["summary"]


METRICS = {
    "psnr_db": ("PSNR", ".2f", " dB"),
    "ssim": ("SSIM", ".4f", ""),
    "ms_ssim": ("MS-SSIM", ".4f", ""),
    "cbr": ("CBR", ".5f", ""),
    "esn0_db": ("Es/N0", ".2f", " dB"),
}
FILES_SHOWN = 4
DIAGNOSTICS = {
    "resent": "items sent again",
    "doubles": "doubles dropped",
    "refused": "strangers refused",
    "garbage": "messages that made no sense",
}


def summary(name: str, record: dict[str, Any], codecs: str = "") -> list[str]:
    """Return what a person wants to know at the end of a run: how good, at what cost, and where to look.

    Args:
        name: Of the flowgraph.
        record: As `run --json` has it.
        codecs: Names of the source coders that the flowgraph has.
    """
    duration = record.get("duration_s")
    ended = {"ok": "done"}.get(record["status"], record["status"])
    lines = [f"{name}: {ended}" + (f" in {duration:.1f} s" if duration else "")]
    metrics = record.get("metrics") or {}
    sinks = record.get("metrics_by_sink") or {}
    for sink, means in sinks.items() if len(sinks) > 1 else [("mean over the items", metrics)]:
        if shown := _shown(means):
            lines.append(f"  {sink}: {shown}")
        if failed := means.get("failed"):
            lines.append(f"  not decoded: {100 * failed:.3g} % of the pictures; what stands for them is in these means")
            lines += _reasons(failed, means, codecs)
    lines += [f"  {line}" for line in _lost(record)]
    files = list(record.get("files") or [])
    reports = [file for file in files if file.endswith(".html")]
    lines += [f"  report: {file}" for file in reports]
    others = [file for file in files if file not in reports]
    if len(others) > FILES_SHOWN:
        folder = os.path.commonpath([os.path.abspath(file) for file in others])
        lines.append(f"  {len(others)} files: {os.path.relpath(folder) if folder.startswith(os.getcwd()) else folder}")
    else:
        lines += [f"  file: {file}" for file in others]
    return lines


def _lost(record: dict[str, Any]) -> list[str]:
    """Say what did not come through, and where."""
    lines = []
    for edge, counts in record["edges"].items():
        source, _, target = edge.partition(" -> ")
        if counts["dropped"]:
            lines.append(f"dropped {counts['dropped']} items: {edge}")
        if missing := counts.get("missing"):
            lines.append(f"{missing} items never arrived at {target} (from {source})")
        told = [f"{counts[name]} {meaning}" for name, meaning in DIAGNOSTICS.items() if counts.get(name)]
        lines += [f"{edge}: {', '.join(told)}"] if told else []
    lines += [f"no item reached '{name}'" for name in _unreached(record["edges"])]
    first: dict[str, Any] = {}
    for sender in record.get("senders") or []:
        if first.setdefault(sender["place"], sender) is not sender:
            which = f"graph {sender['graph_hash'][:8]}, seed {sender['seed']}"
            lines.append(f"place '{sender['place']}' was started again ({which}): items from {sender['from_item']} on")
    for name, count in (record.get("withheld") or {}).items():
        lines.append(f"{count} items went into block '{name}' and never came out: its work returned None for them")
    for name, frames in (record.get("frames") or {}).items():
        lines.append(f"block '{name}' found {frames['doubled']} frames twice and {frames['late']} after a later one")
    for name, counted in (record.get("counted") or {}).items():
        events = ", ".join(f"{number} {what.replace('_', ' ')}" for what, number in counted.items())
        lines.append(f"block '{name}' counted {events}")
    for name, count in (record.get("unwritten") or {}).items():
        lines.append(f"{count} items reached sink '{name}' and are in none of its tables")
    return lines


def _unreached(edges: dict[str, dict[str, int]]) -> list[str]:
    """Sinks whose edges carried nothing at all: their tables and pages are empty."""
    sources = {edge.partition(".")[0] for edge in edges}
    carried: dict[str, int] = {}
    for edge, counts in edges.items():
        target = edge.partition(" -> ")[2].partition(".")[0]
        carried[target] = carried.get(target, 0) + counts["in"] + counts["out"]
    return [name for name, count in carried.items() if not count and name not in sources]


def _reasons(failed: float, means: dict[str, Any], codecs: str) -> list[str]:
    """Say why pictures were not decoded, where the encoder told: it sent nothing, or the channel broke what it sent."""
    lines, unsent = [], means.get("unsent")
    if unsent:
        would_do = f"a CBR of some {means['least_cbr']:.2g} would do" if means["least_cbr"] else "no CBR would do"
        lines.append(
            f"    not sent: {100 * unsent:.3g} %: the budget, {means['budget_bytes']:.0f} bytes, is below the least "
            f"file of {codecs or 'the codec'}, {means['least_bytes']:.0f} bytes; {would_do}"
        )
    if unsent is not None and failed - unsent > 1e-9:
        lines.append(f"    broken by the channel: {100 * (failed - unsent):.3g} %")
    return lines


def _shown(means: dict[str, Any]) -> str:
    shown = [
        f"{label} {means[key]:{form}}{unit}"
        for key, (label, form, unit) in METRICS.items()
        if means.get(key) is not None
    ]
    if "psnr_db" in means and means["psnr_db"] is None:  # a mean that is not finite is null
        shown.insert(0, "PSNR infinite (equal pictures)")
    return ", ".join(shown)
