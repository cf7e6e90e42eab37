"""What others have published for the Kodak pictures: PSNR in dB by channel, CBR and SNR; facts, with their source.

None of it was measured here, and no two sources count bandwidth and noise alike: `CAVEATS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

__all__ = ["CAVEATS", "PUBLISHED", "Published", "published_tables"]


class Published(NamedTuple):
    """A curve or a table of somebody else.

    Attributes:
        system: Who.
        source: Where it stands, and how it was read from there.
        channel: ``awgn``, or ``rayleigh`` as the source has it.
        psnr_db: (CBR as text, SNR in dB) → PSNR in dB.
    """

    system: str
    source: str
    channel: str
    psnr_db: Mapping[tuple[str, int], float]


def _grid(cbrs: str, rows: Mapping[int, str]) -> dict[tuple[str, int], float]:
    """A table: a row an SNR, a column a CBR; ``-`` where nothing stands."""
    return {
        (cbr, level): float(text)
        for level, row in rows.items()
        for cbr, text in zip(cbrs.split(), row.split(), strict=True)
        if text != "-"
    }


WITT = "figures in the repository KeYang8/WITT, read off"
NTSCC_PLUS = "figure of the paper on NTSCC+, read off"
PUBLISHED = (
    Published(
        "SwinJSCC, SA and RA, base",
        "semcomm/SwinJSCC, issue 14: a user's run of the authors' checkpoint, one network",
        "awgn",
        _grid(
            "1/48 1/24 1/16 1/12 1/8",
            {
                1: "26.43 28.35 29.54 30.35 31.41",
                4: "27.65 29.73 31.09 31.98 33.19",
                7: "28.49 30.79 32.27 33.34 34.76",
                10: "29.04 31.55 33.17 34.41 36.05",
                13: "29.38 32.05 33.80 35.19 37.05",
            },
        ),
    ),
    Published(
        "BPG + capacity",
        "CompressAI, bpg_444_x265_ycbcr.json, interpolated over the logarithm of the rate; rate from Shannon's formula",
        "awgn",
        _grid(
            "1/96 1/48 1/24 1/16 1/12 1/6",
            {
                0: "- - 27.95 29.25 30.32 33.32",
                5: "- 28.04 30.43 32.05 33.46 37.33",
                10: "27.54 29.78 32.61 34.59 36.27 40.74",
                15: "28.61 31.18 34.44 36.80 38.58 43.33",
                20: "29.64 32.42 36.04 38.53 40.48 -",
            },
        ),
    ),
    Published(
        "WITT",
        WITT,
        "awgn",
        _grid("0.0104 0.0208 0.0417 0.0625 0.0833 0.125", {10: "27.4 29.35 31.9 33.6 35.0 37.15"})
        | _grid("1/16", {1: "29.7", 4: "31.3", 7: "32.6", 13: "34.3"}),
    ),
    Published(
        "DeepJSCC, 256 filters",
        f"{WITT}; a network a rate",
        "awgn",
        _grid("0.0208 0.0417 0.0833 0.125", {10: "27.45 29.95 33.05 34.8"})
        | _grid("1/16", {1: "28.1", 4: "29.5", 7: "30.45", 10: "31.5", 13: "32.1"}),
    ),
    Published(
        "NTSCC",
        "wsxtyrdd/NTSCC_JSAC22, issue 13: a user's run",
        "awgn",
        _grid("0.0255 0.0374 0.0517 0.0706", {10: "29.79 31.82 33.52 34.67"}),
    ),
    Published(
        "NTSCC+",
        NTSCC_PLUS,
        "awgn",
        _grid("0.0157 0.030 0.056 0.070 0.0905", {10: "29.0 31.25 34.0 35.0 36.1"}),
    ),
    Published(
        "NTSCC++",
        NTSCC_PLUS,
        "awgn",
        _grid("0.0162 0.0305 0.0567 0.0712 0.0913", {10: "29.45 31.75 34.5 35.5 36.65"}),
    ),
    Published(
        "WITT",
        WITT,
        "rayleigh",
        _grid("1/16", {1: "28.3", 4: "29.45", 7: "30.3", 10: "30.8", 13: "31.2"}),
    ),
    Published(
        "DeepJSCC, 256 filters",
        WITT,
        "rayleigh",
        _grid("1/16", {1: "26.65", 4: "27.7", 7: "28.4", 10: "29.2", 13: "29.55"}),
    ),
)
CAVEATS = (
    "SNR is Es/N0 per complex symbol in all of them, as here; WITT, SwinJSCC and NTSCC normalise the power of a whole "
    "batch. Not in their CBR: which channels of features are sent (SwinJSCC), the power's scale (all). NTSCC+ charges "
    "its coded map of rates at capacity, and here every header is charged at half a bit a use. Rayleigh in WITT is a "
    "real gain of its own for each symbol, without an equaliser: another channel than the one measured here. Values "
    "that were read off a figure are good to some 0.1 dB."
)


def published_tables() -> list[str]:
    """Tables: one of all that is known at 10 dB over AWGN, and one of each system by SNR where it has several."""
    lines = ["| AWGN, 10 dB | CBR: PSNR in dB | source |", "|---|---|---|"]
    for one in PUBLISHED:
        if one.channel == "awgn":
            points = sorted((float(Fraction(cbr)), psnr) for (cbr, level), psnr in one.psnr_db.items() if level == 10)
            text = ", ".join(f"{cbr:.4f}: {psnr:.2f}" for cbr, psnr in points)
            lines.append(f"| {one.system} | {text} | {one.source} |")
    by_snr = ["| over SNR | channel | CBR | SNR in dB: PSNR in dB |", "|---|---|---|---|"]
    for one in PUBLISHED:
        for cbr in dict.fromkeys(cbr for cbr, _ in one.psnr_db):
            found = sorted((level, psnr) for (at, level), psnr in one.psnr_db.items() if at == cbr)
            if len(found) > 1:
                text = ", ".join(f"{level}: {psnr:.2f}" for level, psnr in found)
                by_snr.append(f"| {one.system} | {one.channel} | {cbr} | {text} |")
    return [*lines, "", *by_snr]
