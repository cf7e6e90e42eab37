"""CDM-JSCC on the Kodak pictures, by PSNR and by distances closer to the eye, beside DeepJSCC and the classical links.

    python benchmarks/cdm_jscc_kodak.py --data DIR [--squeezenet FILE]

Runs the shipped flowgraphs, each picture whole, the same noise for all systems: AWGN of Es/N0 10 dB at CBR 1/48, 1/24
and 1/12, and from -10 to 20 dB with and without Rayleigh block fading at CBR 1/24. Goes on where it was stopped: rows
and pictures are kept under ``--out``. Writes ``docs/cdm-jscc-kodak.md``, ``.csv`` and ``docs/_static/cdm-jscc-*``.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cdm_jscc_page import CBRS, CHANNELS, LEVELS_DB, PERCEPTUAL, REFERENCE, ROBUST_PICTURES, page, write_table
from cdm_jscc_plots import draw_quality, draw_rates, draw_robustness, draw_sheet
from measured_pictures import Point, System, Wanted, measure
from semcom.models.cdm_jscc.engine import load
from semcom.models.cdm_jscc.names import SHIPPED as CDM_SHIPPED
from semcom.models.deepjscc.names import SHIPPED
from semcom.sim.images import read_image

DOCS = Path(__file__).resolve().parents[1] / "docs"
STEPS = (1, 4, 17)
BARE = "CDM-JSCC without diffusion"
SHOWN = ("HEVC+LDPC adapted", REFERENCE, PERCEPTUAL, BARE, "CDM-JSCC D 1 step", "CDM-JSCC P 4 steps")
SHEET = {"kodim13": (280, 200), "kodim15": (60, 370), "kodim21": (150, 170)}  # upper left corner of a crop


def cdm(name: str, weights: Path, steps: int, guidance: int = 1) -> System:
    """A receiver of CDM-JSCC; the transmitter has the same file of weights."""
    sets = (
        "encoder.cbr={cbr}",
        f"encoder.weights={weights}",
        f"decoder.weights={weights}",
        f"decoder.steps={steps}",
        f"decoder.guidance={guidance}",
    )
    return System(name, "cdm-jscc", sets=sets, weights=(weights,))


def systems(folder: Path) -> list[System]:
    """Who is compared, as far as there are weights."""
    learned = [System(REFERENCE, "deepjscc-awgn", ("rate={cbr}",), weights=(SHIPPED.path("adaptive"),))]
    perceptual = SHIPPED.path("adaptive").with_name("perceptual.safetensors")
    if perceptual.is_file():
        sets = (f"encoder.weights={perceptual}", f"decoder.weights={perceptual}")
        learned.append(System(PERCEPTUAL, "deepjscc-awgn", ("rate={cbr}",), sets, (perceptual,)))
    d, p, regression = (folder / f"{name}.safetensors" for name in ("d", "p", "regression"))
    if d.is_file():
        learned.append(cdm(BARE, d, 1, guidance=0))
    if regression.is_file():
        learned.append(cdm("CDM-JSCC regression", regression, 1))
    for variant, path in (("D", d), ("P", p)):
        if path.is_file():
            learned += [cdm(f"CDM-JSCC {variant} {n} step{'s' * (n > 1)}", path, n) for n in STEPS]
        else:
            print(f"{path}: no such file; variant {variant} is left out", file=sys.stderr)
    return [
        *learned,
        System("HEVC+LDPC adapted", "hevc-ldpc", ("cbr={cbr}", "scheme=adapted")),
        System("HEVC+capacity", "hevc-capacity", ("cbr={cbr}",)),
    ]


def robust_systems(chosen: Sequence[System]) -> list[System]:
    """Who is sent through bad channels."""
    names = (REFERENCE, BARE, "CDM-JSCC D 1 step", "CDM-JSCC P 4 steps")
    fixed = System("HEVC+LDPC 16qam-1 by 2", "hevc-ldpc", ("cbr={cbr}", "scheme=16qam-1/2"))
    return [*(system for system in chosen if system.name in names), fixed]


def rate_figures(paths: Sequence[Path], weights: Path) -> dict[str, Any]:
    """What the rate map does: from the entropies that the transmitter estimates, and the charge of the header."""
    from semcom.blocks.envelope import Header
    from semcom.models.patch_rates.rate_map import LEVELS, levels_for
    from semcom.sim.side_information.cdm_mode import CdmMode
    from semcom.sim.side_information.image_shape import ImageShape
    from semcom.sim.side_information.model_id import ModelId
    from semcom.sim.side_information.power_scale import PowerScale
    from semcom.sim.side_information.rate_map import RateMap

    codec = load("d", weights)
    images = [read_image(path) for path in paths]
    bits = [codec.entropy_bits(image) for image in images]
    values = np.asarray(LEVELS)

    def payload(index: int, eta: float) -> float:
        return float(values[levels_for(bits[index], eta)].sum()) / 2

    def charged(index: int, eta: float) -> float:
        height, width = images[index].shape[:2]
        told = RateMap.of(levels_for(bits[index], eta))
        shape = ImageShape(height, width)
        header = Header().with_fields(shape, ModelId(0, 0), CdmMode(0, 10), told, PowerScale(1.0))
        return (payload(index, eta) + header.uses) / (3 * height * width)

    etas = np.geomspace(0.004, 8, 67)
    curves = np.array([[charged(index, eta) for index in range(len(images))] for eta in etas])
    one = float(etas[np.abs(curves.mean(1) - 1 / 24).argmin()])
    luma = [image @ np.array([0.299, 0.587, 0.114]) for image in images]
    gradient = [float(np.hypot(*np.gradient(z)).mean()) for z in luma]
    symbols = [payload(index, one) for index in range(len(images))]
    from scipy.stats import spearmanr

    payloads = np.array([[payload(index, eta) for index in range(len(images))] for eta in etas])
    if (np.diff(payloads, axis=0) < 0).any():
        sys.exit("the payload falls where eta rises")
    busiest, calmest = int(np.argmax(symbols)), int(np.argmin(symbols))
    return {
        "etas": etas,
        "curves": curves,
        "eta": one,
        "gradient": gradient,
        "symbols": symbols,
        "least": min(symbols),
        "most": max(symbols),
        "correlation": float(spearmanr(gradient, symbols).statistic) if len(images) > 2 else math.nan,
        "lowest": curves[0].mean(),
        "highest": curves[-1].mean(),
        "maps": [(paths[i].stem, values[levels_for(bits[i], one)] / 2) for i in (busiest, calmest)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--out", type=Path, default=Path("out/cdm-jscc-kodak"), help="folder of rows and pictures")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the page (default: docs)")
    parser.add_argument("--images", type=int, help="only so many pictures")
    parser.add_argument(
        "--cdm-weights", type=Path, default=CDM_SHIPPED.folder, help="folder of d, p and regression.safetensors"
    )
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0: adds the distance trained on")
    parser.add_argument("--vgg16", type=Path, help="torchvision's state dict of VGG16: adds LPIPS")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    options = parser.parse_args()
    paths = sorted(options.data.glob("*.png"))[: options.images]
    if not paths:
        sys.exit(f"{options.data}: expected PNG pictures, found none")
    chosen = systems(options.cdm_weights.resolve())
    main_points = [Wanted(system, Point("awgn", cbr, 10)) for cbr in CBRS for system in chosen]
    fading = [
        Wanted(system, Point(channel, "1/24", level), ROBUST_PICTURES, "sweep")
        for channel in CHANNELS
        for level in LEVELS_DB
        for system in robust_systems(chosen)
    ]
    given = {"squeezenet_distance": options.squeezenet, "lpips_vgg": options.vgg16}
    networks = {name: path for name, path in given.items() if path is not None}
    corners = {path.stem: SHEET[path.stem] for path in paths if path.stem in SHEET} or {paths[0].stem: (60, 60)}
    rows = measure(
        [*main_points, *fading],
        paths,
        options.out / "rows.csv",
        jobs=options.jobs,
        networks=networks,
        keep={Point("awgn", "1/24", 10): corners},
    )
    for row in rows:
        signed = row["high_frequency_error_db"]
        row["high_frequency_size_db"] = None if signed is None else abs(signed)
    wide = len(main_points) * len(paths)
    compared, robust = rows[:wide], rows[wide:]
    rates = rate_figures(paths, options.cdm_weights / "d.safetensors")
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    made_with = {r["system"]: r["made_with"] for r in compared if r["target_cbr"] == "1/24"}
    shown = {name: made_with[name] for name in SHOWN if name in made_with}
    draw_quality(static / "cdm-jscc-quality.svg", compared, [system.name for system in chosen], CBRS)
    draw_rates(static / "cdm-jscc-rates.svg", rates)
    draw_robustness(static / "cdm-jscc-robust.svg", robust, CHANNELS, LEVELS_DB)
    draw_sheet(static / "cdm-jscc-pictures.webp", options.out / "rows.csv", paths, corners, shown)
    write_table(options.docs / "cdm-jscc-kodak.csv", [*compared, *(r for r in robust if r not in compared)])
    text = page(compared, robust, chosen, rates, len(paths))
    (options.docs / "cdm-jscc-kodak.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
