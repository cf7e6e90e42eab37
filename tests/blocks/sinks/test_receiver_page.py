"""The receiver's part of the report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from semcom.blocks._page.plot import Axis, Curve, plot
from semcom.blocks._page.receiver import Receiver
from semcom.blocks.envelope import State
from semcom.blocks.sinks.report import Report
from semcom.sim.waveform.reception import Reception

CHARTS = (
    "Spectrum", "Channel", "Before the equaliser", "After the equaliser", "Carrier offset", "Clock offset", "Es/N0",
    "Error of the pilots", "Phase along the burst", "Delay along the burst", "Detection of the last burst",
    "Detection over time",
)  # fmt: skip


def record(seq: int = 0, **changes: object) -> Reception:
    """Of a burst of 7 ms through a channel of gain 1/2, at 20 dB."""
    detection = np.full(193, 0.01, np.float32)
    detection[:10] = np.nan  # the stream began there
    detection[96] = 0.8
    points = np.exp(2j * np.pi * np.arange(64) / 8).astype(np.complex64)
    return Reception(
        seq=seq,
        start_s=seq * 0.01,
        duration_s=0.007,
        sample_rate_hz=1e7,
        band_hz=2.5e6,
        esn0_db=20.0,
        evm=0.1,
        cfo_hz=-12_345.6,
        clock_ppm=20.0,
        statistic=0.8,
        threshold=0.047,
        detection_step_s=2e-7,
        spectrum=np.ones(256, np.float32),
        response=np.full(129, 0.5, np.complex64),
        before=points,
        after=points,
        phase=np.linspace(0, np.pi / 2, 128, dtype=np.float32),
        delay=np.linspace(0, -1.4e-7, 40, dtype=np.float32),
        detection=detection,
        failures=3,
        lost=2,
    )._replace(**changes)


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def __str__(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.parts))


def part(*records: Reception) -> str:
    receiver = Receiver()
    for one in records:
        receiver.add(one)
    return receiver.section()


def test_bursts_are_counted_by_their_numbers() -> None:
    """Numbers 0 to 7, of which 2 are missing: six were read, beside three preambles that were not."""
    text = str(Text(part(*(record(seq) for seq in (0, 1, 3, 4, 6, 7)))))
    assert "Sent 8 by the numbers of those read, 0 to 7 Detected 9 preambles over the threshold Read 6" in text
    assert "Not read 3 false, header failed, or truncated Lost 2 numbers missing" in text


def test_estimates_are_means_with_their_ends() -> None:
    """10 dB and 0 dB are 7.40 dB in the mean; 0.1 and 0.7 are 0.5 rms."""
    text = str(Text(part(record(0, esn0_db=10.0), record(1, esn0_db=0.0, evm=0.7, cfo_hz=-12_000.0, statistic=0.3))))
    assert "Es/N0 7.40 dB 0.00 to 10.00 dB" in text
    assert "EVM 50.0 %" in text
    assert "Carrier offset \N{MINUS SIGN}12,172.8 Hz \N{MINUS SIGN}12,345.6 to \N{MINUS SIGN}12,000.0 Hz" in text
    assert "Clock offset 20.00 ppm 20.00 to 20.00 ppm" in text
    assert "at least 0.300 threshold 0.047" in text
    assert "7.000 ms 2.5 MHz at 10 MS/s; mean power 0.0 dB" in text


def test_every_chart_is_there_with_its_axes_and_the_threshold() -> None:
    page = part(record(0), record(1))
    assert [title for title in re.findall(r'<figure class="card"><h3>(.*?)</h3>', page)] == list(CHARTS)
    assert page.count('text-anchor="end">threshold 0.047<') == 2
    for axis in (
        "Power density under the greatest, dB", "Frequency from the carrier, MHz", "|H|, dB", "Carrier offset, kHz",
        "Sender&#x27;s clock against ours, ppm", "Estimated Es/N0, dB", "EVM behind the equaliser, %",
        "Phase left to the pilots, \N{DEGREE SIGN}", "Delay since the preamble, ns", "Time along the burst, ms",
        "Time from where the burst was found, \N{MICRO SIGN}s", "Time in the stream, ms", "Detection statistic",
    ):  # fmt: skip
        assert f">{axis}<" in page, axis
    assert "nan" not in page


def drawn(svg: str, text: str, where: str) -> float:
    """Return where a tick's number stands: its x or, less the text's half height, its y."""
    anchor = "middle" if where == "x" else "end"
    found = re.search(rf'<text x="([\d.]+)" y="([\d.]+)" text-anchor="{anchor}">{text}</text>', svg)
    assert found, text
    return float(found[1]) if where == "x" else float(found[2]) - 4


def test_a_curve_goes_through_its_ticks() -> None:
    svg = plot(
        [Curve(np.array([-2e6, 0.0, 2e6]), np.array([-20.0, 0.0, -10.0]))],
        Axis("Frequency", "Hz"),
        Axis("Gain", "dB"),
        title="a < b",
        mark=(-10.0, "half"),
    )
    points = re.search(r'class="line" points="([^"]+)"', svg)
    assert points
    (_, y0), (x1, y1), (x2, y2) = (tuple(map(float, pair.split(","))) for pair in points[1].split())
    assert (x1, x2) == (drawn(svg, "0", "x"), drawn(svg, "2", "x"))
    assert (y0, y1) == pytest.approx((drawn(svg, "\N{MINUS SIGN}20", "y"), drawn(svg, "0", "y")), abs=0.11)
    assert f'class="mark" d="M50 {y2:.1f}H448"' in svg
    assert 'aria-label="a &lt; b"' in svg


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.0], [np.nan], [1e-30, 2e-30], [-1e12, 1e12]])
def test_any_range_has_an_axis(values: list[float]) -> None:
    """One burst, a constant, nothing that is a number."""
    svg = plot([Curve(np.arange(len(values)), np.array(values))], Axis("Time", "s"), Axis("Offset", "Hz"), title="t")
    assert "nan" not in svg
    assert svg.count("<text") > 3


def test_a_gap_interrupts_a_curve() -> None:
    curve = Curve(np.arange(5), np.array([1.0, 2.0, np.nan, 2.0, 1.0]))
    assert plot([curve], Axis("Time", "s"), Axis("Level"), title="t").count("<polyline") == 2


def test_a_receiver_without_a_transmitter_has_its_page(tmp_path, delivery, run_sink) -> None:
    """Over the air nobody knows what was sent: pictures and receiver, no PSNR."""
    items = [delivery(seq)._replace(state=State(reception=record(seq), csi="pilots")) for seq in range(2)]
    run_sink(Report(Report.Params(out=str(tmp_path))), items, without=("sent", "channel_input", "channel_output"))
    text = str(Text((tmp_path / "report.html").read_text()))
    assert "PSNR" not in text
    assert "Receiver What the receiver found out by itself" in text
    assert "Read 2" in text


def test_without_a_receiver_nothing_is_said_of_one(tmp_path, delivery, run_sink) -> None:
    run_sink(Report(Report.Params(out=str(tmp_path))), [delivery(0)])
    assert "<h2>Receiver</h2>" not in (tmp_path / "report.html").read_text()


def test_a_day_of_bursts_stays_light() -> None:
    receiver = Receiver()
    one = record()
    for seq in range(5000):
        receiver.add(one._replace(seq=seq, start_s=seq * 0.01))
    page = receiver.section()
    assert "Over time: the last 2,000 bursts" in page
    assert "Read 5,000" in str(Text(page))
    assert len(page) < 300_000


def test_chromium_shows_the_receiver(tmp_path, delivery, run_sink, browser) -> None:
    items = [delivery(seq)._replace(state=State(reception=record(seq))) for seq in range(3)]
    run_sink(Report(Report.Params(out=str(tmp_path))), items)
    browser.open(tmp_path / "report.html", 390, 844)
    assert browser.complaints() == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    small = "[...document.querySelectorAll('.plot text')].filter(t => t.getBoundingClientRect().height < 8).length"
    assert browser.evaluate(small) == 0
