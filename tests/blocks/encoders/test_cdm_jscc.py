import functools
import math
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.blocks.encoders.cdm_jscc import CdmJscc
from semcom.blocks.envelope import Header
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.errors import MissingExtra, SignalError, WeightsError
from semcom.models.patch_rates.rate_map import LEVELS
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.field import HeaderField
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.rate_map import RateMap


@functools.cache
def block(**params: Any) -> CdmJscc:
    torch.set_num_threads(1)
    made = CdmJscc(CdmJscc.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int, width: int) -> np.ndarray:
    """Smooth at the left, busy at the right."""
    rng = np.random.default_rng(1)
    smooth = rng.normal(0, 2, (height, width, 3)).cumsum(0).cumsum(1) / 8
    busy = rng.normal(0, 40, (height, width, 3)) * (np.arange(width) > width / 2)[:, None]
    return (smooth + busy + 120).clip(0, 255).astype(np.uint8)


def sent(fields: tuple[HeaderField, ...]) -> Header:
    return Header().with_fields(*fields)


@pytest.mark.parametrize(("cbr", "esn0_db"), [("1/48", 10), ("1/24", 10), ("1/24", 1), (0.1, 20)])
def test_the_budget_is_met_with_everything_charged(cbr: str | float, esn0_db: float) -> None:
    out = block(cbr=cbr, esn0_db=esn0_db).work(photo(256, 256))
    mapped = RealToComplex().work(out.value)
    header = sent((*out.header, *mapped.header))
    found = (mapped.value.size + header.uses) / (3 * 256 * 256)
    assert 0.99 * Fraction(cbr) < found <= Fraction(cbr)
    assert np.mean(np.abs(mapped.value) ** 2) == pytest.approx(1, abs=1e-3)
    assert header.bits == 32 + 24 + 9 + 16 + header.read(RateMap).bits()
    assert header.read(RateMap).bits() < 3 * 256


def test_rates_rise_with_eta_and_busy_patches_get_more() -> None:
    image = photo(96, 128)
    sizes = []
    for eta in (0.02, 0.1, 0.5, 2.0):
        out = block(eta=eta, cbr="1/48").work(image)  # eta rules
        levels = sent(out.header).read(RateMap).array()
        assert out.value.size == np.asarray(LEVELS)[levels].sum()
        assert levels[:, 5:].mean() >= levels[:, :3].mean()
        sizes.append(out.value.size)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert levels[:, 5:].mean() > levels[:, :3].mean()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 1), (33, 70), (1, 40)])
def test_sides_are_rounded_up_and_the_header_keeps_the_true_ones(height: int, width: int) -> None:
    out = block(eta=0.2).work(photo(height, width))
    header = sent(out.header)
    assert header.read(ImageShape) == ImageShape(height, width)
    assert header.read(RateMap).array().shape == (-(-height // 16), -(-width // 16))
    assert np.isfinite(out.value).all()


def test_a_budget_below_the_least_names_one_that_does() -> None:
    image = photo(32, 48)  # 6 patches of 8 uses; 32 + 24 + 9 + 16 bits and a map of the lowest level at 0.5 bit a use
    least = 162 + 2 * RateMap.of(np.zeros((2, 3), np.uint8)).bits()
    cbr = math.ceil((48 + least) / 0.4608) / 10000  # three digits, rounded up
    with pytest.raises(SignalError) as caught:
        block(cbr="1/24").work(image)
    assert str(caught.value) == (
        f"cdm-jscc: expected a CBR of at least {cbr} for 32 x 48 pixels (48 uses of payload, {least} of "
        "header), got 1/24; raise cbr, or send a larger picture"
    )
    assert block(cbr=cbr).work(image).value.size == 6 * 16


def test_a_budget_beyond_all_sends_all() -> None:
    out = block(cbr=10).work(photo(32, 48))
    assert out.value.size == 6 * 256


def test_the_encoder_tells_what_it_reckoned_with() -> None:
    image = photo(32, 48)
    for known_db, told in ((7.4, 7), (-5, 0), (33, 20)):
        out = block(eta=0.2, esn0_db=known_db).work(image)
        assert sent(out.header).read(CdmMode).esn0_db == told
        np.testing.assert_array_equal(out.value, block(eta=0.2, esn0_db=told).work(image).value)


def test_without_csit_nothing_follows_the_channel() -> None:
    image = photo(32, 48)
    first, second = (block(eta=0.2, csit="none", esn0_db=level).work(image) for level in (1, 19))
    np.testing.assert_array_equal(first.value, second.value)
    assert sent(first.header) == sent(second.header)
    assert sent(first.header).read(CdmMode).esn0_db == 10


def test_a_map_that_is_given_leaves_its_uses_to_the_payload() -> None:
    image = photo(128, 128)
    honest, free = (block(rate_map=how).work(image) for how in ("sent", "given"))
    assert sent(free.header).bits == 32 + 24 + 9
    assert sent(honest.header).bits == sent(free.header).bits + sent(honest.header).read(RateMap).bits()
    assert honest.trace == free.trace == {"rate_map_plain_bits": 4 * 64}
    assert free.value.size > honest.value.size
    assert sent(free.header).read(RateMap).array().shape == (8, 8)


@pytest.mark.parametrize("shape", [(1, 65536), (65536, 1), (0, 4)])
def test_sides_that_16_bits_cannot_hold(shape: tuple[int, int]) -> None:
    with pytest.raises(SignalError, match=f"expected sides of 1 to 65535 pixels, got {shape[0]} x {shape[1]}"):
        block().work(np.zeros((*shape, 3), np.uint8))


@pytest.mark.parametrize("params", [{"cbr": 0}, {"cbr": "x"}, {"eta": 0}, {"eta": 65}, {"eta": float("nan")}])
def test_rates_that_are_none(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CdmJscc.Params.model_validate(params)


def test_weights_that_are_not_there() -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights"):
        block(weights="none.safetensors")


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith(("semcom.models.cdm_jscc", "semcom.models.deepjscc"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    block = CdmJscc()
    with pytest.raises(MissingExtra, match=r'encoders/cdm_jscc needs torch: pip install "gr-semcom\[models\]"'):
        block.start()
