"""Training-free communication in miniature on the Kodak pictures, beside its neighbours, learned codes and HEVC + LDPC.

    python benchmarks/training_free_kodak.py --data DIR [--squeezenet FILE]

Runs the shipped flowgraphs, each picture whole, at 0 to 20 dB over AWGN and over Rayleigh fading of 64 symbols'
coherence; the same noise for all systems. Goes on where it was stopped: rows and pictures are kept under ``--out``.
Writes ``docs/training-free-kodak.md``, ``.csv`` and ``docs/_static/training-free-kodak*``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cdm_jscc_plots import draw_sheet
from curves import FIGURES, differences, draw_curves, means, pictures_of, take_kodak, write_rows
from measured_pictures import Point, System, Wanted, back_off_db, measure
from semcom.models.latent_denoiser.names import SHIPPED as DENOISER
from semcom.models.latent_diffusion.names import SHIPPED
from semcom.models.model_card import ModelCard, card_path

LEVELS_DB = (0, 5, 10, 15, 20)
CHANNELS = ("awgn", "rayleigh block")
TITLES = {"awgn": "AWGN", "rayleigh block": "Rayleigh fading, 64 symbols of one gain"}
SHEET = {"kodim04": (200, 150), "kodim08": (150, 300), "kodim24": (200, 120)}  # upper left corner of a crop
SHOWN_AT = Point("awgn", "1/96", 5)

MATCHED = "matched diffusion"
LINEAR = "linear MMSE"
ONE = "one step to the mean"
STUDENT = "one step that learnt from many"
HEVC = "HEVC+LDPC for 10 dB"
ADAPTED = "HEVC+LDPC adapted"
DEEPJSCC = "DeepJSCC at twice the symbols"
TOLD = "latent denoiser trained with the channel"
CDM = "CDM-JSCC D at twice the symbols"


def systems(weights: Path, channel: str, esn0_db: int) -> list[System]:
    """Who is compared at a point."""
    fading = () if channel == "awgn" else ("channel.coherence_symbols=64",)
    careful = () if channel == "awgn" else (f"encoder.esn0_db={esn0_db - back_off_db(esn0_db)}",)
    ours = (f"encoder.weights={weights}", f"decoder.weights={weights}", *fading)
    none = ("encoder.inversion_steps=0", "decoder.inversion_steps=0")
    scheme = "scheme=qpsk-1/2"
    denoiser, student = DENOISER.path("mini-96"), SHIPPED.path("mini-96-one-step")
    learnt = (*none, "decoder.steps=one", f"decoder.weights={student}")
    told = System(TOLD, "latent-denoiser-mini", sets=fading, weights=(denoiser,))
    return [
        System(MATCHED, "training-free-mini", sets=ours, weights=(weights,)),
        System(ONE, "training-free-mini", sets=(*ours, *none, "decoder.steps=one"), weights=(weights,)),
        System(STUDENT, "training-free-mini", sets=(*ours, *learnt), weights=(weights, student)),
        System(LINEAR, "training-free-mini", sets=(*ours, *none, "decoder.steps=linear"), weights=(weights,)),
        told,
        System(CDM, "cdm-jscc", ("cbr=1/48",), fading),
        System(DEEPJSCC, "deepjscc-awgn", ("rate=1/48",), fading),
        System(ADAPTED, "hevc-ldpc", ("cbr=1/96", "scheme=adapted"), (*fading, *careful)),
        System(HEVC, "hevc-ldpc", ("cbr=1/96", scheme), fading),
    ]


def page(rows: Sequence[dict[str, Any]], weights: Path, count: int) -> str:
    """The whole page."""
    card = ModelCard.read(card_path(weights))
    shown = [one for one in FIGURES if all(row[one.key] is not None for row in rows)]
    compared = [one for one in shown if one.key in ("psnr_db", "sliced_wasserstein", "squeezenet_distance")]
    pairs = [(MATCHED, LINEAR), (ONE, LINEAR), (STUDENT, ONE), *((MATCHED, other) for other in (TOLD, CDM, ADAPTED))]
    text = [
        "# Training-free communication on Kodak",
        "",
        "Made by `python benchmarks/training_free_kodak.py --data DIR --squeezenet FILE`; do not edit.",
        "",
        f"{count} Kodak pictures, over fading {count // 2}, each whole, the same noise for all systems. "
        "SNR is the mean Es/N0 per complex symbol; CBR counts headers. The pictures were used for nothing else. "
        "`SqueezeNet` is a distance of features, not LPIPS. The miniature saw no channel in its training; CDM-JSCC "
        "and DeepJSCC did. They have no rate of 1/96, and send twice the symbols here. Over fading the adapted link "
        "reckons with 4 to 8 dB less than the mean, so that it seldom loses a block; at 0 and 5 dB most pictures do "
        "not fit into what that leaves, and stay grey.",
        "",
        "What the parts bring: [where inversion is done](training-free-split.md), [T3](training-free-steps.md), "
        "[inversion against drawn noise](training-free-inversion.md), [noise measured wrongly]"
        "(training-free-mismatch.md). Img2Img-SC and other receivers of the same latents: "
        "[neighbours](training-free-neighbours.md).",
        "",
        "![](_static/training-free-kodak.svg)",
        "",
        "![](_static/training-free-kodak.webp)",
        "",
        f"Crops over AWGN at {SHOWN_AT.esn0_db} dB.",
    ]
    for channel in CHANNELS:
        text += ["", f"## {TITLES[channel]}"]
        for figure in shown:
            text += ["", *means(rows, figure, channel, LEVELS_DB)]
        text += ["", "Picture by picture, means with 95 % intervals:"]
        for figure in compared:
            text += ["", *differences(rows, pairs, figure, channel, LEVELS_DB)]
    told = card.training
    text += [
        "",
        "## What the network had",
        "",
        f"{told.steps} steps in {told.minutes:g} minutes on {told.machine}.",
        "",
    ]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take_kodak(parser, SHIPPED.path("mini-96"))
    options = parser.parse_args()
    paths = pictures_of(options.data)
    weights = options.weights.resolve()
    many = options.images or len(paths)
    wanted = [
        Wanted(system, Point(channel, "1/96", level), many if channel == "awgn" else many // 2)
        for channel in CHANNELS
        for level in LEVELS_DB
        for system in systems(weights, channel, level)
    ]
    networks = {} if options.squeezenet is None else {"squeezenet_distance": options.squeezenet.resolve()}
    spread = [paths[int(i)].stem for i in np.linspace(0, len(paths) - 1, many).round()]
    corners = {label: SHEET[label] for label in spread if label in SHEET} or {spread[0]: (60, 60)}
    table = options.out / "kodak.csv"
    rows = measure(wanted, paths, table, jobs=options.jobs, networks=networks, keep={SHOWN_AT: corners})
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    at = {row["system"]: row["made_with"] for row in rows if (row["channel"], row["esn0_db"]) == ("awgn", "5")}
    seen = {name: at[name] for name in (MATCHED, ONE, LINEAR, CDM, ADAPTED) if name in at}
    draw_sheet(static / "training-free-kodak.webp", table, paths, corners, seen)
    shown = [one for one in FIGURES if all(row[one.key] is not None for row in rows)]
    draw_curves(static / "training-free-kodak.svg", rows, shown, LEVELS_DB)
    write_rows(options.docs / "training-free-kodak.csv", rows)
    text = page(rows, weights, many)
    (options.docs / "training-free-kodak.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
