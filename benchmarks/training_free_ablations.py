"""What the parts of training-free communication bring: the miniature on the middles of the Kodak pictures.

    python benchmarks/training_free_ablations.py STUDY --data DIR [--squeezenet FILE]

Each writes a page, ``docs/training-free-NAME.md``, its CSV and ``docs/_static/training-free-NAME.svg``. Goes on where
it was stopped: rows are kept under ``--out``.

``split``: where ten steps of inversion are taken, with the T3 that fits the noise and with T3 = 10.
``steps``: the T3 that fits, exactly and rounded, with and without rescaling, against fixed ones.
``inversion``: the network's inversion against drawn noise of the same level.
``mismatch``: the noise taken for 3 dB more or less than it is.
``neighbours``: other receivers of the same latents.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from curves import FIGURES, differences, draw_curves, means, pictures_of, take_kodak, write_rows
from measured_pictures import Point, System, Wanted, measure
from semcom.models.latent_denoiser.names import SHIPPED as DENOISER
from semcom.models.latent_diffusion.names import SHIPPED

SIDE = 256
CAPTIONS = Path(__file__).with_name("kodak_captions.txt")
REFERENCE = "T1 5 T2 5 T3 fits"
"""All others are compared with it, picture by picture: the flowgraph as it is."""
STUDENT = "one step that learnt from many"


class Study(NamedTuple):
    """One question.

    Attributes:
        title: Of its section.
        levels_db: Es/N0.
        systems: Name, to ``block.parameter=value``.
        known: What the paper found.
        flowgraphs: Of systems that are not ``training-free-mini``, by name.
    """

    title: str
    levels_db: tuple[int, ...]
    systems: dict[str, tuple[str, ...]]
    known: str
    flowgraphs: Mapping[str, str] = MappingProxyType({})


def _split(sent: int, further: int, steps: str) -> tuple[str, ...]:
    return f"encoder.inversion_steps={sent}", f"decoder.inversion_steps={further}", f"decoder.steps={steps}"


STUDIES = {
    "split": Study(
        "Where the steps of inversion are taken",
        (0, 5, 10, 15),
        {
            f"T1 {sent} T2 {further} {name}": _split(sent, further, steps)
            for name, steps in (("T3 fits", "exact"), ("T3 10", "10"))
            for sent, further in ((5, 5), (10, 0), (0, 10))
        },
        "At 5 dB, of Stable Diffusion: (5, 5) with T3 = 15 is best, PSNR 22.19 dB.",
    ),
    "steps": Study(
        "The T3 that fits the noise, against fixed ones",
        (0, 5, 10, 15, 20),
        {
            REFERENCE: (),
            "T3 fits rounded": ("decoder.steps=paper",),
            "T3 fits rounded not rescaled": ("decoder.steps=paper", "decoder.rescale=off"),
            **{f"T1 5 T2 5 T3 {count}": _split(5, 5, str(count)) for count in (10, 15, 21)},
            "one step to the mean": ("decoder.steps=one",),
        },
        "The rule gives 15 steps at 5 dB, which is what the paper takes.",
    ),
    "inversion": Study(
        "The network's inversion against drawn noise",
        (0, 5, 10, 15),
        {
            REFERENCE: (),
            "drawn noise": ("encoder.inversion=noise", "decoder.inversion=noise"),
            "drawn noise in the receiver alone": (*_split(0, 10, "exact"), "decoder.inversion=noise"),
        },
        "Inversion gains 0.47 dB of PSNR, and FID falls from 58.8 to 51.2.",
    ),
    "mismatch": Study(
        "The noise measured wrongly",
        (0, 5, 10, 15),
        {REFERENCE: (), **{f"taken for {error:+d} dB": (f"decoder.n0_error_db={error}",) for error in (-3, 3)}},
        "Not studied. The receiver reckons the latent's power by the wrong noise, too: +3 dB are +1.3 dB of noise over "
        "signal at 0 dB, and nearly all of the 3 dB from 10 dB on.",
    ),
    "neighbours": Study(
        "Other receivers of the same latents",
        (0, 5, 10, 15),
        {
            REFERENCE: (),
            "linear MMSE": (),
            "one step to the mean": _split(0, 0, "one"),
            STUDENT: (*_split(0, 0, "one"), f"decoder.weights={SHIPPED.path('mini-96-one-step')}"),
            "trained over the channel 1 step": ("decoder.steps=1",),
            "trained over the channel 4 steps": ("decoder.steps=4",),
            "Img2Img-SC receiver": (f"caption.captions={CAPTIONS}",),
            "Img2Img-SC at CBR 1 to 3": (f"caption.captions={CAPTIONS}",),
        },
        "Not compared on the same latents.",
        {
            "linear MMSE": "training-free-linear",
            "trained over the channel 1 step": "latent-denoiser-mini",
            "trained over the channel 4 steps": "latent-denoiser-mini",
            "Img2Img-SC receiver": "img2img-sc",
            "Img2Img-SC at CBR 1 to 3": "img2img-sc-digital",
        },
    ),
}


def _system(name: str, study: Study, weights: Path) -> System:
    flowgraph = study.flowgraphs.get(name, "training-free-mini")
    used = DENOISER.path("mini-96") if flowgraph == "latent-denoiser-mini" else weights
    always = (f"photos.size=[{SIDE},{SIDE}]", "photos.fit=crop", f"encoder.weights={used}", f"decoder.weights={used}")
    return System(name, flowgraph, sets=(*always, *study.systems[name]), weights=(used,))


def page(name: str, study: Study, rows: list[dict[str, object]], count: int) -> str:
    """The whole page."""
    pairs = [(name, REFERENCE) for name in study.systems if name != REFERENCE]
    text = [
        f"# Training-free communication: {study.title[0].lower()}{study.title[1:]}",
        "",
        f"Made by `python benchmarks/training_free_ablations.py {name} --data DIR --squeezenet FILE`; do not edit.",
        "",
        f"The middle {SIDE} x {SIDE} of {count} Kodak pictures over AWGN, the same noise for all.",
        f"The paper: {study.known}",
        "",
        f"![](_static/training-free-{name}.svg)",
    ]
    shown = [one for one in FIGURES if all(row[one.key] is not None for row in rows)]
    for figure in shown:
        text += ["", *means(rows, figure, "awgn", study.levels_db)]
    text += ["", "Picture by picture, means with 95 % intervals:"]
    for figure in shown:
        if figure.key in ("psnr_db", "squeezenet_distance", "sliced_wasserstein"):
            text += ["", *differences(rows, pairs, figure, "awgn", study.levels_db)]
    return "\n".join([*text, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    take_kodak(parser, SHIPPED.path("mini-96"))
    options = parser.parse_args()
    paths = pictures_of(options.data)
    study, weights = STUDIES[options.study], options.weights.resolve()
    systems = [_system(name, study, weights) for name in study.systems]
    wanted = [
        Wanted(system, Point("awgn", "1/96", level), options.images) for system in systems for level in study.levels_db
    ]
    networks = {} if options.squeezenet is None else {"squeezenet_distance": options.squeezenet.resolve()}
    rows = measure(wanted, paths, options.out / "ablations.csv", jobs=options.jobs, networks=networks, keep={})
    static = options.docs / "_static"
    static.mkdir(parents=True, exist_ok=True)
    name = f"training-free-{options.study}"
    shown = [one for one in FIGURES if all(row[one.key] is not None for row in rows)]
    draw_curves(static / f"{name}.svg", rows, shown, study.levels_db)
    write_rows(options.docs / f"{name}.csv", rows)
    text = page(options.study, study, rows, options.images or len(paths))
    (options.docs / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
