"""Videos over AWGN at equal channel uses a frame: DeepJSCC in three ways beside HEVC with low delay and LDPC.

    python benchmarks/video.py --data DIR [--only NAME]

Runs the shipped flowgraphs on the first frames of each video in DIR, scaled to 288 x 352, and once more with one frame
lost. Goes on where it was stopped. Writes ``docs/video-figures.csv``, ``docs/video-figures.md`` and
``docs/_static/video-loss.svg``.
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

DOCS = Path(__file__).resolve().parents[1] / "docs"
TABLE = DOCS / "video-figures.csv"
SYSTEMS = {
    "video-deepjscc": "every frame by itself",
    "video-motion": "averaged along the motion",
    "video-tiles": "changed tiles",
    "video-hevc": "HEVC low delay + LDPC",
}
LEVELS_DB = (5, 10, 15)
FRAMES = 24
SETTLED = 4
"""The first frames, in which what is built up is built up, are left out of the means and shown in the curve."""
LOST, LOST_DB = 12, 10


class Point(NamedTuple):
    """One frame; the fields are the columns."""

    video: str
    system: str
    esn0_db: int
    lost: int
    frame: int
    psnr_db: float
    ms_ssim: float
    cbr: float
    latency_s: float


def measured() -> list[Point]:
    """What the table holds."""
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8") as file:
        return [Point(row[0], row[1], *map(int, row[2:5]), *map(float, row[5:])) for row in list(csv.reader(file))[1:]]


def measure(path: Path, system: str, esn0_db: int, lost: int) -> list[Point]:
    """Run a flowgraph on one video; ``lost``: the number of a frame that does not arrive, or -1."""
    swaps = [f"channel={Path(__file__).with_name('one_frame_lost.py')}:seq={lost}"] if lost >= 0 else []
    with tempfile.TemporaryDirectory() as folder:
        graph = load_graph(
            system,
            Overrides.parse(
                vars=(f"video={path}", f"esn0_db={esn0_db}"),
                sets=("photos.size=[288, 352]", "pace.items_per_s=1000", f"report.out={folder}"),
                swaps=tuple(swaps),
            ),
        )
        run(graph, RunOptions("inline", items=FRAMES, out=Path(folder)))
        with (Path(folder) / "metrics.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    names = ("psnr_db", "ms_ssim", "cbr", "latency_s")
    return [
        Point(path.stem, system, esn0_db, lost, number, *(float(row[name]) for name in names))
        for number, row in enumerate(rows)
    ]


def mean(values: Iterable[float]) -> float:
    """The mean; NaN of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def page(points: list[Point]) -> str:
    """The page of figures."""
    lines = [
        "# Video: figures",
        "",
        f"Made by `benchmarks/video.py`: the first {FRAMES} frames of each video at 288 x 352 over AWGN, one draw of",
        "noise; the transmitter knows the mean Es/N0. PSNR in dB and MS-SSIM are means over the frames from number",
        f"{SETTLED} on; CBR is the mean over all frames, everything charged; latency is that from source to report,",
        "in one thread. How each system works: [video](video.md).",
        "",
    ]
    by: dict[tuple[str, int, str], list[Point]] = defaultdict(list)
    for point in points:
        if point.lost < 0:
            by[point.video, point.esn0_db, point.system].append(point)
    for video in sorted({key[0] for key in by}):
        lines += [
            f"## {video}",
            "",
            "| | CBR | " + " | ".join(f"{level} dB" for level in LEVELS_DB) + " | latency, ms |",
        ]
        lines.append("|---|---:|" + "---:|" * (len(LEVELS_DB) + 1))
        for system, name in SYSTEMS.items():
            cells = [by[video, level, system] for level in LEVELS_DB]
            frames = [point for cell in cells for point in cell]
            shown = [
                f"{mean(p.psnr_db for p in cell if p.frame >= SETTLED):.2f} / "
                f"{mean(p.ms_ssim for p in cell if p.frame >= SETTLED):.4f}"
                for cell in cells
            ]
            lines.append(
                f"| {name} | {mean(p.cbr for p in frames):.4f} | {' | '.join(shown)} | "
                f"{1000 * mean(p.latency_s for p in frames if p.frame >= SETTLED):.0f} |"
            )
        lines.append("")
    return "\n".join([*lines, *_gaps(by), *_loss(points)])


def _gaps(by: dict[tuple[str, int, str], list[Point]]) -> list[str]:
    """By how much each is before or behind DeepJSCC frame by frame."""
    lines = ["## PSNR over every frame by itself, in dB", "", "Means over the videos.", ""]
    lines += ["| | " + " | ".join(f"{level} dB" for level in LEVELS_DB) + " |", "|---|" + "---:|" * len(LEVELS_DB)]
    videos = sorted({key[0] for key in by})
    for system in list(SYSTEMS)[1:]:
        gains = [
            mean(
                mean(p.psnr_db for p in by[video, level, system] if p.frame >= SETTLED)
                - mean(p.psnr_db for p in by[video, level, "video-deepjscc"] if p.frame >= SETTLED)
                for video in videos
            )
            for level in LEVELS_DB
        ]
        lines.append(f"| {SYSTEMS[system]} | " + " | ".join(f"{gain:+.2f}" for gain in gains) + " |")
    return [*lines, ""]


def _loss(points: list[Point]) -> list[str]:
    """What one lost frame costs: the frames after it, without and with the loss."""
    without = {(p.video, p.system, p.frame): p.psnr_db for p in points if p.lost < 0 and p.esn0_db == LOST_DB}
    lines = [
        "## One frame lost",
        "",
        f"Frame {LOST} does not arrive, at {LOST_DB} dB: by how many dB each frame is behind the run without loss,",
        "mean over the videos.",
        "",
        "![PSNR of each frame, one frame lost](_static/video-loss.svg)",
        "",
        "| | " + " | ".join(str(frame) for frame in range(LOST, FRAMES)) + " |",
        "|---|" + "---:|" * (FRAMES - LOST),
    ]
    for system, name in SYSTEMS.items():
        behind = [
            mean(
                without[p.video, system, frame] - p.psnr_db
                for p in points
                if p.lost == LOST and p.system == system and p.frame == frame
            )
            for frame in range(LOST, FRAMES)
        ]
        lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in behind) + " |")
    return [*lines, ""]


def plot(points: list[Point]) -> None:
    """PSNR of each frame with one lost, a panel for each video."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "video"
    import matplotlib.pyplot as plt

    videos = sorted({point.video for point in points})
    figure, axes = plt.subplots(1, len(videos), figsize=(4 * len(videos), 3.2), squeeze=False)
    for panel, video in zip(axes[0], videos, strict=True):
        for system, name in SYSTEMS.items():
            found = [p for p in points if (p.video, p.system, p.lost) == (video, system, LOST)]
            panel.plot([p.frame for p in found], [p.psnr_db for p in found], label=name)
        panel.set(title=video, xlabel="frame", ylabel="PSNR in dB")
        panel.grid(alpha=0.3)
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(DOCS / "_static" / "video-loss.svg", metadata={"Date": None})


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="Folder of video files.")
    parser.add_argument("--only", default="", help="Measure videos whose name begins so; the page shows all.")
    given = parser.parse_args()
    points = measured()
    done = {point[:4] for point in points}
    for path in sorted(given.data.glob("*.mp4")):
        for system in SYSTEMS:
            for level, lost in [*((level, -1) for level in LEVELS_DB), (LOST_DB, LOST)]:
                if path.stem.startswith(given.only) and (path.stem, system, level, lost) not in done:
                    points += measure(path, system, level, lost)
                    with TABLE.open("w", encoding="utf-8", newline="") as file:
                        rows = csv.writer(file, lineterminator="\n")
                        rows.writerow(Point._fields)
                        rows.writerows([*point[:5], *(f"{value:.6g}" for value in point[5:])] for point in points)
    (DOCS / "video-figures.md").write_text(page(points), encoding="utf-8")
    plot(points)


if __name__ == "__main__":
    main()
