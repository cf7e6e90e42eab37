"""What a closed loop gains: rate or scheme by the Es/N0 that came back, against fixed ones, on the same fading channel.

    python benchmarks/link_adaptation.py

Runs the flowgraphs `link-adaptation` and `link-adaptation-hevc` as they are shipped, and with one level for all
pictures. A draw is a seed: one realisation of the fading, the same function of time for all settings. A picture that
is lost counts as a grey one. Rows stand in ``docs/link-adaptation.csv`` and are not measured again;
``docs/link-adaptation.md`` is made of them.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from rows import Rows
from semcom.blocks.sources.images import Images
from semcom.flowgraphs.experiments.statistics import Interval, mean_interval
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.sim.metrics.psnr import psnr_db

DOCS = Path(__file__).resolve().parents[1] / "docs"
MEAN_DB = 14
ROUNDS = 6  # of the five photographs
ONE_LEVEL = ("control.thresholds_db=[]", "control.margin_db=0")


def fixed(cbr: str, esn0_db: float) -> tuple[str, ...]:
    """Return the overrides for one level."""
    return (*ONE_LEVEL, f"control.cbrs=[{cbr}]", f"control.lowest_db={esn0_db}")


RATES = {rate: fixed(rate, MEAN_DB) for rate in ("1/24", "1/12", "1/6")}
SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "link-adaptation": {
        "adapted": (),
        "adapted, all at 1/12": ("control.cbrs=[1/12]",),
        **RATES,
    },
    "link-adaptation-hevc": {
        "adapted": (),
        **{f"for {esn0_db} dB": fixed("1/6", esn0_db) for esn0_db in (2, 6, 10, 14)},
    },
}
NAMES = {"link-adaptation": "DeepJSCC", "link-adaptation-hevc": "HEVC and LDPC"}
HEAD = """# What a closed loop gains

Made by `python benchmarks/link_adaptation.py`; each draw: `link-adaptation.csv`.

The flowgraphs [`link-adaptation`](waveform.md) and `link-adaptation-hevc` as they are shipped, and with one level for
all pictures: {pictures} pictures of 128 x 128 in each of {draws} draws of a fading channel (TDL-A of 30 ns,
{doppler} Hz of Doppler, a mean Es/N0 of {mean} dB, so that most of the fading is that of one Rayleigh gain), as bursts
through multipath, offsets of carrier and clock, and noise; what comes back is one picture old. The channel is the
same function of time for all settings. A lost picture counts as a grey one, and its uses are counted. The worst tenth
is that of the pictures once it is taken off that some photographs are harder than others: what the channel did.
Intervals of 95 % over the draws.

| system | setting | CBR | PSNR, dB | worst tenth, dB | lost or not decoded, % |
|---|---|---:|---:|---:|---:|
"""


def grey_db() -> list[float]:
    """Return the PSNR of each photograph against a grey one: what a lost picture counts as."""
    photos = Images(Images.Params(path="builtin:photos", size=(128, 128))).work()
    return [psnr_db(np.asarray(getattr(out, "value", out)), np.full((128, 128, 3), 128, np.uint8)) for out in photos]


def measured(flowgraph: str, sets: Sequence[str], draw: int, lost_db: Sequence[float]) -> dict[str, Any]:
    """Run one setting on one draw."""
    with tempfile.TemporaryDirectory() as folder:
        given = (*sets, f"report.out={folder}")
        graph = load_graph(
            flowgraph, Overrides.parse(vars=(f"esn0_db={MEAN_DB}", f"repeat={ROUNDS}"), sets=given, swaps=(), seed=draw)
        )
        found = run(graph, RunOptions("inline"))
        with (Path(folder) / "metrics.csv").open(newline="", encoding="utf-8") as file:
            rows = {int(row["seq"]): row for row in csv.DictReader(file)}
    pictures = ROUNDS * len(lost_db)
    psnrs_db = [float(rows[n]["psnr_db"]) if n in rows else lost_db[n % len(lost_db)] for n in range(pictures)]
    by_photo = np.reshape(psnrs_db, (ROUNDS, -1))
    level_db = (by_photo - by_photo.mean(axis=0) + by_photo.mean()).reshape(
        -1
    )  # some photographs are harder than others
    failed = sum(row.get("failed") in ("1", "1.0") for row in rows.values())
    return {
        "cbr": _spent(found.blocks["control"].counted, graph.block("control").params["cbrs"], list(rows.values())),
        "psnr_db": float(np.mean(psnrs_db)),
        "worst_tenth_db": float(np.mean(np.sort(level_db)[: pictures // 10])),
        "lost": pictures - len(rows),
        "failed": failed,
        "pictures": pictures,
    }


def _spent(counted: Mapping[str, int], cbrs: Sequence[Any], rows: Sequence[Mapping[str, str]]) -> float:
    """Return the mean CBR of all pictures that were sent: of each rate, what those of it cost that came.

    A rate of which none came costs its payload and the mean of what the others' words and pilots cost.
    """
    payload, whole = (np.array([float(row[name]) for row in rows]) for name in ("payload_uses", "channel_uses"))
    payload, whole = payload / (3 * 128 * 128), whole / (3 * 128 * 128)
    total = pictures = 0.0
    for name, count in counted.items():
        if not name.removeprefix("level_").isdigit():
            continue
        cbr = _fraction(cbrs[int(name.removeprefix("level_")) % len(cbrs)])
        mine = np.abs(payload - cbr) < 0.1 * cbr
        total += count * float(whole[mine].mean() if mine.any() else cbr + (whole - payload).mean())
        pictures += count
    return total / pictures


def _fraction(ratio: float | str) -> float:
    above, _, below = str(ratio).partition("/")
    return float(above) / float(below or 1)


def time_shared(rows: Sequence[Mapping[str, Any]], draw: int, cbr: float, column: str) -> float:
    """Return what the fixed rates give at a CBR where pictures take turns between the two rates beside it."""
    fixed_rates = sorted((row["cbr"], row[column]) for row in rows if row["setting"] in RATES and row["draw"] == draw)
    return float(np.interp(cbr, *zip(*fixed_rates, strict=True)))


def _of(rows: Sequence[Mapping[str, Any]], setting: str) -> list[Mapping[str, Any]]:
    return sorted((row for row in rows if row["setting"] == setting), key=lambda row: row["draw"])


def page(rows: Sequence[Mapping[str, Any]], draws: int) -> str:
    """Write the page."""
    text = HEAD.format(pictures=ROUNDS * 5, draws=draws, doppler=5, mean=MEAN_DB)
    verdicts = []
    for flowgraph, settings in SETTINGS.items():
        of_system = [row for row in rows if row["flowgraph"] == flowgraph]
        for setting in settings:
            found = _of(of_system, setting)
            psnr, worst, cbr = (
                mean_interval([row[name] for row in found]) for name in ("psnr_db", "worst_tenth_db", "cbr")
            )
            missed = sum(row["lost"] + row["failed"] for row in found) / sum(row["pictures"] for row in found)
            text += (
                f"| {NAMES[flowgraph]} | {setting} | {cbr.mean:.4f} | {_interval(psnr)} | {_interval(worst)} | "
                f"{100 * missed:.1f} |\n"
            )
        verdicts += _verdicts(flowgraph, of_system)
    return text + "\n## At equal CBR, draw by draw\n\n" + "".join(f"- {verdict}\n" for verdict in verdicts)


def _verdicts(flowgraph: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compare what is adapted with what is fixed, draw by draw."""
    adapted, verdicts = _of(rows, "adapted"), []
    if flowgraph == "link-adaptation":
        for column, what in (("psnr_db", "mean PSNR"), ("worst_tenth_db", "PSNR of the worst tenth")):
            gains = [row[column] - time_shared(rows, row["draw"], row["cbr"], column) for row in adapted]
            verdicts.append(
                f"DeepJSCC adapted, less fixed rates that take turns to spend the same CBR: {what} "
                f"{_signed(mean_interval(gains))} dB"
            )
            steady = zip(_of(rows, "adapted, all at 1/12"), _of(rows, "1/12"), strict=True)
            gain = mean_interval([one[column] - other[column] for one, other in steady])
            verdicts.append(
                f"DeepJSCC at 1/12 that is told Es/N0, less 1/12 that is told the mean: {what} {_signed(gain)} dB"
            )
        return [*verdicts, _spreads(adapted, _of(rows, "1/12"))]
    others = [setting for setting in SETTINGS[flowgraph] if setting != "adapted"]
    best = max(others, key=lambda setting: np.mean([row["psnr_db"] for row in _of(rows, setting)]))
    for column, what in (("psnr_db", "mean PSNR"), ("worst_tenth_db", "PSNR of the worst tenth")):
        pairs = zip(adapted, _of(rows, best), strict=True)
        gain = mean_interval([one[column] - other[column] for one, other in pairs])
        verdicts.append(f"HEVC and LDPC adapted, less the best fixed scheme ({best}): {what} {_signed(gain)} dB")
    return verdicts


def _spreads(adapted: Sequence[Mapping[str, Any]], steady: Sequence[Mapping[str, Any]]) -> str:
    """Compare how much the mean PSNR of a draw hangs on the draw."""
    one, other = (float(np.var([row["psnr_db"] for row in rows], ddof=1)) for rows in (adapted, steady))
    chance = float(scipy.stats.f.sf(other / one, len(steady) - 1, len(adapted) - 1))
    return (
        f"Standard deviation of a draw's mean PSNR: DeepJSCC adapted {one**0.5:.2f} dB, at 1/12 {other**0.5:.2f} dB "
        f"(F test: p = {chance:.1g})"
    )


def _interval(value: Interval) -> str:
    return f"{value.mean:.2f} ({value.low:.2f} to {value.high:.2f})"


def _signed(value: Interval) -> str:
    return f"{value.mean:+.2f} ({value.low:+.2f} to {value.high:+.2f})"


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=16, help="Realisations of the channel.")
    draws = parser.parse_args().draws
    rows, lost_db = Rows(DOCS / "link-adaptation.csv"), grey_db()
    for draw in range(1, draws + 1):
        for flowgraph, settings in SETTINGS.items():
            for setting, sets in settings.items():
                key = {"flowgraph": flowgraph, "setting": setting, "draw": draw}
                rows.once(key, partial(measured, flowgraph, sets, draw, lost_db))
    (DOCS / "link-adaptation.md").write_text(page(rows.all, draws), encoding="utf-8")


if __name__ == "__main__":
    main()
