import sys

import numpy as np
import pytest
from semcom.blocks.encoders.deepjscc import Deepjscc
from semcom.blocks.envelope import Header
from semcom.errors import MissingExtra, SignalError, WeightsError
from semcom.models.deepjscc.names import RATES, SHIPPED, Variant
from semcom.models.model_card import ModelCard, card_path
from semcom.sim.side_information.field import HeaderField
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.model_id import ModelId


def block(**params: object) -> Deepjscc:
    made = Deepjscc(Deepjscc.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int = 40, width: int = 56) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


def sent(fields: tuple[HeaderField, ...]) -> Header:
    return Header().with_fields(*fields)


@pytest.mark.parametrize(("rate", "inverse"), [("1/48", 48), ("1/24", 24), ("1/12", 12), ("1/6", 6)])
def test_a_rate_sends_what_its_name_says(rate: str, inverse: int) -> None:
    out = block(rate=rate).work(photo(48, 64))
    assert out.value.dtype == np.float32
    assert out.value.size == 2 * 48 * 64 * 3 / inverse


def test_sides_are_rounded_up_to_the_patch_and_the_header_keeps_the_true_ones() -> None:
    out = block().work(photo(40, 50))
    assert out.value.size == 2 * 48 * 64 * 3 / 12
    header = sent(out.header)
    assert header.read(ImageShape) == ImageShape(40, 50)
    assert header.bits == 32 + 24 + 7


def test_the_encoder_tells_what_it_reckoned_with() -> None:
    image = photo()
    for known_db, told in ((7.4, 7), (-5, 0), (33, 20)):
        out = block(esn0_db=known_db).work(image)
        assert sent(out.header).read(JsccMode) == JsccMode(RATES.index("1/12"), told)
        np.testing.assert_array_equal(out.value, block(esn0_db=told).work(image).value)


@pytest.mark.parametrize(
    ("variant", "number"), [("adaptive", 1), ("linear", 2), ("quantised", 3), ("perceptual", 4), ("gan", 5)]
)
def test_the_header_names_the_model_and_its_file(variant: Variant, number: int) -> None:
    card = ModelCard.read(card_path(SHIPPED.path(variant)))
    header = sent(block(variant=variant).work(photo()).header)
    assert header.read(ModelId) == ModelId(number, int(card.sha256[:4], 16))


def test_without_csit_the_channels_level_does_not_matter() -> None:
    image = photo()
    first, second = (block(csit="none", esn0_db=level).work(image) for level in (1, 19))
    np.testing.assert_array_equal(first.value, second.value)
    assert sent(first.header).read(JsccMode).esn0_db == 10
    assert not np.array_equal(first.value, block(csit="mean", esn0_db=19).work(image).value)


def test_sides_that_16_bits_cannot_hold() -> None:
    with pytest.raises(SignalError, match=r"deepjscc: expected sides of 1 to 65535 pixels, got 1 x 65536"):
        block(variant="linear").work(np.zeros((1, 65536, 3), np.uint8))


def test_weights_that_are_not_there() -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights"):
        block(weights="none.safetensors")


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.startswith("semcom.models.deepjscc")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r'encoders/deepjscc needs torch: pip install "gr-semcom\[models\]"'):
        block()
