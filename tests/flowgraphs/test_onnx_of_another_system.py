"""A system that nothing here knows of goes through `encoders/onnx` and `decoders/onnx`: a folder and two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image
from semcom.errors import SemcomError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.models.lookup import find_system
from semcom.models.onnx.metadata import OnnxMetadata

RECORD = """
from semcom.models.system import System

SYSTEM = System(module=__name__, doc="A toy.", paper="none", numbers={"toy": 200}, codec="codec:Codec")
"""
CODEC = '''
from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field
from semcom.models.codec import Frame, PictureCodec, Ports
from semcom.models.config import Config
from semcom.models.pixels import to_pixels
from semcom.sim.side_information.codes import Whole
from semcom.sim.side_information.field import HeaderField
from semcom.sim.side_information.image_shape import ImageShape


class ToyMode(HeaderField, frozen=True):
    """How strong the features are."""

    gain: Annotated[int, Whole(4)]


class Sending(Config):
    gain: int = Field(3, ge=1, le=15)


class Receiving(Config):
    brightness: float = Field(1.0, ge=0, le=2)


class Codec(PictureCodec):
    numbers = {"toy": 200}
    sending, receiving = Sending, Receiving
    ports = {
        "encoder": Ports({"image": ("uint8", 3)}, {"features": ("float32", 3)}),
        "decoder": Ports({"features": ("float32", 3)}, {"picture": ("float32", 3)}),
    }

    def encode(self, picture, sending):
        self.check_picture(picture)
        features = self.engine.run("features", image=picture).reshape(-1) * np.float32(sending.gain)
        return Frame(features, (ImageShape(*picture.shape[:2]), self.model, ToyMode(sending.gain)))

    def decode(self, reception, receiving):
        shape, mode = self.shape_of(reception), reception.header.read(ToyMode)
        features, _ = self.values(reception, 3 * shape.height * shape.width, shape)
        scaled = features.reshape(shape.height, shape.width, 3) / mode.gain * receiving.brightness
        return to_pixels(self.engine.run("picture", features=scaled.astype(np.float32)), shape)
'''


def exported(folder: Path, role: str) -> Path:
    """A file of the toy: pixels times 1/255, and what arrives as it is."""
    axes: dict[str, Any] = {"image": (TensorProto.UINT8, ["h", "w", 3]), "float": (TensorProto.FLOAT, ["h", "w", 3])}
    if role == "encoder":
        nodes = [
            helper.make_node("Cast", ["image"], ["values"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["values", "scale"], ["features"]),
        ]
        ends = [("image", *axes["image"])], [("features", *axes["float"])]
    else:
        nodes = [helper.make_node("Mul", ["features", "scale"], ["picture"])]
        ends = [("features", *axes["float"])], [("picture", *axes["float"])]
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [1 / 255 if role == "encoder" else 1])
    inputs, outputs = ([helper.make_tensor_value_info(*one) for one in end] for end in ends)
    graph = helper.make_graph(nodes, "toy", inputs, outputs, [scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    about = find_system(f"{folder}/toy").load("codec", "a test").knows(variant="toy", weights_sha256="a" * 64)
    helper.set_model_props(model, OnnxMetadata.of("toy", role, about).to_props())  # type: ignore[arg-type]
    path = folder / f"{role}.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def swaps(tmp_path: Path) -> tuple[str, ...]:
    """Of both ends of `deepjscc-awgn`; files and system lie in the working directory."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "system.py").write_text(RECORD)
    (tmp_path / "toy" / "codec.py").write_text(CODEC)
    for role in ("encoder", "decoder"):
        exported(tmp_path, role)
    return tuple(f"{end}={end}s/onnx:path={end}.onnx,system=./toy" for end in ("encoder", "decoder"))


def pictures(swaps: tuple[str, ...], out: str, *sets: str) -> dict[str, np.ndarray]:
    given = ("photos.size=[32, 48]", "encoder.esn0_db=10", *sets)
    overrides = Overrides.parse(vars=("esn0_db=10",), sets=given, swaps=swaps, out=out)
    assert run(load_graph("deepjscc-awgn", overrides), RunOptions("inline", items=1, out=Path(out))).status == "ok"
    return {path.name: np.asarray(Image.open(path), np.int16) for path in Path(out).rglob("*.png")}


def test_it_runs_in_a_shipped_flowgraph_without_an_edit(swaps: tuple[str, ...]) -> None:
    (plain,) = pictures(swaps, "plain").values()
    (dark,) = pictures(swaps, "dark", "decoder.settings={brightness: 0.5}").values()
    assert plain.shape == (32, 48, 3)
    assert dark.mean() == pytest.approx(plain.mean() / 2, rel=0.1)
    (strong,) = pictures(swaps, "strong", "encoder.settings={gain: 7}").values()
    assert np.abs(strong - plain).mean() < 2  # the mapper takes the gain out, and the header tells it


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            "encoder.settings={gain: 99}",
            "encoders/onnx: gain: Input should be less than or equal to 15 in the settings",
        ),
        (
            "encoder.rate=1/6",
            r"encoders/onnx: rate: expected settings that toy, whose file this is, takes \(gain\), got",
        ),
        (
            "decoder.steps=4",
            r"decoders/onnx: steps: expected settings that toy, whose file this is, takes \(brightness\)",
        ),
    ],
)
def test_a_setting_that_it_does_not_take(swaps: tuple[str, ...], settings: str, words: str) -> None:
    with pytest.raises(SemcomError, match=words):
        pictures(swaps, "out", settings)


def test_a_file_whose_system_is_not_installed_says_what_to_give(swaps: tuple[str, ...]) -> None:
    without = tuple(swap.replace(",system=./toy", "") for swap in swaps)
    with pytest.raises(
        SemcomError, match=r"encoder\.onnx: is a file of 'toy': no system 'toy'.*its folder, system=\./toy"
    ):
        pictures(without, "out")
