from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.errors import UsageError
from semcom.flowgraphs.experiments.measure.dimensionality import dimensions


def test_table_1_of_the_paper():
    """Khalid et al. 2025, Table 1: shape, compression ratio, per cent of the original."""
    rows = {row.system: row for row in dimensions([512])}
    table = {
        "SC-SIC": ((16, 12, 12), 341, "0.29"),
        "Img2Img-SC": ((4, 64, 64), 48, "2.08"),
        "DIFFSC": ((8, 32, 32), 96, "1.04"),
        "CASC": ((8, 32, 32), 96, "1.04"),
    }
    for system, (shape, ratio, percent) in table.items():
        row = rows[system]
        assert (row.transmitted, int(row.dimension_ratio), f"{row.percent_of_original:.2f}") == (shape, ratio, percent)


def test_at_1024_with_and_without_the_downscaling():
    """Section 4.3.5: [16, 24, 24] and [16, 32, 32], compression ratios 341 and 192."""
    rows = {row.system: row for row in dimensions([1024]) if "mini" not in row.system}
    found = {name: (row.transmitted, int(row.dimension_ratio)) for name, row in rows.items()}
    assert found == {"SC-SIC": ((16, 24, 24), 341), "SC-SIC, not downscaled": ((16, 32, 32), 192)}


def test_channel_uses_are_half_the_values_and_the_cbr_is_theirs():
    rows = {(row.system, row.side): row for row in dimensions([512, 1024])}
    expected = {
        ("SC-SIC", 512): Fraction(16 * 12 * 12 // 2, 3 * 512**2),
        ("SC-SIC", 1024): Fraction(16 * 24 * 24 // 2, 3 * 1024**2),
        ("SC-SIC, not downscaled", 1024): Fraction(1, 384),
        ("Img2Img-SC", 512): Fraction(1, 96),
        ("DIFFSC", 512): Fraction(1, 192),
        ("SC-SIC mini-48", 256): Fraction(1, 96),
    }
    assert {key: Fraction(rows[key].channel_uses, 3 * key[1] ** 2) for key in expected} == expected
    assert {key: rows[key].cbr for key in expected} == {key: float(value) for key, value in expected.items()}
    assert rows["SC-SIC", 1024].channel_uses == 4608
    assert round(1 / rows["SC-SIC", 1024].cbr) == 683


def test_the_table_and_the_plot():
    result = CliRunner().invoke(main, ["measure", "dimensionality", "--side", "512", "--out", "there"])
    assert result.exit_code == 0, result.output
    for words in ("[3, 512, 512]", "[16, 12, 12]", "341", "0.29 %", "1/683"):
        assert words in result.output
    with open("there/dimensionality.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = "system side transmitted values dimension_ratio percent_of_original channel_uses cbr source"
    assert list(rows[0]) == columns.split()
    assert all("Table 1" in row["source"] for row in rows if row["system"] in ("Img2Img-SC", "DIFFSC", "CASC"))
    assert "dimension ratio, source values per value sent" in Path("there/dimensionality.svg").read_text()


@pytest.mark.parametrize("side", [500, 0, -512])
def test_a_side_that_does_not_fit_is_said(side):
    with pytest.raises(UsageError, match=rf"--side {side}: expected a multiple of 64, such as 512 or 1024"):
        dimensions([side])
