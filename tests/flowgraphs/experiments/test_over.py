from __future__ import annotations

import pytest
from semcom.errors import UsageError
from semcom.flowgraphs.experiments.over import grid, parse_over, point_text, value_text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("esn0_db=0:20:5", (0, 5, 10, 15, 20)),
        ("esn0_db=0:21:5", (0, 5, 10, 15, 20)),
        ("x=-2.5:0:1.25", (-2.5, -1.25, 0.0)),
        ("x=3:1:-1", (3, 2, 1)),
        ("x=5:5:1", (5,)),
        ("x=1e0:3e0:1", (1, 2, 3)),
        ("rate=1/24,1/12", ("1/24", "1/12")),
        ("x=5", (5,)),
        ("x= 5, 7.5 , 5", (5, 7.5)),
        ("photos.size=[64, 96],[128, 192]", ([64, 96], [128, 192])),
        ("encoder.variant=adaptive,linear", ("adaptive", "linear")),
        ("x=true,false", (True, False)),
    ],
)
def test_values(text, values):
    over = parse_over(text)
    assert over.values == values
    assert [type(value) for value in over.values] == [type(value) for value in values]


def test_a_range_has_no_rounding_errors():
    assert parse_over("x=0:1:0.1").values == tuple(number / 10 for number in range(11))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("esn0_db", "expected NAME=START:STOP:STEP or NAME=VALUE,VALUE"),
        ("=1:2:3", "expected NAME=START:STOP:STEP"),
        ("a.b.c=1", "expected NAME=START:STOP:STEP"),
        ("esn0_db=", "expected values, got none"),
        ("esn0_db=0:20:0", "expected a step other than 0"),
        ("esn0_db=20:0:2", "the step leads away from 0; expected 20:0:-2"),
        ("esn0_db=0:1e9:1", "expected at most 10000 values, got 1000000000"),
        ("esn0_db=0:20", "expected START:STOP:STEP or values with commas between them, got '0:20'"),
        ("esn0_db=1,,2", "expected START:STOP:STEP or values"),
        ("esn0_db=[1", "expected START:STOP:STEP or values"),
        ("esn0_db=1],[2", "expected START:STOP:STEP or values"),
        ("esn0_db=null", "expected START:STOP:STEP or values"),
    ],
)
def test_wrong_texts(text, message):
    with pytest.raises(UsageError) as caught:
        parse_over(text)
    assert str(caught.value).startswith(f"--over {text}: {message}")


def test_the_grid_is_the_product():
    points = grid([parse_over("a=1,2"), parse_over("b=x,y")])
    assert points == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]
    assert grid([]) == [{}]


def test_wrong_grids():
    with pytest.raises(UsageError, match="--over a: given twice"):
        grid([parse_over("a=1"), parse_over("a=2")])
    with pytest.raises(UsageError, match="expected at most 10000 points, got 1002001"):
        grid([parse_over("a=0:1000:1"), parse_over("b=0:1000:1")])


def test_texts_of_values_and_points():
    assert [value_text(value) for value in ("1/12", 5, 0.5, True, [1, 2])] == ["1/12", "5", "0.5", "true", "[1, 2]"]
    assert [value_text(value) for value in (10.0, -0.0, 1e300, float("inf"))] == ["10", "0", "1e+300", "Infinity"]
    assert point_text({"a": 5, "b": "1/12"}) == "a=5 b=1/12"
    assert point_text({}) == "the only point"
