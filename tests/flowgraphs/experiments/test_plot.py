from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image
from semcom.errors import InputError, MissingExtra, UsageError
from semcom.flowgraphs.experiments.plot import plot_sweep
from semcom.flowgraphs.experiments.points import point_columns
from semcom.flowgraphs.experiments.results import write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Points of two systems at three SNRs and two rates; at the highest SNR nothing failed."""
    rows = []
    for system in ("hevc-ldpc", "deepjscc"):
        for esn0_db in (0, 5, 10):
            for rate in ("1/24", "1/12"):
                failed = {0: 0.5, 5: 0.1, 10: 0.0}[esn0_db]
                quality = {"psnr_db": 20.0 + esn0_db, "psnr_db_low": 19.0 + esn0_db, "psnr_db_high": 21.0 + esn0_db}
                rates = {"failure_rate": failed, "failure_rate_low": failed / 2, "failure_rate_high": failed + 0.04}
                counts = {"items": 24, "pictures": 24, "draws": 1}
                names = {"system": system, "graph_hash": "x", "channel.esn0_db": str(esn0_db), "rate": rate}
                rows.append({**names, **counts, **quality, **rates})
    path = tmp_path / "sweep"
    path.mkdir()
    write_table(path / "points.csv", point_columns(("channel.esn0_db", "rate")), rows)
    return path


def test_draws_svg_and_png_with_units_and_a_legend(folder):
    svg, png = plot_sweep(folder, x="esn0_db", title="Kodak")
    assert (svg.name, png.name) == ("psnr_db.svg", "psnr_db.png")
    text = svg.read_text()
    for words in ("PSNR in dB", "hevc-ldpc, rate 1/24", "deepjscc, rate 1/12", "Kodak", "95 % intervals; 24 pictures"):
        assert words in text
    with Image.open(png) as picture:
        assert picture.width > 800
    before = svg.read_bytes()
    assert plot_sweep(folder, x="channel.esn0_db", title="Kodak")[0].read_bytes() == before


def test_error_rates_have_a_logarithmic_axis_and_zeros_an_arrow(folder, tmp_path):
    (file,) = plot_sweep(folder, y="failure_rate", file=tmp_path / "new" / "rate.svg")
    text = file.read_text()
    assert "picture failure rate" in text
    assert "arrows: no error seen, upper end" in text


def test_lines_by_an_axis(folder, tmp_path):
    (file,) = plot_sweep(folder, x="rate", by="esn0_db", file=tmp_path / "rate.svg")
    text = file.read_text()
    for words in ("1/24", "esn0_db 10, hevc-ldpc"):
        assert words in text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": "system"}, "--y system: .*points.csv has no such measurement"),
        ({"y": "psnr"}, "--y psnr: .*points.csv has no such measurement \\(did you mean 'psnr_db'\\?\\)"),
        ({"y": "ssim"}, "--y ssim: no point of .* has a finite one; these do: items, pictures, draws, psnr_db, "),
        ({"x": "snr"}, "snr: not an axis of the sweep in .*sweep \\(there are: channel.esn0_db, rate\\)"),
        ({"by": "label"}, "label: not an axis of the sweep"),
        ({"file": Path("plot.gif")}, "--out plot.gif: expected a name that ends with .svg, .png, .pdf"),
    ],
)
def test_what_is_not_there_is_said(folder, given, message):
    with pytest.raises(UsageError, match=message):
        plot_sweep(folder, **given)


def test_a_folder_without_a_sweep(folder, tmp_path):
    with pytest.raises(InputError, match=r"expected the folder of a sweep, with points.csv; `semcom sweep --out"):
        plot_sweep(tmp_path)
    (folder / "points.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"points.csv: expected the points of a sweep, got other columns"):
        plot_sweep(folder)
    write_table(folder / "points.csv", point_columns(()), [])
    with pytest.raises(InputError, match=r"points.csv: has no points yet; let the sweep go on"):
        plot_sweep(folder)


def test_without_matplotlib_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r'semcom plot needs matplotlib: pip install "gr-semcom\[plot\]"'):
        plot_sweep(folder)
