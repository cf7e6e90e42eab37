"""The SC-SIC miniature on the Kodak pictures, with and without noise-aware fine-tuning, beside the optimal linear code.

    python benchmarks/sc_sic_kodak.py --data DIR --train DIR [--squeezenet FILE]

Runs the shipped flowgraph, each picture whole, over AWGN at 20, 15, 10, 5 and 1 dB; the same noise for all systems. The
linear code is fitted to the training photographs, and knows the SNR at both ends.
Then sends the middle of some pictures 25 times each, and compares what was received. Goes on where it was stopped:
rows and pictures are kept under ``--out``. Writes ``docs/sc-sic-kodak.md``, ``.csv`` and ``docs/_static/sc-sic-*``.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measured_pictures import Point, System, Wanted, measure, picture_path
from numpy.typing import NDArray
from PIL import Image
from semcom.flowgraphs.experiments.measure.predictability import measure_predictability
from semcom.flowgraphs.experiments.plan import SweepOptions
from semcom.flowgraphs.experiments.statistics import bootstrap_mean
from semcom.flowgraphs.experiments.systems import parse_systems
from semcom.models.deepjscc.linear import Klt, allot_power, lmmse_weight
from semcom.models.model_card import ModelCard, card_path
from semcom.models.sc_sic.names import SHIPPED
from semcom.sim.images import read_image
from semcom.sim.metrics.high_frequency import high_frequency_error_db
from semcom.sim.metrics.ms_ssim import ms_ssim

DOCS = Path(__file__).resolve().parents[1] / "docs"
LEVELS_DB = (20, 15, 10, 5, 1)
PATCHES = {"mini-48": (16, 16), "mini-341": (32, 9)}  # side in pixels, components
CBRS = {"mini-48": "1/96", "mini-341": "1/683"}
CROP = 192
SHEET = {"kodim15": (60, 370), "kodim21": (150, 170), "kodim23": (60, 130)}  # upper left corner of a crop
COLUMNS = (
    ("psnr_db", "PSNR, dB", ".2f"),
    ("ms_ssim", "MS-SSIM", ".4f"),
    ("squeezenet_distance", "SqueezeNet", ".4f"),
    ("high_frequency_error_db", "detail, dB", "+.1f"),
)


def systems(folder: Path) -> list[System]:
    """Who is measured: the receiver as it is by default, in one step, and before fine-tuning."""
    found = []
    for variant in PATCHES:
        tuned = folder / f"{variant}.safetensors"
        if not tuned.is_file():
            print(f"{tuned}: no such file; left out", file=sys.stderr)
            continue
        given = (f"encoder.weights={tuned}", f"decoder.weights={tuned}")
        ways = {
            "": (),
            " 1 step": ("decoder.steps=1", "decoder.temperature=0"),
        }
        for name, sets in ways.items():
            found.append(System(variant + name, "sc-sic-mini", (f"variant={variant}",), (*given, *sets), (tuned,)))
        clean = folder / f"{variant}-clean.safetensors"
        if clean.is_file():
            sets = (f"encoder.weights={tuned}", f"decoder.weights={clean}")
            name = f"{variant} not fine-tuned"
            found.append(System(name, "sc-sic-mini", (f"variant={variant}",), sets, (tuned, clean)))
    return found


def fitted(folder: Path, side: int, count: int) -> Klt:
    """KLT of random patches of the training photographs."""
    rng = np.random.default_rng(1)
    patches = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".webp", ".png", ".jpg"):
            continue
        image = np.asarray(Image.open(path).convert("RGB"))
        if min(image.shape[:2]) <= side:
            continue
        for _ in range(24):
            top, left = (rng.integers(0, n - side) for n in image.shape[:2])
            patches.append(image[top : top + side, left : left + side].transpose(2, 0, 1))
    klt = Klt(side, count)
    klt.fit(torch.from_numpy(np.stack(patches)).float() / 255)
    return klt


@torch.inference_mode()
def linear_rows(
    klt: Klt, variant: str, images: Sequence[tuple[str, NDArray[np.uint8]]], distance: Any
) -> list[dict[str, Any]]:
    """The linear code's figures: optimal powers for the true SNR, LMMSE receiver."""
    rows = []
    for level in LEVELS_DB:
        n0 = torch.tensor([10 ** (-level / 10)])
        power = allot_power(klt.variance, n0)[0]
        for seq, (label, image) in enumerate(images):
            height, width = image.shape[:2]
            pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
            y = klt(klt.centred(pixels)) * (power / klt.variance).sqrt()
            scale = y.square().mean().sqrt()  # each frame has unit power, as every system's
            noise = torch.from_numpy(np.random.default_rng([level, seq]).standard_normal(y.shape, np.float32))
            y = y + scale * n0.sqrt() * noise
            components = y * lmmse_weight(klt.variance, power, n0 * scale.square())
            out = klt.inverse(components, height, width) + klt.mean.view(1, 3, 1, 1)
            received = (out[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
            error = np.square(received.astype(float) - image).mean()
            row: dict[str, Any] = {
                "system": f"linear, rate of {variant}",
                "esn0_db": str(level),
                "label": label,
                "psnr_db": 10 * np.log10(255**2 / error),
                "ms_ssim": ms_ssim(image, received),
                "high_frequency_error_db": high_frequency_error_db(image, received),
            }
            if distance is not None:
                pair = [torch.from_numpy(z.copy()).permute(2, 0, 1)[None].float() / 255 for z in (received, image)]
                row["squeezenet_distance"] = float(distance(*pair))
            rows.append(row)
    return rows


def quality_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Means over the pictures."""
    columns = [column for column in COLUMNS if all(row.get(column[0]) is not None for row in rows)]
    lines = ["| system | Es/N0, dB | " + " | ".join(title for _, title, _ in columns) + " |"]
    lines.append("|---|---|" + "---|" * len(columns))
    for name in dict.fromkeys(row["system"] for row in rows):
        for level in LEVELS_DB:
            mine = [row for row in rows if (row["system"], row["esn0_db"]) == (name, str(level))]
            cells = [format(float(np.mean([row[key] for row in mine])), form) for key, _, form in columns]
            lines.append(f"| {name} | {level} | " + " | ".join(cells) + " |")
    return lines


def gain_table(rows: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[str, str]], count: int) -> list[str]:
    """Differences of PSNR picture by picture, with 95 % intervals."""
    lines = ["| A less B, PSNR in dB | " + " | ".join(f"{level} dB" for level in LEVELS_DB) + " |"]
    lines.append("|---|" + "---|" * len(LEVELS_DB))
    for one, other in pairs:
        cells = []
        for level in LEVELS_DB:
            a, b = (
                [row["psnr_db"] for row in rows if (row["system"], row["esn0_db"]) == (name, str(level))]
                for name in (one, other)
            )
            if count > 1:
                found = bootstrap_mean([x - y for x, y in zip(a, b, strict=True)])  # of the same pictures, in order
                cells.append(f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})")
            else:
                cells.append(f"{a[0] - b[0]:+.2f}")
        lines.append(f"| {one} less {other} | " + " | ".join(cells) + " |")
    return lines


def draw(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """PSNR and the network's distance against Es/N0, a row a rate."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "semcom"
    keys = [column for column in COLUMNS if all(row.get(column[0]) is not None for row in rows)]
    variants = [variant for variant in PATCHES if any(variant in row["system"] for row in rows)]
    figure, axes = plt.subplots(
        len(variants), len(keys), figsize=(4 * len(keys), 3.6 * len(variants)), squeeze=False, layout="constrained"
    )
    for line, variant in zip(axes, variants, strict=True):
        for axis, (key, title, _) in zip(line, keys, strict=True):
            for name in dict.fromkeys(row["system"] for row in rows if variant in row["system"]):
                values = [
                    [row[key] for row in rows if (row["system"], row["esn0_db"]) == (name, str(level))]
                    for level in LEVELS_DB
                ]
                style = "--" if "linear" in name or "not" in name else "-"
                axis.plot(LEVELS_DB, [np.mean(v) for v in values], style, marker="o", markersize=3, label=name)
            axis.set(xlabel="Es/N0 in dB", ylabel=title, title=f"{variant}, CBR {CBRS[variant]}")
            axis.grid(alpha=0.3)
        line[0].legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw_sheet(path: Path, table: Path, pictures: Sequence[Path], shown: Mapping[str, tuple[str, str]]) -> None:
    """Crops at 10 dB: a row a picture, a column a system, what was sent first."""
    from PIL import ImageDraw

    files = {one.stem: one for one in pictures}
    corners = {label: corner for label, corner in SHEET.items() if label in files} or {pictures[0].stem: (60, 60)}
    sheet = Image.new("RGB", ((CROP + 4) * (len(shown) + 1), (CROP + 4) * len(corners) + 18), "white")
    drawing = ImageDraw.Draw(sheet)
    for column, name in enumerate(("sent", *shown)):
        drawing.text((column * (CROP + 4) + 4, 3), name, fill="black")
        for row, (label, (top, left)) in enumerate(corners.items()):
            whole = read_image(files[label] if name == "sent" else picture_path(table, *shown[name], label))
            crop = np.ascontiguousarray(whole[top : top + CROP, left : left + CROP])
            sheet.paste(Image.fromarray(crop), (column * (CROP + 4), 18 + row * (CROP + 4)))
    for quality in (90, 80, 70, 55):
        sheet.save(path, quality=quality, method=6)
        if path.stat().st_size < 350_000:
            return


def predictability(
    chosen: Sequence[System], paths: Sequence[Path], out: Path, squeezenet: Path | None, count: int, jobs: int
) -> list[str]:
    """The table of repeated transmissions of the middle 256 x 256 of some pictures."""
    crops = out / "crops"
    crops.mkdir(parents=True, exist_ok=True)
    for path in [paths[i] for i in np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int)]:
        image = read_image(path)
        top, left = ((side - 256) // 2 for side in image.shape[:2])
        crop = np.ascontiguousarray(image[top : top + 256, left : left + 256])
        Image.fromarray(crop).save(crops / path.name)
    lines: list[str] = []
    for system in chosen:
        name = system.name.replace(" ", "-")
        parsed = parse_systems(
            [f"{name}={system.flowgraph}"], vars=list(system.vars), sets=["photos.size=null", *system.sets]
        )
        found = measure_predictability(
            parsed,
            SweepOptions(out=out / "predictability" / name, images=str(crops), workers=jobs),
            esn0_db=",".join(map(str, LEVELS_DB)),
            transmissions=25,
            distance="squeezenet" if squeezenet is not None else "ms-ssim",
            weights=squeezenet,
        )
        with found.files[0].open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        pair = next(key for key in rows[0] if key.startswith("pair_") and key.endswith("_deviation"))
        pair = pair.removesuffix("_deviation")
        if not lines:
            title = pair.removeprefix("pair_")
            lines = [
                f"| system | Es/N0, dB | pairs: {title}, mean ± deviation | RMSE of pairs | detail, dB | PSNR, dB |"
            ]
            lines.append("|---|---|---|---|---|---|")
        for row in rows:
            detail = next(float(row[key]) for key in row if key.startswith("high_frequency"))
            lines.append(
                f"| {system.name} | {float(row['esn0_db']):g} | {float(row[pair]):.4f} ± "
                f"{float(row[pair + '_deviation']):.4f} | {float(row['pair_rmse']):.2f} | {detail:+.1f} | "
                f"{float(row['psnr_db']):.2f} |"
            )
    return lines


def page(rows: Sequence[Mapping[str, Any]], repeated: list[str], chosen: Sequence[System], count: int) -> str:
    """The whole page."""
    names = {system.name for system in chosen}
    pairs = []
    for variant in PATCHES:
        others = (f"linear, rate of {variant}", f"{variant} not fine-tuned")
        pairs += [(variant, other) for other in others if variant in names and any(r["system"] == other for r in rows)]
        if f"{variant} 1 step" in names:
            pairs.append((f"{variant} 1 step", f"linear, rate of {variant}"))
    cards = [ModelCard.read(card_path(SHIPPED.folder / f"{v}.safetensors")) for v in PATCHES if v in names]
    uses = {
        v: bootstrap_mean([r["cbr"] for r in rows if r["system"] == v and r["esn0_db"] == "10"]).mean
        for v in PATCHES
        if v in names
    }
    text = [
        "# The SC-SIC miniature on Kodak",
        "",
        "Made by `python benchmarks/sc_sic_kodak.py --data DIR --train DIR --squeezenet FILE`; do not edit.",
        "",
        f"{count} Kodak pictures, each whole, over AWGN; Es/N0 is the SNR per real dimension of the embedding. "
        + "; ".join(f"{v}: CBR {u:.5f}, header included" for v, u in uses.items())
        + ". The pictures were used for nothing else. `detail` is the energy of the finest details against the sent "
        "picture's: 0 is as sharp, negative is blurred. `SqueezeNet` is a distance of features, less is better; it is "
        "not LPIPS. The linear code has the same number of symbols less the header, is fitted to the training "
        "photographs, and knows the SNR.",
        "",
        *quality_table(rows),
        "",
        "Picture by picture, means with 95 % intervals:",
        "",
        *gain_table(rows, pairs, count),
        "",
        "![](_static/sc-sic-quality.svg)",
        "",
        "![](_static/sc-sic-pictures.webp)",
        "",
        "## Repeated transmissions",
        "",
        "The middle 256 x 256 of some pictures, sent 25 times each: distance of all 300 pairs of what was received, "
        "mean and deviation over the pairs, averaged over the pictures. A receiver that blurs is predictable too, so "
        "read it beside `detail`.",
        "",
        *repeated,
        "",
        "## What the networks had",
        "",
        "| weights | steps | minutes | machine |",
        "|---|---|---|---|",
        *(f"| {c.name} | {c.training.steps} | {c.training.minutes:g} | {c.training.machine} |" for c in cards),
        "",
    ]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--train", type=Path, help="folder of photographs that the linear code is fitted to")
    parser.add_argument("--out", type=Path, default=Path("out/sc-sic-kodak"), help="folder of rows and pictures")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the page (default: docs)")
    parser.add_argument("--images", type=int, help="only so many pictures")
    parser.add_argument("--repeated", type=int, default=4, help="pictures that are sent 25 times")
    parser.add_argument("--weights", type=Path, default=SHIPPED.folder, help="folder of the weights")
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, one thread each")
    options = parser.parse_args()
    paths = sorted(options.data.glob("*.png"))[: options.images]
    if not paths:
        sys.exit(f"{options.data}: expected PNG pictures, found none")
    chosen = systems(options.weights.resolve())
    networks = {"squeezenet_distance": options.squeezenet.resolve()} if options.squeezenet is not None else {}
    here = {path.stem for path in paths}
    kept = [label for label in SHEET if label in here] or [paths[0].stem]
    rows: list[dict[str, Any]] = []
    for system in chosen:
        variant = next(v for v in sorted(PATCHES, key=len, reverse=True) if system.name.startswith(v))
        wanted = [Wanted(system, Point("awgn", CBRS[variant], level)) for level in LEVELS_DB]
        rows += measure(
            wanted,
            paths,
            options.out / "rows.csv",
            jobs=options.jobs,
            networks=networks,
            keep={Point("awgn", CBRS[variant], 10): kept},
        )
    shown = {row["system"]: (row["system"], row["made_with"]) for row in rows if row["esn0_db"] == "10"}
    if options.train is not None:
        distance = None
        if options.squeezenet is not None:
            from semcom.models.perceptual.build import build_perceptual

            distance = build_perceptual("squeezenet", options.squeezenet)
        images = [(path.stem, read_image(path)) for path in paths]
        for variant, (side, count) in PATCHES.items():
            if any(system.name == variant for system in chosen):
                rows += linear_rows(fitted(options.train, side, count), variant, images, distance)
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    draw(static / "sc-sic-quality.svg", rows)
    draw_sheet(static / "sc-sic-pictures.webp", options.out / "rows.csv", paths, shown)
    repeated = predictability(
        [system for system in chosen if system.name.startswith("mini-48") and not system.name.endswith("1 step")],
        paths,
        options.out,
        options.squeezenet.resolve() if options.squeezenet is not None else None,
        options.repeated,
        options.jobs,
    )
    with (options.docs / "sc-sic-kodak.csv").open("w", newline="", encoding="utf-8") as file:
        names = ["system", "esn0_db", "label", "cbr", *(key for key, _, _ in COLUMNS)]
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    text = page(rows, repeated, chosen, len(paths))
    (options.docs / "sc-sic-kodak.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
