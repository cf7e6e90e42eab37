"""`adaptation/rate_control` and `adaptation/esn0`: what is measured travels back and becomes a rate."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks._adaptation.link import LinkSettings, read_link
from semcom.blocks.adaptation.esn0 import Esn0
from semcom.blocks.adaptation.rate_control import RateControl
from semcom.blocks.encoders.cdm_jscc import CdmJscc
from semcom.blocks.encoders.deepjscc import Deepjscc
from semcom.blocks.encoders.image_codec import ImageCodec
from semcom.blocks.envelope import Header, State
from semcom.errors import SignalError

IMAGE = np.zeros((8, 8, 3), np.uint8)


def block(**params: object) -> RateControl:
    made = RateControl(RateControl.Params.model_validate(params))
    made.start()
    return made


def chosen(made: RateControl, esn0_db: float | None) -> tuple[float, float]:
    out = made.work(IMAGE, None if esn0_db is None else np.array([esn0_db], np.float32))
    assert out.value.dtype == np.float32
    return tuple(out.value.tolist())


def test_a_level_brings_its_rate_and_its_threshold() -> None:
    """Three levels; up after one estimate 1 dB above, down at once, to the lowest after two pictures of silence."""
    made = block(thresholds_db=[6, 12], cbrs=["1/6", "1/12", 0.03125], lowest_db=1, dwell=1, silence=2)
    path = [chosen(made, esn0_db) for esn0_db in (0, 7, 13, 12, 11, None, None)]
    levels = [(1 / 6, 1), (1 / 12, 6), (0.03125, 12), (0.03125, 12), (1 / 12, 6), (1 / 12, 6), (1 / 6, 1)]
    assert path == [(pytest.approx(cbr), esn0_db) for cbr, esn0_db in levels]
    assert made.counted == {"level_0": 2, "level_1": 3, "level_2": 2, "level_changes": 4, "silent": 2}


def test_one_rate_serves_all_levels() -> None:
    made = block(cbrs=["1/8"], dwell=1, margin_db=2)
    assert [chosen(made, esn0_db) for esn0_db in (0, 30)] == [(0.125, -2), (0.125, 14)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"thresholds_db": [6, 6]}, r"expected lowest_db and thresholds_db that rise, got \[0.0, 6.0, 6.0\]"),
        ({"thresholds_db": [6], "lowest_db": 7}, r"that rise, got \[7.0, 6.0\]"),
        ({"thresholds_db": [6, 9], "cbrs": [0.1, 0.2]}, "one for all levels or one for each of 3, got 2"),
    ],
)
def test_levels_that_do_not_fit_are_refused(params: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RateControl.Params.model_validate(params)


def test_the_estimate_becomes_a_value() -> None:
    value = Esn0().work(np.zeros(3, np.complex64), State(esn0_db=12.5))
    assert (value.tolist(), value.dtype) == ([12.5], np.float32)
    with pytest.raises(SignalError, match="adaptation/esn0: expected esn0_db in the receiver's state, got none"):
        Esn0().work(np.zeros(3, np.complex64), State(n0=0.1))


def test_what_encoders_are_told_is_read_back_and_bounded() -> None:
    assert read_link("x", LinkSettings(0.25, 12.5).packed()) == (0.25, 12.5)
    assert read_link("x", LinkSettings(0.25, -70.0).packed()) == (0.25, -30.0)
    for wrong in ([0.0, 10.0], [np.nan, 10.0], [0.25, np.inf], [2000.0, 1.0]):
        with pytest.raises(SignalError, match=r"x: link: expected a CBR and an Es/N0 in dB, got \["):
            read_link("x", np.array(wrong, np.float32))


@pytest.mark.parametrize("cbr", [Fraction(7, 10), Fraction(1, 6), Fraction(1, 48), Fraction(999), Fraction(1, 1 << 14)])
def test_a_cbr_comes_through_single_precision_as_it_was(cbr: Fraction) -> None:
    """7/10 of the 300 values of 10 x 10 pixels are 210 channel uses, and 209 where it is rounded."""
    assert read_link("x", LinkSettings(float(cbr), 0.0).packed()).cbr == cbr


@pytest.mark.parametrize(
    ("encoder", "params", "cbr"),
    [
        (Deepjscc, {"rate": "1/24", "esn0_db": 7}, 0.05),  # 1/24 is the greatest that is not above
        (CdmJscc, {"cbr": 0.0625, "esn0_db": 7}, 0.0625),
        (ImageCodec, {"codec": "jpeg2000", "cbr": 0.25, "esn0_db": 7}, 0.25),
    ],
)
def test_an_encoder_that_is_told_does_what_one_with_these_parameters_does(
    encoder: type[Any], params: dict[str, Any], cbr: float
) -> None:
    photo = np.random.default_rng(3).integers(90, 160, (64, 64, 3)).astype(np.uint8)
    told, given = (
        encoder(encoder.Params.model_validate(some))
        for some in ({name: value for name, value in params.items() if name == "codec"}, params)
    )
    told.start()
    given.start()
    out, expected = told.work(photo, LinkSettings(cbr, 7.0).packed()), given.work(photo)
    np.testing.assert_array_equal(out.value, expected.value)
    assert Header().with_fields(*out.header) == Header().with_fields(*expected.header)
    assert told.work(photo).value.size != out.value.size  # without it the parameters hold again


def test_a_cbr_below_every_rate() -> None:
    encoder = Deepjscc()
    encoder.start()
    with pytest.raises(SignalError, match=r"deepjscc: expected a CBR of at least 1/48, got 0\.01"):
        encoder.work(np.zeros((16, 16, 3), np.uint8), LinkSettings(0.01, 5.0).packed())
