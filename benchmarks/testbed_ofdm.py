"""Pictures of 256 x 256 at CBR 1/6 over OFDM, as on a testbed that others built, and where a classical link breaks.

The testbed (deepjsccq-ofdm-fpga: two boards, 64 carriers, 20 MS/s, 32,768 symbols of 64-QAM a picture) gives 26.5 dB
at an SNR of 5.5 dB and 32.0 dB at 32 dB for one picture. Here the flowgraph `radio-loopback-ofdm` is run at 20 MS/s
with its offsets of carrier and clock and noise, without multipath, for the five built-in photographs: DeepJSCC with
free symbols, DeepJSCC-Q on 64-QAM, and HEVC with 5G LDPC in the schemes that are best for 10 and for 18 dB, whatever
the channel then is. A picture that fails counts as the mean colour of photographs.

Usage: ``python benchmarks/testbed_ofdm.py --out out/testbed-ofdm.csv``. Rows that stand there are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from rows import Rows
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

TESTBED = {5.5: 26.5, 32.0: 32.0}
ESN0S_DB = (2.0, 4.0, 5.5, 7.0, 8.0, 9.0, 9.5, 10.0, 11.0, 12.0, 14.0, 16.0, 17.0, 17.5, 18.0, 19.0, 20.0, 24.0, 32.0)
PICTURES = 5
OFDM = ("burst=framing/ofdm", "sync=sync/ofdm", "multipath=channels/copy")
SYSTEMS = {
    "DeepJSCC": ("radio-loopback-ofdm", ("rate=1/6",), (), ("multipath=channels/copy",)),
    "DeepJSCC-Q, 64-QAM": (
        "radio-loopback-ofdm",
        ("rate=1/6",),
        ("encoder.variant=quantised", "encoder.bits_per_symbol=6"),
        (
            "multipath=channels/copy",
            "map=mappers/to_constellation:bits_per_symbol=6",
            "unmap=mappers/from_constellation",
        ),
    ),
    "HEVC + LDPC for 10 dB": (
        "radio-loopback-hevc",
        ("cbr=1/6", "samples_per_symbol=64/52"),
        ("burst.silence=256", "encoder.esn0_db=10"),
        OFDM,
    ),
    "HEVC + LDPC for 18 dB": (
        "radio-loopback-hevc",
        ("cbr=1/6", "samples_per_symbol=64/52"),
        ("burst.silence=256", "encoder.esn0_db=18"),
        OFDM,
    ),
}


def measured(system: str, esn0_db: float) -> dict[str, Any]:
    """Run one system at one Es/N0; return means, and the PSNR of each picture."""
    name, variables, sets, swaps = SYSTEMS[system]
    with tempfile.TemporaryDirectory() as folder:
        sets = (*sets, "burst.sample_rate_hz=2e7", f"report.out={folder}")
        overrides = Overrides.parse(vars=(*variables, f"esn0_db={esn0_db:g}"), sets=sets, swaps=swaps)
        result = run(load_graph(name, overrides), RunOptions("inline", items=PICTURES))
        with (Path(folder) / "metrics.csv").open(newline="", encoding="utf-8") as file:
            pictures = list(csv.DictReader(file))
    row: dict[str, Any] = {"read": result.blocks["sync"].counted.get("bursts", 0)}
    row |= {key: result.metrics[key] for key in ("psnr_db", "cbr", "papr_db")}
    row["failed"] = result.metrics.get("failed", 0.0)
    return row | {f"psnr_db {picture['label']}": picture["psnr_db"] for picture in pictures}


def measure(rows: Rows) -> None:
    """Measure what is missing."""
    for system in SYSTEMS:
        for esn0_db in ESN0S_DB:
            rows.once({"system": system, "esn0_db": esn0_db}, partial(measured, system, esn0_db))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/testbed-ofdm.csv"))
    measure(Rows(parser.parse_args().out))
