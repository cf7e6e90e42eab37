import csv
import html
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from semcom.blocks._page.charts import psnr_curve
from semcom.blocks._page.constellation import Constellation
from semcom.blocks._page.thumbnails import difference
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Header, HeaderEntry
from semcom.blocks.sinks.report import Report

YAML = """semcom: 1
name: chain
doc: "A <chain> & its noise."
seed: 7
blocks:
  encoder: {use: encoders/deepjscc, csit: mean}
  carrier: {use: channels/cfo, esn0_db: null}
  channel: {use: channels/awgn, esn0_db: 10.0}
  report: {use: sinks/report}  # </pre><script>document.title = 'broken'</script>
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="1800" height="120" viewBox="0 0 1800 120">'
    '<rect x="10" y="10" width="1780" height="100" rx="8" fill="#4a86d8"/></svg>'
)
RUN = RunContext("chain <b>", YAML, SVG, 7, {"semcom": "0.1.0", "numpy": "2.0"})


def make(path, **params) -> Report:
    return Report(Report.Params(out=str(path), **params))


class Reader(HTMLParser):
    """Collects the text, and what every tag would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.parts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loads += [values[name] for name in ("src", "href", "srcset", "data", "action") if values.get(name)]
        if tag == "img":
            self.images.append(values)
        if tag not in ("meta", "link", "img", "path", "rect", "circle", "image", "input", "polyline", "polygon"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.parts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.parts))


def read(path) -> Reader:
    reader = Reader()
    reader.feed((path / "report.html").read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == []
    return reader


def test_pictures_table_and_page_are_written(tmp_path, delivery, run_sink):
    items = [delivery(seq) for seq in range(3)]
    sink = run_sink(make(tmp_path), items, run=RUN)
    names = ["metrics.csv", "photo0-0000.png", "photo1-0001.png", "photo2-0002.png", "report.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert sorted(path.name for path in sink.files) == names
    for item in items:
        written = np.asarray(Image.open(tmp_path / f"{item.trace.label}-{item.identity.seq:04d}.png"))
        np.testing.assert_array_equal(written, item.received)
    with open(tmp_path / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["seq"] for row in rows] == ["0", "1", "2"]
    page = read(tmp_path)
    mean = np.mean([float(row["psnr_db"]) for row in rows])
    assert sink.measured["psnr_db"][1] / 3 == pytest.approx(mean)
    assert f"PSNR, mean {mean:.2f} dB" in page.text
    for row in rows:
        assert f"{float(row['psnr_db']):.2f}" in page.text


def test_the_page_says_which_field_is_not_sent(tmp_path, delivery, run_sink):
    item = delivery(0)
    header = Header({**item.header, "Map": HeaderEntry(30, bytes(4)), "Given": HeaderEntry(9, bytes(2), sent=False)})
    trace = item.trace.updated(None, {"rate_map_plain_bits": 96.0})
    run_sink(make(tmp_path), [item._replace(header=header, trace=trace)], run=RUN)
    text = read(tmp_path).text
    assert "9,216 payload + 92 side information" in text
    assert "46 bits a picture PowerBits: 16 bits Map: 30 bits Given: not sent charged at 0.5 bit a channel use" in text
    assert "Rate map without its coder 96 bits 4 a patch, as published" in text
    assert "CBR at capacity 0.083" in text


def test_the_page_states_what_crossed_the_channel(tmp_path, delivery, run_sink):
    run_sink(make(tmp_path), [delivery(seq) for seq in range(2)], run=RUN)
    text = read(tmp_path).text
    assert "9,248 channel uses / 110,592 source values" in text
    assert "9,216 payload + 32 side information" in text
    assert "16 bits a picture PowerBits: 16 bits charged at 0.5 bit a channel use" in text
    assert "Es/N0, label 10 dB of block channel" in text
    assert "of block carrier" not in text  # it states none
    measured = re.search(r"Es/N0, measured (\S+) dB 99 % interval (\S+) to (\S+) dB, 18,432 symbols", text)
    assert measured
    value, low, high = map(float, measured.groups())
    assert low < value < high
    assert low - 0.1 < 10 < high + 0.1
    assert "(CSI) perfect" in text
    assert "(CSIT) mean of block encoder" in text
    assert "Difference × 8" in text
    assert "Seed 7 · semcom 0.1.0 · numpy 2.0" in text


def test_the_waveforms_efficiency_stands_beside_the_cbr(tmp_path, delivery, run_sink):
    item = delivery(0, side=32)
    for efficiency, said in ((0.93, True), (1.0, False)):
        trace = item.trace.updated(None, {"waveform_efficiency": efficiency})
        run_sink(make(tmp_path), [item._replace(trace=trace)], run=RUN)
        text = read(tmp_path).text
        assert ("Waveform efficiency 0.93 cyclic prefix, preamble, fill, roll-off; not in the CBR" in text) is said


def test_pictures_that_were_not_decoded_are_said_at_the_top(tmp_path, delivery, run_sink):
    items = [delivery(seq, side=32) for seq in range(3)]
    for lost in (0, 2):
        failed = [
            item._replace(trace=item.trace.updated(None, {"failed": float(n < lost)})) for n, item in enumerate(items)
        ]
        run_sink(make(tmp_path), failed, run=RUN)
        said = "Not decoded: 2 of 3 pictures. What the decoder gives in their place is in the means below."
        assert (said in read(tmp_path).text) is (lost > 0)


def test_the_page_is_escaped_and_loads_nothing(tmp_path, delivery, run_sink):
    label = "<img src=http://example.org/x.png onerror=alert(1)>"
    run_sink(make(tmp_path), [delivery(0, side=32, label=label)], run=RUN)
    page = read(tmp_path)
    assert all(target.startswith("data:") for target in page.loads)
    assert label in page.text
    assert all(html.escape(label) not in image["alt"] and label in image["alt"] for image in page.images[:3])
    assert "document.title = 'broken'" in page.text  # as text of the YAML, not as a script
    source = (tmp_path / "report.html").read_text()
    assert source.count("<script>") == 1
    assert "A <chain> & its noise." in page.text
    assert "default-src 'none'" in source


def test_every_picture_has_a_text(tmp_path, delivery, run_sink):
    run_sink(make(tmp_path), [delivery(0, side=32)], run=RUN)
    alts = [image["alt"] for image in read(tmp_path).images]
    assert alts == [
        "photo0, sent",
        "photo0, received",
        "photo0, difference, amplified 8 times",
        "The blocks of the flowgraph and their connections",
    ]


def test_a_run_that_ended_early_says_so(tmp_path, delivery, run_sink):
    run_sink(make(tmp_path), [delivery(0, side=32)], run=RunContext(complete=False))
    assert "This run ended early. It holds what was finished before the end: 1 picture." in read(tmp_path).text
    run_sink(make(tmp_path), [delivery(0, side=32)], run=RunContext())
    assert "ended early" not in read(tmp_path).text


def test_a_run_without_items_has_a_page(tmp_path, run_sink):
    run_sink(make(tmp_path), [], run=RunContext(complete=False))
    assert "No picture arrived." in read(tmp_path).text


def test_pictures_alone_make_a_page(tmp_path, delivery, run_sink):
    run_sink(make(tmp_path), [delivery(0, side=32)], without=("sent", "channel_input", "channel_output"))
    page = read(tmp_path)
    assert [image["alt"] for image in page.images] == ["photo0, received"]
    assert "Constellation" not in page.text


def test_equal_runs_give_equal_pages(tmp_path, delivery, run_sink):
    for name in ("one", "two"):
        run_sink(make(tmp_path / name), [delivery(seq, side=48) for seq in range(2)], run=RUN)
    one, two = ((tmp_path / name / "report.html").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_long_run_shows_the_first_pictures_and_stays_light(tmp_path, delivery, run_sink):
    few = [delivery(seq, side=24) for seq in range(6)]
    items = [few[seq % 6]._replace(identity=few[0].identity._replace(seq=seq)) for seq in range(300)]
    run_sink(make(tmp_path, max_pictures=2), items, run=RUN)
    page = read(tmp_path)
    assert len(page.images) == 2 * 3 + 1
    assert "The first 2 of 300." in page.text
    assert "<polyline" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "report.html").stat().st_size < 150_000
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 301


def test_large_pictures_are_scaled_down_on_the_page_alone(tmp_path, delivery, run_sink):
    item = delivery(0, side=200)
    run_sink(make(tmp_path, thumbnail_pixels=64), [item._replace(sent=item.sent[:100], received=item.received[:100])])
    assert {(image["width"], image["height"]) for image in read(tmp_path).images} == {("64", "32")}
    with Image.open(tmp_path / "photo0-0000.png") as picture:
        assert picture.size == (200, 100)


def test_the_difference_is_amplified_and_saturates():
    sent = np.array([[[10, 10, 250]]], np.uint8)
    received = np.array([[[13, 8, 50]]], np.uint8)
    np.testing.assert_array_equal(difference(sent, received, 8), [[[24, 16, 255]]])


def test_the_constellation_counts_every_symbol_and_keeps_one_scale():
    drawing = Constellation()
    qpsk = np.array([1 + 1j, -1 + 1j, -1 - 1j, 1 - 1j], np.complex64) / np.sqrt(2).astype(np.float32)
    for _ in range(3):
        drawing.add(before=qpsk, after=None)
    drawing.add(before=np.array([100, np.nan, np.inf], np.complex64), after=np.zeros(0, np.complex64))
    assert drawing.counts == {"before": 15}
    assert drawing.outside("before") == 3
    picture = drawing._picture("before")
    rows, columns = np.nonzero(picture[..., 3])
    half = picture.shape[0] / 2
    assert {(row > half, column > half) for row, column in zip(rows, columns, strict=True)} == {
        (False, False), (False, True), (True, False), (True, True),
    }  # fmt: skip
    assert len(rows) == 4
    assert len(drawing.svg("before", "x")) < 6_000


def test_the_curve_holds_many_items_and_infinite_ones():
    values = np.full(100_000, 30.0)
    values[::2] = np.inf
    drawn = psnr_curve(values)
    assert len(drawn) < 20_000
    assert "from 30.00 to 30.00 dB" in drawn
    assert "without an error" in psnr_curve([np.inf] * 50)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_chromium_shows_the_page_at_phone_and_desktop_width(tmp_path, delivery, run_sink, browser, scheme):
    items = [delivery(seq, label="a_rather_long_label_without_any_blank" * (1 + 2 * seq)) for seq in range(2)]
    run_sink(make(tmp_path / "few"), items, run=RUN)
    many = [delivery(seq, side=16) for seq in range(60)]
    early = RunContext(
        "a_name_that_has_no_place_to_break_a_line_" * 2, YAML, SVG, 7, {"semcom": "0.1.0"}, complete=False
    )
    run_sink(make(tmp_path / "many"), many, run=early)
    for name in ("few", "many"):
        for width, height in ((360, 800), (1280, 900)):
            browser.open(tmp_path / name / "report.html", width, height, scheme)
            assert browser.complaints() == []
            assert browser.requests() == []
            assert browser.evaluate("innerWidth") == width
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert browser.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            assert browser.evaluate("document.title") != "broken"
            sizes = "[...document.querySelectorAll('p, td, th, dd, small')].map(e => getComputedStyle(e).fontSize)"
            assert min(float(size.removesuffix("px")) for size in browser.evaluate(sizes)) >= 12
            if name == "few":
                browser.evaluate("document.querySelector('button').click()")
                assert browser.evaluate("document.querySelector('.compare input').getBoundingClientRect().width") > 200
                assert browser.evaluate("document.documentElement.scrollWidth") <= width
                assert browser.complaints() == []


def test_the_browser_notices_what_the_page_must_not_do(tmp_path, browser):
    page = tmp_path / "bad.html"
    page.write_text(
        '<!DOCTYPE html><meta name="viewport" content="width=device-width"><div style="width:700px">wide</div>'
        '<img src="missing.png"><script>console.error("no"); undefined_name()</script>'
    )
    browser.open(page, 360, 800)
    assert len(browser.complaints()) >= 2
    assert [url.rsplit("/", 1)[1] for url in browser.requests()] == ["missing.png"]
    assert browser.evaluate("document.documentElement.scrollWidth") > 360
