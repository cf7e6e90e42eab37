"""Plain networks: one whose ends undo each other loses nothing, and its exported files do what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.lookup import find_system
from semcom.models.model_card import ModelCard, card_path
from semcom.models.onnx.engine import load as load_onnx
from semcom.models.onnx.export import parity_picture
from semcom.models.plain.codec import PlainCodec, PlainConfig
from semcom.models.plain.engine import PlainNetwork, export_plain, load_plain
from semcom.models.plain.link import link
from semcom.models.system import System
from semcom.models.weights.file import sha256_of
from semcom.sim.side_information.field import KnownFields
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 4
SYSTEM = System(module=__name__, doc="A shuffle.", paper="none", numbers={"small": 200})


class Shuffle(nn.Module):
    """Pixels of a patch are its features; what is received is weighted by its noise."""

    def __init__(self, config: PlainConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.gain = nn.Parameter(torch.ones(config.features))

    def encode(self, images: Tensor) -> Tensor:
        return F.pixel_unshuffle(images, self.patch) * self.gain[:, None, None]

    def decode(self, features: Tensor, n0: Tensor) -> Tensor:
        return F.pixel_shuffle(features / self.gain[:, None, None] / (1 + n0), self.patch)


class Codec(PlainCodec):
    numbers = SYSTEM.numbers


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the shuffle, with a card."""
    path = tmp_path_factory.mktemp("weights") / "shuffle.safetensors"
    save_file({"gain": torch.full((48,), 2.0)}, path)
    card = ModelCard.read(card_path(find_system("deepjscc").shipped.path("linear")))
    changes = {"config": {"patch": PATCH, "features": 48}, "file": path.name, "sha256": sha256_of(path)}
    card_path(path).write_text(card.model_copy(update=changes).model_dump_json())
    return path


def load(weights: Path) -> PlainCodec:
    return load_plain(SYSTEM, Codec, PlainConfig, Shuffle, "small", weights)


@pytest.mark.parametrize("size", [(16, 24), (17, 23), (1, 1)])
def test_without_noise_nothing_is_lost(weights: Path, size: tuple[int, int]) -> None:
    codec, picture = load(weights), parity_picture(*size)
    frame = codec.encode(picture, codec.sending())
    rows, columns = (-(-side // PATCH) for side in size)
    assert (frame.features.shape, frame.features.dtype) == ((48 * rows * columns,), np.float32)
    assert frame.header == (ImageShape(*size), ModelId(200, int(sha256_of(weights)[:4], 16)))
    np.testing.assert_array_equal(codec.decode(frame.heard(0.0), codec.receiving()), picture)


def test_features_are_paired_with_their_own_noise(weights: Path) -> None:
    """The decoder divides by 1 + n0: where n0 is 1 a white picture comes out grey, elsewhere white."""
    codec = load(weights)
    frame = codec.encode(np.full((8, 8, 3), 255, np.uint8), codec.sending())
    n0 = np.zeros(frame.features.size, np.float32)
    n0[0] = 1.0  # of channel 0 of the first patch, which is its upper left pixel in red
    got = codec.decode(frame.heard(n0), codec.receiving())
    assert got[0, 0].tolist() == [128, 255, 255]
    assert int((got != 255).sum()) == 1


def test_frames_of_other_weights_and_other_counts_are_refused(weights: Path) -> None:
    codec = load(weights)
    frame = codec.encode(parity_picture(8, 8), codec.sending())
    with pytest.raises(SignalError, match="expected 192 features for 8 x 8 pixels"):
        codec.decode(frame.heard(0.1, frame.features[:-8]), codec.receiving())
    other = KnownFields(ImageShape(8, 8), ModelId(200, codec.about.shared_weights ^ 1))
    with pytest.raises(SignalError, match="give encoder and decoder the same variant, and weights of one training"):
        codec.decode(frame.heard(0.1)._replace(header=other), codec.receiving())


def test_exported_files_do_the_same(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    codec = load(weights)
    encoder, decoder = export_plain(codec, tmp_path, sizes=[(32, 48), (33, 47)])
    assert [encoder.path.name, decoder.path.name] == ["plain-small-encoder.onnx", "plain-small-decoder.onnx"]
    assert [parity.case for parity in encoder.parity] == ["32 x 48", "36 x 48"]
    record = tmp_path / "plain"
    (record / "system.py").write_text(
        "from semcom.models.system import System\n"
        "SYSTEM = System(module=__name__, doc='.', paper='.', numbers={'small': 200}, codec='codec:Codec')\n"
    )
    (record / "codec.py").write_text(
        "from semcom.models.plain.codec import PlainCodec\nfrom .system import SYSTEM\n"
        "class Codec(PlainCodec):\n    numbers = SYSTEM.numbers\n"
    )
    sender: Any = load_onnx("test", encoder.path, role="encoder", system=str(record))
    receiver: Any = load_onnx("test", decoder.path, role="decoder", system=str(record))
    picture = parity_picture(50, 70)
    frame, here = sender.encode(picture, sender.sending()), codec.encode(picture, codec.sending())
    assert frame.header == here.header
    np.testing.assert_allclose(frame.features, here.features, atol=1e-6)
    np.testing.assert_array_equal(receiver.decode(frame.heard(0.0), receiver.receiving()), picture)


def test_weights_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    card = json.loads(card_path(weights).read_text())
    for name, config, message in (
        ("other", {"patch": 4, "width": 2}, r"describes no network of plain \(features: Field required\)"),
        ("smaller", {"patch": 4, "features": 12}, "its tensors do not fit the sizes that its card gives"),
    ):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(weights.read_bytes())
        card_path(path).write_text(json.dumps(card | {"config": config, "file": path.name}))
        with pytest.raises(WeightsError, match=message):
            load(path)
    with pytest.raises(UsageError, match="plain: no weights 'small' are shipped; expected one of: none"):
        load_plain(SYSTEM, Codec, PlainConfig, Shuffle, "small", None)


def test_a_link_adds_the_noise_that_it_tells() -> None:
    """Unit power a frame whatever the scale of features: MSE of the received ones is N0 times their mean square."""
    network: PlainNetwork = Shuffle(PlainConfig(patch=PATCH, features=48))
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    esn0_db = torch.tensor([0.0, 20.0])
    got = link(network, images, esn0_db, torch.Generator().manual_seed(2))
    n0 = 10 ** (-esn0_db / 10)
    noise = got * (1 + n0)[:, None, None, None] - images
    power = images.square().mean((1, 2, 3))
    assert (noise.square().mean((1, 2, 3)) / power).tolist() == pytest.approx(n0.tolist(), rel=0.05)
