from pathlib import Path

import pytest
from semcom.errors import WeightsError
from semcom.models.deepjscc.codec import DeepJsccAbout
from semcom.models.onnx.metadata import OnnxMetadata

FILE = Path("a.onnx")
ABOUT = DeepJsccAbout(variant="linear", patch=16, rates={"1/6": 256}, weights_sha256="ab" + "0" * 62)
GOOD = OnnxMetadata.of("deepjscc", "encoder", ABOUT)


def test_what_is_written_is_read() -> None:
    props = GOOD.to_props()
    found = OnnxMetadata.from_props({**props, "somebody": "else"}, FILE)
    assert found == GOOD
    assert found.about(DeepJsccAbout, FILE) == ABOUT
    assert ABOUT.shared_weights == 0xAB00
    assert props["semcom.rates"] == '{"1/6": 256}'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict.clear, r"a\.onnx: no metadata of gr-semcom in this ONNX file; write one with `semcom export`"),
        (lambda props: props.update({"semcom.format": "2"}), "expected format version 1, got 2; write the file again"),
        (lambda props: props.pop("semcom.format"), "expected format version 1, got None"),
        (lambda props: props.update({"semcom.patch": "{"}), "its metadata is not JSON"),
        (
            lambda props: props.update({"semcom.patch": "0"}),
            "not in order: patch: Input should be greater than or equal",
        ),
        (lambda props: props.update({"semcom.system": '"../swin"'}), "not in order: system: String should match"),
        (
            lambda props: props.update({"semcom.rates": "{}"}),
            "not in order: rates: Dictionary should have at least 1 item",
        ),
        (lambda props: props.update({"semcom.weights_sha256": '"x"'}), "not in order: weights_sha256"),
    ],
)
def test_what_is_not_in_order_is_refused(change, message: str) -> None:
    props = dict(GOOD.to_props())
    change(props)
    with pytest.raises(WeightsError, match=message):
        OnnxMetadata.from_props(props, FILE).about(DeepJsccAbout, FILE)
