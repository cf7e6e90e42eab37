import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from semcom.models.model_card import ModelCard, Training, card_path
from semcom.models.weights.file import sha256_of
from semcom.models.weights.hub import OFFLINE

TRAINING = Training(
    data="none", command="none", seed=0, steps=0, minutes=0, machine="none", curve="curve.csv", recipe={}
)


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write a file of weights and its card."""

    def written(path: Path, tensors: dict[str, torch.Tensor], **said: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path)
        card = {"cls": "a:B", "config": {}, "licence": "Apache-2.0", "paper": "none", "training": TRAINING}
        named = {"name": path.stem, "file": path.name, "sha256": sha256_of(path), "metrics": {}}
        card_path(path).write_text(ModelCard.model_validate({**card, **named, **said}).model_dump_json())
        return path

    return written


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may open a socket, and none sees this machine's cache of the hub or its environment."""
    import huggingface_hub.constants

    def refused(*given: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
