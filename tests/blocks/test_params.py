from __future__ import annotations

import pytest
from pydantic import Field, ValidationError
from semcom.blocks.params import BlockParams, Live, live_names


class Params(BlockParams):
    esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="Es/N0 in dB.")
    taps: int = 3


def message(**values):
    with pytest.raises(ValidationError) as caught:
        Params(**values)
    (error,) = caught.value.errors()
    return error["loc"], error["msg"]


def test_live_parameters_are_named():
    assert live_names(Params) == {"esn0_db"}
    assert live_names(BlockParams) == frozenset()


def test_a_live_parameter_keeps_its_bounds_and_its_mark_is_readable():
    assert message(esn0_db=99) == (("esn0_db",), "Input should be less than or equal to 60")
    assert "Live" in repr(Params.model_fields["esn0_db"])


def test_parameters_are_frozen():
    with pytest.raises(ValidationError, match="Instance is frozen"):
        Params().taps = 4  # type: ignore[misc]


def test_unknown_names_and_numbers_that_are_not_finite_are_errors():
    assert message(sed=3) == (("sed",), "Extra inputs are not permitted")
    assert message(esn0_db=float("nan")) == (("esn0_db",), "Input should be a finite number")


def test_a_default_that_breaks_its_own_bound_is_found():
    class Wrong(BlockParams):
        taps: int = Field(0, ge=1)

    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Wrong()
