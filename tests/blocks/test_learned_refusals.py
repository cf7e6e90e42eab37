"""What is bad is refused by a system's torch blocks and by its exported files in the same words."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import semcom.models
import torch
from semcom.blocks.block import Block
from semcom.blocks.decoders.onnx import Onnx as OnnxDecoder
from semcom.blocks.encoders.onnx import Onnx as OnnxEncoder
from semcom.blocks.envelope import Header, HeaderEntry, Identity, State
from semcom.blocks.lookup import load_block
from semcom.errors import SignalError
from semcom.models.codec import PictureCodec, Role
from semcom.models.deepjscc.config import LinearConfig
from semcom.models.deepjscc.linear_code import LinearJscc
from semcom.models.latent_denoiser.network import LatentDenoiser
from semcom.models.latent_denoiser.system import SYSTEM
from semcom.models.latent_denoiser.training import LatentDenoiserRun
from semcom.models.lookup import find_system
from semcom.models.model_card import ModelCard, card_path
from semcom.models.onnx.metadata import OnnxMetadata
from semcom.models.training.checkpoint import save_weights
from semcom.models.weights.file import sha256_of
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId

FOLDERS = sorted(path.parent.name for path in Path(semcom.models.__file__).parent.glob("*/system.py"))
SYSTEMS = [name for name in FOLDERS if find_system(name.replace("_", "-")).codec]  # that send features
KINDS = {"uint8": onnx.TensorProto.UINT8, "int64": onnx.TensorProto.INT64, "float32": onnx.TensorProto.FLOAT}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, tiny_cascade: Path) -> dict[str, dict[str, Any]]:
    """Parameters of the blocks of systems whose shipped weights do not refuse what there is to refuse."""
    from semcom.models.deepjscc.names import SHIPPED

    path = tmp_path_factory.mktemp("weights") / "two-rates.safetensors"
    config = LinearConfig(patch=8, rates=("1/12", "1/6"))
    save_weights(path, LinearJscc(config).state_dict())
    card = ModelCard.read(card_path(SHIPPED.path("linear")))
    changes = {"config": config.model_dump(mode="json"), "file": path.name, "sha256": sha256_of(path)}
    card_path(path).write_text(card.model_copy(update=changes).model_dump_json())
    latents = path.with_name("latents.safetensors")
    sizes = LatentDenoiserRun.recipe.read(SYSTEM.recipes["tiny"]).model
    save_weights(latents, LatentDenoiser(sizes).state_dict())
    changes = {"config": sizes.model_dump(mode="json"), "file": latents.name, "sha256": sha256_of(latents)}
    card_path(latents).write_text(card.model_copy(update=changes).model_dump_json())
    return {
        "deepjscc": {"weights": str(path)},
        "latent_denoiser": {"weights": str(latents)},
        "sc_sic": {"variant": "tiny", "weights": str(tiny_cascade)},
    }


class Ends(NamedTuple):
    """Of one role: the block of the system, and that of its exported file if there is one."""

    torch: Block
    onnx: Block | None


@pytest.fixture(scope="module")
def ends(weights: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ends]:
    @functools.cache
    def both(system: str, role: Role) -> Ends:
        torch.set_num_threads(1)
        cls = load_block(f"{role}s/{system}")
        given = {name: value for name, value in weights.get(system, {}).items() if name in cls.Params.model_fields}
        own: Any = cls(cls.Params.model_validate(given), name=role)
        own.start()
        codec = own._codecs["adaptive"] if hasattr(own, "_codecs") else own._codec
        if role not in codec.ports:
            return Ends(own, None)
        file = written(codec, role, tmp_path_factory.mktemp("onnx"))
        block = OnnxEncoder if role == "encoder" else OnnxDecoder
        other = block(block.Params(path=str(file)), name=role)
        other.start()
        return Ends(own, other)

    return both


def written(codec: PictureCodec[Any, Any, Any], role: Role, folder: Path) -> Path:
    """A file of a codec's weights with the right ports that computes nothing: what is refused is never computed."""
    inputs, outputs = codec.ports[role]
    nodes = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.helper.make_tensor(name, KINDS[kind], [1] * axes, [0]))
        for name, (kind, axes) in outputs.items()
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "nothing",
        [onnx.helper.make_tensor_value_info(name, KINDS[kind], [None] * axes) for name, (kind, axes) in inputs.items()],
        [onnx.helper.make_tensor_value_info(name, KINDS[kind], [1] * axes) for name, (kind, axes) in outputs.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    onnx.helper.set_model_props(model, OnnxMetadata.of(codec.system, role, codec.about).to_props())
    path = folder / "file.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def refusal(block: Block, *given: Any) -> str:
    """What a block says, but for its name."""
    with pytest.raises(SignalError) as caught:
        block.work(*given)
    return re.sub(r"^(en|de)coders/\w+: ", "", str(caught.value))


PICTURES = [
    ("deepjscc", (0, 8), {}, "expected sides of 1 to 65535 pixels, got 0 x 8"),
    ("deepjscc", (1, 65536), {}, "expected sides of 1 to 65535 pixels, got 1 x 65536"),
    ("deepjscc", (8, 8), {"rate": "1/48"}, "expected a rate of 1/12, 1/6, got '1/48'; other weights may have it"),
    ("cdm_jscc", (0, 8), {}, "expected sides of 1 to 65535 pixels, got 0 x 8"),
    ("cdm_jscc", (65536, 1), {}, "expected sides of 1 to 65535 pixels, got 65536 x 1"),
    ("cdm_jscc", (16, 16), {"cbr": "1/48"}, r"expected a CBR of at least 0\.\d+ for 16 x 16 pixels .*, got 1/48"),
    ("ntscc", (0, 8), {}, "expected sides of 1 to 65535 pixels, got 0 x 8"),
    ("ntscc", (65536, 1), {}, "expected sides of 1 to 65535 pixels, got 65536 x 1"),
    ("ntscc", (16, 16), {"cbr": "1/48"}, r"expected a CBR of at least 0\.\d+ for 16 x 16 pixels .*, got 1/48"),
    ("sc_sic", (0, 64), {}, "expected sides of 1 to 65535 pixels, got 0 x 64"),
    ("sc_sic", (64, 65568), {}, "expected sides of 1 to 65535 pixels, got 64 x 65568"),
    ("sc_sic", (64, 70), {}, "expected sides that are multiples of 32 pixels, got 64 x 70; scale or crop the picture"),
    ("sc_sic", (32, 96), {}, r"at least 43 pixels a side where it is scaled by 0\.75, got 32 x 96; send a larger one"),
]


@pytest.mark.parametrize(("system", "sides", "params", "words"), PICTURES)
def test_a_picture_that_is_refused(
    ends: Callable[..., Ends], system: str, sides: tuple[int, int], params: dict[str, Any], words: str
) -> None:
    said = set()
    for block in ends(system, "encoder"):
        changed = type(block)(block.params.model_copy(update=params))
        changed._codec = block._codec
        said.add(refusal(changed, np.zeros((*sides, 3), np.uint8)))
    (sentence,) = said
    assert re.search(f"^{system.replace('_', '-')}: .*{words}", sentence)


def sent(ends: Callable[..., Ends], system: str) -> tuple[np.ndarray, Header]:
    """A frame that both would take."""
    block = ends(system, "encoder").torch
    is_map = "labels" in inspect.signature(block.work).parameters
    sides, values = ((64, 64, 2), 2) if is_map else ((64, 64, 3), 256)
    out = block.work(np.random.default_rng(1).integers(0, values, sides, dtype=np.uint8))
    return out.value, Header().with_fields(*out.header)


def with_bits(header: Header, name: str, bits: str) -> Header:
    values = np.array([int(bit) for bit in bits], np.uint8)
    return Header({**header, name: HeaderEntry(len(bits), np.packbits(values).tobytes())})


def without(header: Header, name: str) -> Header:
    return Header({key: value for key, value in header.items() if key != name})


def other_weights(header: Header) -> Header:
    model = header.read(ModelId)
    return header.with_fields(ModelId(model.number, model.weights ^ 1))


MODES = {
    "deepjscc": "JsccMode",
    "cdm_jscc": "CdmMode",
    "sc_sic": "ScSicMode",
    "gesco": "LabelClasses",
    "swinjscc": "SwinMode",
    "ntscc": "CdmMode",
}
LEVELS: list[tuple[State, str]] = [
    (State(), "expected n0 in the receiver's state, got none; connect a channel"),
    (State(n0=np.full(3, 0.1, np.float32)), r"expected n0 of \d+ symbols for \d+ features, got 3"),
    (State(n0=-0.1), r"expected finite features and n0 of at least 0, got 0 features and \d+ n0 of \d+ that are not"),
    (State(n0=float("nan")), r"expected finite features and n0 of at least 0, got 0 features and \d+ n0"),
    (State(n0=float("inf")), r"expected finite features and n0 of at least 0, got 0 features and \d+ n0"),
]


def alike(ends: Callable[..., Ends], system: str, features: np.ndarray, header: Header, state: State) -> str:
    """The one sentence of all decoders of a system."""
    said = set()
    for block in ends(system, "decoder"):
        if block is not None:
            more = (Identity(),) if "identity" in inspect.signature(block.work).parameters else ()
            said.add(refusal(block, features, header, state, *more))
    (sentence,) = said
    return sentence


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("state", "words"), LEVELS, ids=["none", "few", "negative", "nan", "inf"])
def test_a_noise_level_that_is_refused(ends: Callable[..., Ends], system: str, state: State, words: str) -> None:
    assert re.search(words, alike(ends, system, *sent(ends, system), state))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: values[:-2], r"expected \d+ features for 64 x 64 pixels, as the header says, got \[\d+\]"),
        (lambda values: np.append(values, [0, 0]), "features for 64 x 64 pixels, as the header says"),
        (lambda values: values[:0], r"as the header says, got \[0\]"),
        (lambda values: values * np.float32(np.nan), r"got \d+ features and 0 n0 of \d+ that are not; check the"),
        (lambda values: values + np.float32(np.inf), r"got \d+ features and 0 n0 of \d+ that are not"),
    ],
)
def test_features_that_are_refused(
    ends: Callable[..., Ends], system: str, change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    features, header = sent(ends, system)
    assert re.search(words, alike(ends, system, change(features).astype(np.float32), header, State(n0=0.1)))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_weights, r"with weights \w{4}, got one of [\w-]+ with weights \w{4}; give encoder and"),
        (lambda header: header.with_fields(ModelId(255, 0)), "a frame of one of the models .*, got model 255"),
        (
            lambda header: with_bits(header, "ModelId", "0" * 23),
            "ModelId.weights: expected 16 bits, got 15",
        ),
        (lambda header: with_bits(header, "ImageShape", "1" * 32), "height: expected 1 to 65535, got 65536"),
        (lambda header: without(header, "ImageShape"), "expected ImageShape, got ModelId.*; connect a"),
    ],
)
def test_a_header_that_is_refused(
    ends: Callable[..., Ends], system: str, change: Callable[[Header], Header], words: str
) -> None:
    features, header = sent(ends, system)
    assert re.search(words, alike(ends, system, features, change(header), State(n0=0.1)))


@pytest.mark.parametrize("system", sorted(MODES))
def test_a_mode_that_is_cut_short_too_long_or_not_there(ends: Callable[..., Ends], system: str) -> None:
    features, header = sent(ends, system)
    name = MODES[system]
    whole = "".join(f"{byte:08b}" for byte in header[name].packed)[: header[name].bits]
    cases = {
        whole[:-1]: rf"{name}\.\w+: expected \d bits, got \d; the header is cut short",
        whole + "0": f"{name}: expected {len(whole)} bits, got {len(whole) + 1}; they are of another field",
    }
    for bits, words in cases.items():
        assert re.search(words, alike(ends, system, features, with_bits(header, name, bits), State(n0=0.1)))
    assert f"expected {name}, got" in alike(ends, system, features, without(header, name), State(n0=0.1))


@pytest.mark.parametrize("system", ["cdm_jscc", "deepjscc", "ntscc"])
@pytest.mark.parametrize("esn0_db", [21, 31])
def test_an_snr_that_no_encoder_writes(ends: Callable[..., Ends], system: str, esn0_db: int) -> None:
    features, header = sent(ends, system)
    bits = "0" * (header[MODES[system]].bits - 5) + f"{esn0_db:05b}"
    said = alike(ends, system, features, with_bits(header, MODES[system], bits), State(n0=0.1))
    assert said == f"{MODES[system]}.esn0_db: expected 0 to 20, got {esn0_db}"


def test_a_rate_that_the_weights_do_not_have(ends: Callable[..., Ends]) -> None:
    features, header = sent(ends, "deepjscc")
    said = alike(ends, "deepjscc", features, with_bits(header, "JsccMode", "0001010"), State(n0=0.1))
    assert said == "deepjscc: expected a rate of 1/12, 1/6, got '1/48'; other weights may have it"


@pytest.mark.parametrize("system", ["cdm_jscc", "ntscc"])
def test_a_rate_map_of_another_picture(ends: Callable[..., Ends], system: str) -> None:
    features, header = sent(ends, system)
    said = alike(ends, system, features, header.with_fields(ImageShape(16, 16)), State(n0=0.1))
    assert re.search(r"RateMap: expected \d+ bits, got \d+; they are of another field", said)
