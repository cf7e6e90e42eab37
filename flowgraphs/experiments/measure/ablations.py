"""Two ablations as sweeps over Es/N0: with and without fine-tuning, and the size of the embedding (Fig. 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ....errors import UsageError
from ...runtime.language.overrides import parse_assignment
from ..distances import check_distance
from ..plan import SweepOptions
from ..sweep import Note, OnProgress
from ..systems import Compared, parse_systems
from ..witness import DETAIL, witness
from .figures import Measurement, cell, esn0_axis, measure, number_axis

__all__ = ["WITH", "WITHOUT", "finetuned_and_not", "lines", "measure_embedding_size", "measure_finetuning"]

WITH, WITHOUT = "with fine-tuning", "without fine-tuning"


def finetuned_and_not(
    flowgraph: str,
    with_it: Sequence[str],
    without: Sequence[str],
    *,
    vars: Sequence[str] = (),
    sets: Sequence[str] = (),
    swaps: Sequence[str] = (),
    seed: int | None = None,
) -> list[Compared]:
    """Make two systems of a flowgraph that differ in their weights alone; the one without comes first.

    Args:
        flowgraph: A path, or the name of a shipped one.
        with_it: Files of weights, for ``decoder.weights``, or ``BLOCK.PARAM=VALUE``; the flowgraph's own if none.
        without: The same, of the network before its fine-tuning.
        vars: ``name=value`` for both; so are ``sets`` and ``swaps``.
        sets: ``block.parameter=value``.
        swaps: ``block=use``.
        seed: Of both.

    Raises:
        UsageError: nothing says what the network without fine-tuning is, or a file is not there.
        FlowgraphError: an assignment is none.
    """
    if not without:
        raise UsageError("--without: expected the weights before the fine-tuning: a file, or BLOCK.PARAM=VALUE")
    own = [f"{WITH}:{text}" for given in with_it for text in [_assigned("--with", given)]]
    own += [f"{WITHOUT}:{text}" for given in without for text in [_assigned("--without", given)]]
    if {text.partition(":")[2] for text in own if text.startswith(f"{WITH}:")} == {
        text.partition(":")[2] for text in own if text.startswith(f"{WITHOUT}:")
    }:
        raise UsageError("--with, --without: both give the same; name two sets of weights")
    files = [f"{WITHOUT}={flowgraph}", f"{WITH}={flowgraph}"]
    return parse_systems(files, vars=vars, sets=[*sets, *own], swaps=swaps, seed=seed)


def measure_finetuning(
    systems: Sequence[Compared],
    options: SweepOptions,
    *,
    esn0_db: str = "1,5,10,15,20",
    distance: str = "ms-ssim",
    weights: Path | None = None,
    note: Note = lambda text: None,
    progress: OnProgress = lambda done, wanted: None,
) -> Measurement:
    """Measure PSNR, MS-SSIM, a distance and fine detail of a network with and without fine-tuning, over Es/N0.

    Args:
        systems: Of `finetuned_and_not`.
        options: How; the witness is made here.
        esn0_db: Values of Es/N0 in dB.
        distance: Name of one: `DistanceName`.
        weights: Of its network.
        note: Told what the user should know.
        progress: Told how far it is.

    Raises:
        SemcomError: see `check_distance`, `esn0_axis` and `run_sweep`.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, 2025, Fig. 8a.
    """
    seen = witness(check_distance(distance, weights), weights)
    options = replace(options, witness=seen)
    figures = _figures(seen.name)
    return measure(systems, [esn0_axis(esn0_db)], options, figures, note=note, progress=progress)


def measure_embedding_size(
    systems: Sequence[Compared],
    options: SweepOptions,
    *,
    downscale: str = "0.5,0.75,1",
    parameter: str = "encoder.downscale",
    esn0_db: str = "1,5,10,15,20",
    distance: str = "ms-ssim",
    weights: Path | None = None,
    note: Note = lambda text: None,
    progress: OnProgress = lambda done, wanted: None,
) -> Measurement:
    """Measure quality and CBR against the downscale in front of the encoder, which sets the embedding's size.

    Args:
        systems: What is measured.
        options: How; the witness is made here.
        downscale: Values of the downscale.
        parameter: Which parameter they are given to: ``block.parameter``, or a variable.
        esn0_db: Values of Es/N0 in dB.
        distance: Name of one: `DistanceName`.
        weights: Of its network.
        note: Told what the user should know.
        progress: Told how far it is.

    Raises:
        SemcomError: see `check_distance`, `number_axis` and `run_sweep`.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, 2025, Fig. 8b.
    """
    seen = witness(check_distance(distance, weights), weights)
    axes = [number_axis(parameter, downscale, "--downscale"), esn0_axis(esn0_db)]
    options = replace(options, witness=seen)
    figures = (*_figures(seen.name), "cbr")
    return measure(systems, axes, options, figures, by=parameter, note=note, progress=progress)


def lines(found: Measurement) -> Iterator[str]:
    """What a terminal shows: a line for each point."""
    if not found.points:
        return
    columns = list(found.points[0])
    axes = columns[2 : columns.index("items")]
    names = ("system", *(axis.rpartition(".")[2] for axis in axes))
    widths = [
        max(len(name), *(len(row[column]) for row in found.points))
        for name, column in zip(names, ("system", *axes), strict=True)
    ]
    distance = str(found.witness.distance)
    wide = max(9, len(distance))
    head = "  ".join(f"{name:<{width}}" for name, width in zip(names, widths, strict=True))
    yield f"{head}  {'PSNR':>8}  {'MS-SSIM':>8}  {distance:>{wide}}  {'detail':>8}  {'CBR':>8}"
    for row in found.points:
        where = "  ".join(f"{row[column]:<{width}}" for column, width in zip(("system", *axes), widths, strict=True))
        yield (
            f"{where}  {cell(row['psnr_db'], '.2f') + ' dB':>8}  {cell(row['ms_ssim'], '.4f'):>8}"
            f"  {cell(row[found.witness.name], '.4f'):>{wide}}  {cell(row[DETAIL], '+.1f') + ' dB':>8}"
            f"  {cell(row['cbr'], '.5f'):>8}"
        )


def _figures(distance: str) -> tuple[str, ...]:
    """PSNR, MS-SSIM, the distance where it is another, and fine detail."""
    named: Mapping[str, None] = dict.fromkeys(("psnr_db", "ms_ssim", "ssim", distance, DETAIL))
    return tuple(name for name in named if name not in ("ms_ssim_distance", "ssim_distance"))


def _assigned(option: str, given: str) -> str:
    """``BLOCK.PARAM=VALUE`` as it is; a file as the decoder's weights."""
    name = given.partition("=")[0]
    if "=" in given and "/" not in name:
        parse_assignment(given, "--set")
        return given
    if not Path(given).exists():
        raise UsageError(f"{option} {given}: no such file; give weights, or BLOCK.PARAM=VALUE: decoder.variant=NAME")
    return f'decoder.weights="{Path(given).resolve()}"'
