from pathlib import Path

import numpy as np
import onnx
import pytest
from semcom.blocks.encoders.deepjscc import Deepjscc
from semcom.blocks.encoders.onnx import Onnx
from semcom.blocks.envelope import Header
from semcom.errors import SignalError, WeightsError
from semcom.models.deepjscc.names import NUMBERS
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId

USE = "encoders/onnx"


def block(path: Path, **params: object) -> Onnx:
    made = Onnx(Onnx.Params.model_validate({"path": str(path), **params}), name="encoder", seed=7)
    made.start()
    return made


def torch_block(**params: object) -> Deepjscc:
    made = Deepjscc(Deepjscc.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "params"),
    [
        ((48, 64), {"rate": "1/48", "esn0_db": 0.4}),
        ((1, 1), {"rate": "1/6", "esn0_db": 33}),
        ((50, 33), {"rate": "1/24", "csit": "none"}),
        ((64, 40), {"esn0_db": 17, "bits_per_symbol": 4}),
    ],
)
def test_it_sends_and_says_what_the_torch_block_does(deepjscc_onnx, size: tuple[int, int], params: dict) -> None:
    image = photo(*size)
    found, expected = block(deepjscc_onnx["encoder"], **params).work(image), torch_block(**params).work(image)
    assert found.header == expected.header
    assert found.value.dtype == np.float32
    assert found.value.shape == expected.value.shape
    assert np.abs(found.value - expected.value).max() < 1e-4 * np.sqrt(np.mean(expected.value**2))
    header = Header().with_fields(*found.header)
    assert header.read(ImageShape) == ImageShape(*size)
    assert header.read(ModelId).number == NUMBERS["adaptive"]


def test_threads_change_the_last_bits_at_most(deepjscc_onnx) -> None:
    image = photo(96, 128)
    one, two = (block(deepjscc_onnx["encoder"], threads=threads).work(image).value for threads in (1, 2))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-4)


def test_sides_that_16_bits_cannot_hold(deepjscc_onnx) -> None:
    made = block(deepjscc_onnx["encoder"])
    for shape in ((1, 65536, 3), (0, 5, 3)):
        with pytest.raises(SignalError, match=r"deepjscc: expected sides of 1 to 65535 pixels, got [01] x "):
            made.work(np.zeros(shape, np.uint8))


def test_a_rate_and_a_variant_of_another_table(deepjscc_onnx, tmp_path: Path) -> None:
    model = onnx.load(deepjscc_onnx["encoder"])
    props = {entry.key: entry for entry in model.metadata_props}
    props["semcom.rates"].value = '{"1/6": 256}'
    path = tmp_path / "file.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(SignalError, match="expected a rate of 1/6, got '1/12'; other weights may have it"):
        block(path).work(photo(16, 16))
    props["semcom.variant"].value = '"swin"'
    path.write_bytes(model.SerializeToString())
    with pytest.raises(
        WeightsError, match="variant: Input should be 'adaptive', 'linear', 'quantised', 'perceptual' or 'gan'"
    ):
        block(path)
