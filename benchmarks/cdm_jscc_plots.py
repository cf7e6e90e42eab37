"""Figures of `cdm_jscc_kodak`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measured_pictures import picture_path
from semcom.sim.images import read_image

__all__ = ["draw_quality", "draw_rates", "draw_robustness", "draw_sheet"]

COLOURS = {  # Okabe & Ito
    "DeepJSCC": "#0072B2",
    "DeepJSCC perceptual": "#56B4E9",
    "CDM-JSCC without diffusion": "#999999",
    "CDM-JSCC regression": "#555555",
    "CDM-JSCC D": "#009E73",
    "CDM-JSCC P": "#D55E00",
    "HEVC+LDPC": "#CC79A7",
    "HEVC+capacity": "#000000",
}
MARKERS = {"1 step": "o", "4 steps": "s", "17 steps": "^"}
CROP = 192


def _colour(name: str) -> str:
    return next(colour for start, colour in reversed(COLOURS.items()) if name.startswith(start))


def _marker(name: str) -> str:
    return next((marker for end, marker in MARKERS.items() if name.endswith(end)), "D")


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "semcom"
    return plt


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    _pyplot().close(figure)


def draw_quality(path: Path, rows: Sequence[Mapping[str, Any]], names: Sequence[str], cbrs: Sequence[str]) -> None:
    """Distances that were not trained on, against PSNR; a column a CBR."""
    plt = _pyplot()
    shown = {"sliced_wasserstein": "SWD (less is better)", "haarpsi": "HaarPSI", "mdsi": "MDSI (less is better)"}
    figure, axes = plt.subplots(len(shown), len(cbrs), figsize=(12, 10), squeeze=False)
    for column, cbr in enumerate(cbrs):
        for row, (key, title) in enumerate(shown.items()):
            axis = axes[row][column]
            for name in names:
                mine = [r for r in rows if r["system"] == name and r["target_cbr"] == cbr]
                x, y = (float(np.mean([r[k] for r in mine])) for k in ("psnr_db", key))
                axis.plot(x, y, _marker(name), color=_colour(name), label=name, markersize=8, alpha=0.85)
            if key != "haarpsi":
                axis.invert_yaxis()
            axis.grid(alpha=0.3)
            axis.set_ylabel(title if column == 0 else "")
        axes[0][column].set_title(f"Kodak, AWGN 10 dB, CBR {cbr}")
        axes[-1][column].set_xlabel("PSNR in dB")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=4, frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    _save(figure, path)


def draw_rates(path: Path, rates: Mapping[str, Any]) -> None:
    """CBR against eta; symbols against gradient; the rate maps of the busiest and of the calmest picture."""
    plt = _pyplot()
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.5), layout="constrained")
    curve, cloud = axes[0][0], axes[1][0]
    curve.loglog(rates["etas"], rates["curves"].mean(1), color=COLOURS["CDM-JSCC P"])
    low, high = rates["curves"].min(1), rates["curves"].max(1)
    curve.fill_between(rates["etas"], low, high, color=COLOURS["CDM-JSCC P"], alpha=0.2, linewidth=0)
    ticks = (96, 48, 24, 12, 6)
    curve.set_yticks([1 / tick for tick in ticks], [f"1/{tick}" for tick in ticks])
    curve.minorticks_off()
    curve.set(xlabel="eta: real values per bit of entropy", ylabel="CBR, rate map charged")
    curve.set_title("mean of the pictures; band: least to most", fontsize=9)
    cloud.plot(rates["gradient"], np.asarray(rates["symbols"]) / 1e3, "o", color=COLOURS["CDM-JSCC P"])
    cloud.set(xlabel="mean luma gradient, levels a pixel", ylabel="thousand payload symbols")
    cloud.set_title(f"each picture at eta {rates['eta']:.3f}", fontsize=9)
    for axis in (curve, cloud):
        axis.grid(alpha=0.3)
    for row, (label, symbols) in enumerate(rates["maps"]):
        drawn = axes[row][1].imshow(symbols, vmin=8, vmax=128, cmap="viridis")
        axes[row][1].set_title(f"{label}: {symbols.sum():,.0f} symbols", fontsize=9)
        axes[row][1].set_axis_off()
        figure.colorbar(drawn, ax=axes[row][1], label="symbols a patch")
    _save(figure, path)


def draw_robustness(
    path: Path, rows: Sequence[Mapping[str, Any]], channels: Sequence[str], levels: Sequence[int]
) -> None:
    """PSNR against Es/N0, a panel a channel; the band holds the middle half of the pictures."""
    plt = _pyplot()
    figure, axes = plt.subplots(1, len(channels), figsize=(12, 5), sharey=True, squeeze=False, layout="constrained")
    for axis, channel in zip(axes[0], channels, strict=True):
        for name in dict.fromkeys(row["system"] for row in rows):
            values = [
                [r["psnr_db"] for r in rows if (r["system"], r["channel"], r["esn0_db"]) == (name, channel, str(level))]
                for level in levels
            ]
            axis.plot(levels, [np.mean(v) for v in values], color=_colour(name), label=name.replace(" by ", "/"))
            low, high = zip(*(np.percentile(v, (25, 75)) for v in values), strict=True)
            axis.fill_between(levels, low, high, color=_colour(name), alpha=0.1, linewidth=0)
        axis.grid(alpha=0.3)
        axis.set(title=f"{channel}, CBR 1/24", xlabel="mean Es/N0 in dB")
    axes[0][0].set_ylabel("PSNR in dB")
    axes[0][0].legend(fontsize=8)
    _save(figure, path)


def draw_sheet(
    path: Path,
    table: Path,
    pictures: Sequence[Path],
    corners: Mapping[str, tuple[int, int]],
    shown: Mapping[str, str],
) -> None:
    """Crops: a row a picture, a column a system, what was sent first.

    Args:
        path: To write.
        table: Of the rows; the pictures lie beside it.
        pictures: As sent.
        corners: Label → upper left corner of its crop.
        shown: System → what it was made with.
    """
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", ((CROP + 4) * (len(shown) + 1), (CROP + 4) * len(corners) + 18), "white")
    drawing = ImageDraw.Draw(sheet)
    files = {path.stem: path for path in pictures}
    for column, name in enumerate(("sent", *shown)):
        drawing.text((column * (CROP + 4) + 4, 3), name, fill="black")
        for row, (label, (top, left)) in enumerate(corners.items()):
            whole = read_image(files[label] if name == "sent" else picture_path(table, name, shown[name], label))
            top, left = min(top, whole.shape[0] - CROP), min(left, whole.shape[1] - CROP)
            crop = np.ascontiguousarray(whole[top : top + CROP, left : left + CROP])
            sheet.paste(Image.fromarray(crop), (column * (CROP + 4), 18 + row * (CROP + 4)))
    for quality in (92, 85, 75, 60):
        sheet.save(path, quality=quality, method=6)
        if path.stat().st_size < 400_000:
            return
