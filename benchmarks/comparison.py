"""Every system on the Kodak pictures at the same bandwidths and noise levels, beside what others have published.

    python benchmarks/comparison.py --data DIR [--squeezenet FILE] [--images N] [--budget MINUTES] [--systems NAME ...]

Runs the shipped flowgraphs, each picture whole, at CBR 1/96 to 1/6 and -5 to 20 dB, over AWGN and over Rayleigh fading;
the same noise for all systems. Goes on where it was stopped: rows and pictures are kept under ``--out``. With
``--budget`` it begins nothing more after so many minutes and makes the page of what is there. First comes what the plot
shows (10 dB, and CBR 1/24), systems that take the least time before others. ``--systems`` says what is measured; the
page always shows all. Writes ``docs/comparison.md``, ``.csv`` and ``docs/_static/comparison*``.

A further system is one line of `LINES`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cdm_jscc_plots import draw_sheet
from comparison_page import Asked, by_point, page
from comparison_plots import draw
from curves import pictures_of, take_pictures, write_rows
from measured_pictures import Point, System, Wanted, measure, picture_path
from semcom.models.cdm_jscc.names import SHIPPED as CDM
from semcom.models.codec_diffusion.names import SHIPPED as CODED
from semcom.models.deepjscc.names import SHIPPED as DEEPJSCC
from semcom.models.latent_denoiser.names import SHIPPED as DENOISER
from semcom.models.latent_diffusion.names import SHIPPED as DIFFUSION
from semcom.models.ntscc.names import SHIPPED as NTSCC
from semcom.models.sc_sic.names import SHIPPED as SC_SIC
from semcom.models.swinjscc.names import SHIPPED as SWINJSCC

CBRS = ("1/96", "1/48", "1/24", "1/12", "1/6")
LEVELS_DB = (-5, 0, 5, 10, 15, 20)
CHANNELS = ("awgn", "rayleigh")
COHERENCE = "channel.coherence_symbols=256"
SCALES = "encoder.scales=[1,0.5,0.25]"
SHEETS = {  # name → where; each shows three pictures
    "comparison": Point("awgn", "1/24", 10),
    "comparison-low-snr": Point("awgn", "1/24", 0),
    "comparison-low-rate": Point("awgn", "1/96", 10),
}
CORNERS = {  # upper left corner of a crop; others show their middle
    "kodim01": (150, 300),
    "kodim08": (150, 300),
    "kodim09": (60, 250),
    "kodim15": (60, 370),
    "kodim16": (100, 380),
    "kodim24": (200, 120),
}


class Line(NamedTuple):
    """A system of the comparison.

    Attributes:
        name: What tables call it.
        flowgraph: Name of a shipped one.
        vars: ``name=value``; ``{cbr}`` stands for the point's.
        sets: ``block.parameter=value``, the same.
        weights: Files that decide what comes out.
        cbrs: Where it has a working point.
        seconds: A picture's, roughly, on one core.
        coder: Of a coded link; over fading it reckons with the law of the fading.
        pictured: Its crops are shown.
    """

    name: str
    flowgraph: str
    vars: tuple[str, ...]
    sets: tuple[str, ...]
    weights: tuple[Path, ...]
    cbrs: tuple[str, ...] = CBRS[1:]
    seconds: float = 1.0
    coder: str = ""
    pictured: bool = True


HEVC = "hevc-diffusion"
RATE, CBR = ("rate={cbr}",), ("cbr={cbr}",)
LINEAR, QUANTISED = ("encoder.variant=linear",), (*RATE, "bits_per_symbol=6")
PERCEPTUAL, GAN = ("encoder.variant=perceptual",), ("encoder.variant=gan",)
D, P = CDM.path("d"), CDM.path("p")
UPON_NTSCC = CDM.path("ntscc-p"), NTSCC.path("midi")
ADAPTED, SHAPED = (*CBR, "scheme=adapted"), (*CBR, "scheme=shaped")
SENT, AGREED = (SCALES, "encoder.parameter_sets=sent"), (SCALES, "encoder.parameter_sets=agreed")
H_D, H_P = CODED.path("hevc-d"), CODED.path("hevc-p")
VVC = (*SHAPED, "files=out/comparison/files")  # vvenc takes seconds a file, and two lines send the same ones
V_P = CODED.path("vvc-p")
JPEG = ("encoder.csit=mean", *SENT)
LINES = (
    Line("DeepJSCC", "deepjscc-awgn", RATE, (), (DEEPJSCC.path("adaptive"),), seconds=0.9),
    Line("DeepJSCC perceptual", "deepjscc-awgn", RATE, PERCEPTUAL, (DEEPJSCC.path("perceptual"),), seconds=0.95),
    Line("GAN-JSCC", "deepjscc-awgn", RATE, GAN, (DEEPJSCC.path("gan"),), seconds=0.96),
    Line("DeepJSCC-Q 64-QAM", "deepjscc-q", QUANTISED, (), (DEEPJSCC.path("quantised"),), seconds=1.1, pictured=False),
    Line("linear code", "deepjscc-awgn", RATE, LINEAR, (DEEPJSCC.path("linear"),), seconds=0.5, pictured=False),
    Line("SwinJSCC mini", "swinjscc", RATE, (), (SWINJSCC.path("mini"),), CBRS),
    Line("NTSCC midi", "ntscc", CBR, (), (NTSCC.path("midi"),), seconds=0.98),
    Line("CDM-JSCC D", "cdm-jscc", CBR, (), (D,), seconds=1.0),
    Line("CDM-JSCC P", "cdm-jscc", (*CBR, "variant=p"), (), (D, P), seconds=1.05),
    Line("CDM-JSCC P on NTSCC", "cdm-jscc", (*CBR, "variant=ntscc-p"), (), UPON_NTSCC, seconds=1.1),
    Line("SC-SIC mini-48", "sc-sic-mini", (), (), (SC_SIC.path("mini-48"),), ("1/96",), 3.0),
    Line("SC-SIC mini-341", "sc-sic-mini", ("variant=mini-341",), (), (SC_SIC.path("mini-341"),), ("1/683",), 3.0),
    Line("training-free latent diffusion", "training-free-mini", (), (), (DIFFUSION.path("mini-96"),), CBRS[:1], 6.0),
    Line("latent denoiser", "latent-denoiser-mini", (), (), (DENOISER.path("mini-96"),), CBRS[:1], 2.0),
    Line("JPEG2000+LDPC adapted", "jpeg2000-ldpc", ADAPTED, JPEG, (), CBRS, 0.6, "jpeg2000"),
    Line("HEVC+LDPC adapted", "hevc-ldpc", ADAPTED, SENT, (), CBRS, 1.2, "hevc"),
    Line("HEVC+LDPC shaped", "hevc-ldpc", SHAPED, AGREED, (), CBRS, 1.3, "hevc", pictured=False),
    Line("HEVC+LDPC+diffusion D", HEVC, (*SHAPED, "variant=hevc-d"), AGREED, (H_D,), CBRS, 1.4, "hevc", pictured=False),
    Line("HEVC+LDPC+diffusion P", HEVC, (*SHAPED, "variant=hevc-p"), AGREED, (H_P,), CBRS, 1.5, "hevc"),
    Line("VVC+LDPC shaped", "vvc-ldpc", VVC, AGREED, (), CBRS, 8, "vvc"),
    Line("VVC+LDPC+diffusion P", "vvc-diffusion", (*VVC, "variant=vvc-p"), AGREED, (V_P,), CBRS, 8.2, "vvc", False),
    Line("HEVC+capacity", "hevc-capacity", CBR, (SCALES,), (), CBRS, 1.2, pictured=False),
)
SPREAD = {  # over AWGN → over Rayleigh fading, each value spread over the frame
    "deepjscc-awgn": "deepjscc-rayleigh",
    "swinjscc": "swinjscc-rayleigh",
    "ntscc": "ntscc-rayleigh",
    "cdm-jscc": "cdm-jscc-rayleigh",
    "training-free-mini": "training-free-rayleigh",
    "latent-denoiser-mini": "latent-denoiser-rayleigh",
}
REFERENCE = "HEVC+LDPC adapted"
VARIANT, DIFFUSE = "variant=", "decoders/codec_diffusion"
CLOSED = ("1/683",)  # rates that are nobody else's


def at_point(line: Line, point: Point) -> System:
    """The system of a line as it is run at a point."""
    flowgraph, vars, sets, swaps = line.flowgraph, line.vars, line.sets, ()
    if point.channel == "rayleigh":
        flowgraph = SPREAD.get(flowgraph, flowgraph)
        if line.coder:
            flowgraph, swaps = "coded-rayleigh", tuple(f"decoder={DIFFUSE}:{text}" for text in vars if VARIANT in text)
            vars = (*(text for text in vars if VARIANT not in text), f"codec={line.coder}")
        if "capacity" in line.flowgraph:
            vars = (*vars, "fading=rayleigh")
        else:
            sets = (*sets, COHERENCE)
    return System(line.name, flowgraph, vars, sets, line.weights, swaps)


def is_shown(point: Point) -> bool:
    """Whether the plot shows it: all CBRs at 10 dB, all levels at CBR 1/24."""
    return point.esn0_db == 10 or point.cbr == "1/24"


def wanted(lines: Sequence[Line], pictures: int) -> list[Wanted]:
    """All points, those of the plot first, the quick systems before the slow ones."""
    every = [
        (not is_shown(point), channel != "awgn", line.seconds, line, point)
        for line in lines
        for channel in CHANNELS
        for cbr in line.cbrs
        for level in LEVELS_DB
        for point in [Point(channel, cbr, level)]
    ]
    every.sort(key=lambda one: one[:3])
    return [
        Wanted(at_point(line, point), point, pictures, "sweep" if later or fading else "distances")
        for later, fading, _, line, point in every
    ]


def chosen(names: Sequence[str] | None) -> list[Line]:
    """The lines of these names, or all."""
    if unknown := set(names or ()) - {line.name for line in LINES}:
        sys.exit(
            f"--systems: expected some of {', '.join(line.name for line in LINES)}, got {', '.join(sorted(unknown))}"
        )
    return [line for line in LINES if names is None or line.name in names]


def draw_sheets(static: Path, table: Path, paths: Sequence[Path], labels: Sequence[str], asked: Asked) -> list[str]:
    """Crops at the points of `SHEETS`, of the systems that are there; returns the sheets' names."""
    drawn = []
    corners = {label: CORNERS.get(label, (160, 288)) for label in labels}
    for sheet, point in SHEETS.items():
        found = {line.name: asked.rows.get((line.name, point)) for line in LINES if line.pictured}
        made = {name: rows[0]["made_with"] for name, rows in found.items() if rows}
        shown = {
            name: made_with
            for name, made_with in made.items()
            if all(picture_path(table, name, made_with, label).is_file() for label in labels)
        }
        if shown:
            draw_sheet(static / f"{sheet}.webp", table, paths, corners, shown)
            drawn.append(sheet)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take_pictures(parser, "comparison")
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0: its distance in place of SWD")
    parser.add_argument("--budget", type=float, help="minutes after which nothing more is begun")
    parser.add_argument("--systems", nargs="+", metavar="NAME", help="measure these; the page shows all")
    options = parser.parse_args()
    paths = pictures_of(options.data)
    many = min(options.images or len(paths), len(paths))
    labels = [paths[int(i)].stem for i in np.linspace(0, len(paths) - 1, many).round()]
    labels = [labels[int(i)] for i in np.linspace(0, many - 1, min(3, many)).round()]
    kept = {point: labels for point in SHEETS.values()}
    given = {} if options.squeezenet is None else {"squeezenet_distance": options.squeezenet.resolve()}
    table = options.out / "rows.csv"
    budget_s = None if options.budget is None else 60 * options.budget
    every = wanted(LINES, many)
    now = every if options.systems is None else wanted(chosen(options.systems), many)
    rows = measure(now, paths, table, jobs=options.jobs, networks=given, keep=kept, budget_s=budget_s)
    if options.systems is not None:
        rows = measure(every, paths, table, jobs=1, networks=given, keep=kept, budget_s=0)
    systems = [line.name for line in LINES]
    cbrs, perceptual = (*CLOSED, *CBRS), next(iter(given), "sliced_wasserstein")
    asked = Asked(by_point(rows), systems, cbrs, LEVELS_DB, CHANNELS, many, REFERENCE, perceptual)
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    sheets = draw_sheets(static, table, paths, labels, asked)
    draw(static / "comparison.svg", asked)
    write_rows(options.docs / "comparison.csv", rows, ("target_cbr", "failed"))
    text = page(asked, {name: SHEETS[name] for name in sheets}, len(every))
    (options.docs / "comparison.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
