"""How alike a picture comes out each time that it is sent: Table 2 of the SC-SIC paper, of any flowgraph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ....errors import UsageError
from ..distances import check_distance
from ..plan import SweepOptions
from ..results import write_table
from ..sweep import Note, OnProgress
from ..systems import Compared
from ..witness import DETAIL, Witness, witness
from .figures import Measurement, cell, esn0_axis, measure

__all__ = ["lines", "measure_predictability", "predictability_columns"]


def measure_predictability(
    systems: Sequence[Compared],
    options: SweepOptions,
    *,
    esn0_db: str = "20,15,10,5,1",
    transmissions: int = 25,
    distance: str = "ms-ssim",
    weights: Path | None = None,
    note: Note = lambda text: None,
    progress: OnProgress = lambda done, wanted: None,
) -> Measurement:
    r"""Send each picture many times with all parameters fixed, and compare what is received in pairs.

    Each transmission has a seed of its own: channel and sampler draw anew. For each picture, mean and standard
    deviation of the distances of all n (n - 1) / 2 pairs; then the mean of both over the pictures. Pairs of one picture
    share their ends, so the deviation is no error of the mean. A system that blurs is predictable too: beside it always
    stand the energy of fine detail against the sent picture in dB, and PSNR, means over transmissions and pictures.

    Writes ``predictability.csv`` beside a sweep's tables, and plots.

    Args:
        systems: What is measured.
        options: How; its `draws` is one and its witness is made here.
        esn0_db: Values of Es/N0 in dB.
        transmissions: Of each picture, at least 2.
        distance: Name of one: `DistanceName`.
        weights: Of its network.
        note: Told what the user should know.
        progress: Told how far it is, in pictures.

    Raises:
        UsageError: see `check_distance` and `esn0_axis`, or fewer than 2 transmissions.
        SemcomError: see `run_sweep`.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, 2025, section 4.3.3.
    """
    if transmissions < 2:
        raise UsageError(f"--transmissions {transmissions}: expected at least 2: receptions are compared in pairs")
    seen = witness(check_distance(distance, weights), weights, transmissions=transmissions)
    options = replace(options, draws=1, target_block_errors=None, witness=seen)
    figures = (f"pair_{seen.name}", f"pair_{seen.name}_deviation", "pair_psnr_db", DETAIL, "psnr_db", seen.name)
    axis = esn0_axis(esn0_db)
    found = measure(systems, [axis], options, figures, note=note, progress=progress)
    table = options.out / "predictability.csv"
    columns = predictability_columns(seen)
    rows = ({**{name: row.get(name, "") for name in columns}, "transmissions": transmissions} for row in found.points)
    write_table(table, columns, rows)
    return replace(found, files=[table, *found.files])


def predictability_columns(seen: Witness) -> tuple[str, ...]:
    """The columns of ``predictability.csv``, in order."""
    pair = f"pair_{seen.name}"
    return (
        *("system", "esn0_db", "pictures", "transmissions", "pairs"),
        *(pair, f"{pair}_low", f"{pair}_high", f"{pair}_deviation", "pair_rmse", "pair_rmse_deviation", "pair_psnr_db"),
        *(DETAIL, "psnr_db", "ms_ssim", seen.name, "cbr"),
    )


def lines(found: Measurement) -> Iterator[str]:
    """What a terminal shows: mean ± deviation of the pairs, and beside it how sharp and how near the pictures are.

    Args:
        found: Of `measure_predictability`.
    """
    seen = found.witness
    pair = f"pair_{seen.name}"
    width = max([6, *(len(row["system"]) for row in found.points)])
    yield (
        f"{'system':<{width}}  {'Es/N0':>8}  {f'pairs: {seen.distance}':>18}  {'RMSE':>7}  {'detail':>8}  {'PSNR':>8}"
        f"  {'to the sent one':>15}"
    )
    for row in found.points:
        both = f"{cell(row[pair], '.4f')} ± {cell(row[pair + '_deviation'], '.4f')}"
        yield (
            f"{row['system']:<{width}}  {row['esn0_db'] + ' dB':>8}  {both:>18}  {cell(row['pair_rmse'], '.2f'):>7}"
            f"  {cell(row[DETAIL], '+.1f') + ' dB':>8}  {cell(row['psnr_db'], '.2f') + ' dB':>8}"
            f"  {cell(row[seen.name], '.4f'):>15}"
        )
