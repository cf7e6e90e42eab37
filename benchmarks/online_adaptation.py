"""What online adaptation of the features brings on the Kodak pictures, and what it takes.

    python benchmarks/online_adaptation.py --data DIR [--images N]

Runs the shipped flowgraphs with ``encoder.adaptation_steps``, each picture whole, over AWGN of 10 dB; the same noise
for all. Goes on where it was stopped: rows are kept under ``--out``. Writes ``docs/online-adaptation.md`` and ``.csv``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from curves import pictures_of, take_pictures, write_rows
from measured_pictures import Point, System, Wanted, measure
from semcom.flowgraphs.experiments.statistics import paired_difference
from semcom.models.cdm_jscc.engine import load as load_cdm
from semcom.models.deepjscc.engine import load as load_deepjscc

ESN0_DB = 10
CBRS = ("1/48", "1/24", "1/12")
STEPS = (0, 10, 30)
FLOWGRAPHS = {"CDM-JSCC D": ("cdm-jscc", "cbr={cbr}"), "DeepJSCC": ("deepjscc-awgn", "rate={cbr}")}


def name_of(system: str, steps: int) -> str:
    """What tables call it."""
    return f"{system} after {steps} steps" if steps else system


def system_of(system: str, steps: int) -> System:
    """A system with so many steps."""
    flowgraph, rate = FLOWGRAPHS[system]
    return System(name_of(system, steps), flowgraph, (rate,), (f"encoder.adaptation_steps={steps}",))


def seconds() -> dict[str, float]:
    """CPU seconds of one step for 512 x 512 pixels at 1/24, and of encoding without any."""
    torch.set_num_threads(1)
    picture = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    found = {}
    for system, load, rate in (("CDM-JSCC D", load_cdm, "cbr"), ("DeepJSCC", load_deepjscc, "rate")):
        codec: Any = load()
        took = []
        for steps in (1, 0, 1, 11):  # the first loads; one step has what all steps have once
            begin = time.process_time()
            codec.encode(picture, codec.sending(**{rate: "1/24"}, adaptation_steps=steps))
            took.append(time.process_time() - begin)
        found[system] = (took[3] - took[2]) / 10
        found[f"{system}, none"] = took[1]
    return found


def page(rows: Sequence[dict[str, Any]], count: int) -> str:
    """The whole page."""
    took = seconds()
    text = [
        "# Online adaptation on Kodak",
        "",
        f"Made by `python benchmarks/online_adaptation.py --data DIR{'' if count == 24 else f' --images {count}'}`; do "
        "not edit.",
        "",
        f"{count} of the 24 Kodak pictures, each whole, AWGN of {ESN0_DB} dB, the same noise for all. With "
        "`encoder.adaptation_steps` the features of each picture are improved by descent through the decoder's own "
        "network, of CDM-JSCC that before diffusion, before they are sent. The frame has the same length and "
        "header, all of it charged; the decoder is the same and is told nothing. The pictures were "
        "used for nothing else.",
        "",
        "| PSNR in dB | " + " | ".join(CBRS) + " |",
        "|---|" + "---:|" * len(CBRS),
    ]
    for system in FLOWGRAPHS:
        for steps in STEPS:
            cells = []
            for cbr in CBRS:
                name = name_of(system, steps)
                found = [row["psnr_db"] for row in rows if (row["system"], row["target_cbr"]) == (name, cbr)]
                cells.append(f"{np.mean(found):.2f}")
            text.append(f"| {name_of(system, steps)} | " + " | ".join(cells) + " |")
    text += [
        "",
        "Picture by picture, means with 95 % intervals, bootstrapped over the pictures:",
        "",
        "| gain of PSNR in dB | " + " | ".join(CBRS) + " |",
        "|---|" + "---|" * len(CBRS),
    ]
    for system in FLOWGRAPHS:
        for steps in STEPS[1:]:
            cells = []
            for cbr in CBRS:
                gain = paired_difference(list(rows), name_of(system, steps), system, "psnr_db", at={"target_cbr": cbr})
                cells.append(f"{gain.mean:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")
            text.append(f"| {name_of(system, steps)} | " + " | ".join(cells) + " |")
    text += [
        "",
        "| CPU seconds, 512 x 512 pixels, 1/24, one core | encoding without | each step more |",
        "|---|---:|---:|",
        *(f"| {system} | {took[f'{system}, none']:.2f} | {took[system]:.2f} |" for system in FLOWGRAPHS),
        "",
    ]
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take_pictures(parser, "online-adaptation")
    options = parser.parse_args()
    paths = pictures_of(options.data)
    wanted = [
        Wanted(system_of(system, steps), Point("awgn", cbr, ESN0_DB), options.images, "sweep")
        for steps in STEPS
        for cbr in CBRS
        for system in FLOWGRAPHS
    ]
    rows = measure(wanted, paths, options.out / "rows.csv", jobs=options.jobs, networks={}, keep={})
    write_rows(options.docs / "online-adaptation.csv", rows, ("target_cbr",))
    text = page(rows, options.images or len(paths))
    (options.docs / "online-adaptation.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
