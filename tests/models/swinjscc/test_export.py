"""Exported files beside the torch engine, at sizes whose windows are whole and not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from semcom.models.model_card import ModelCard, card_path
from semcom.models.onnx.engine import OnnxEngine
from semcom.models.onnx.metadata import OnnxMetadata
from semcom.models.swinjscc.codec import Codec, Receiving, Sending
from semcom.models.swinjscc.engine import load
from semcom.models.swinjscc.export import export_swinjscc
from semcom.models.swinjscc.network import SwinJscc
from semcom.models.swinjscc.sizes import SwinConfig
from semcom.models.training.checkpoint import save_weights
from semcom.models.weights.file import sha256_of

from .conftest import TINY
from .test_codec import photo

SHALLOW = TINY.model_copy(update={"encoder_depths": (1, 1), "decoder_depths": (2, 1), "modnet_stages": 1, "window": 6})


@pytest.fixture
def weights(network: Callable[[SwinConfig], SwinJscc], tmp_path: Path) -> Path:
    from semcom.models.deepjscc.names import SHIPPED

    path = tmp_path / "shallow.safetensors"
    save_weights(path, network(SHALLOW).state_dict())
    card = ModelCard.read(card_path(SHIPPED.path("linear")))
    changes = {"config": SHALLOW.model_dump(mode="json"), "file": path.name, "sha256": sha256_of(path)}
    card_path(path).write_text(card.model_copy(update=changes).model_dump_json())
    return path


@pytest.mark.slow
def test_files_compute_what_the_network_computes(weights: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    sizes = [(24, 48), (60, 36), (4, 4)]  # whole windows, not whole, less than one
    files = {one.metadata.role: one for one in export_swinjscc(tmp_path, weights=weights, sizes=sizes)}
    assert [one.path.name for one in files.values()] == ["swinjscc-mini-encoder.onnx", "swinjscc-mini-decoder.onnx"]
    assert all(len(one.parity) == 4 for one in files.values())
    assert max(parity.relative for one in files.values() for parity in one.parity) < 1e-4
    torch_codec = load(weights=weights)
    about = files["encoder"].metadata.about(Codec.knows, files["encoder"].path)
    assert about == torch_codec.about
    ends = {role: OnnxEngine("a test", one.path) for role, one in files.items()}
    for role, engine in ends.items():
        engine.check_ports(Codec.ports[role])
    image = photo(21, 34)
    frame = Codec(ends["encoder"], about).encode(image, Sending(rate="1/6", esn0_db=4))
    expected = torch_codec.encode(image, Sending(rate="1/6", esn0_db=4))
    assert frame.header == expected.header
    assert frame.features == pytest.approx(expected.features, abs=1e-4)
    pictures = [one.decode(expected.heard(0.3), Receiving()) for one in (Codec(ends["decoder"], about), torch_codec)]
    assert abs(pictures[0].astype(int) - pictures[1]).max() <= 1
    assert isinstance(ends["encoder"].metadata, OnnxMetadata)
