"""Networks of random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from semcom.models.model_card import ModelCard, card_path
from semcom.models.ntscc.config import NtsccConfig, TrainConfig
from semcom.models.ntscc.network import Ntscc
from semcom.models.ntscc.system import SYSTEM
from semcom.models.training.checkpoint import save_weights
from semcom.models.weights.file import sha256_of

TINY = TrainConfig.read(SYSTEM.recipes["tiny"]).model


@pytest.fixture(scope="session")
def network() -> Callable[..., Ntscc]:
    """A network on a basis of noise; ``loud``: whose networks say something, too."""

    def make(config: NtsccConfig = TINY, *, loud: bool = True) -> Ntscc:
        torch.manual_seed(1)
        made = Ntscc(config).eval().requires_grad_(requires_grad=False)
        made.fit(torch.rand(900, 3, 16, 16))
        made.log_variance.copy_(made.klt.variance.log())
        if loud:
            for name, value in made.named_parameters():
                if name.split(".")[0] not in ("klt", "prior") and not value.any():
                    value.copy_(0.1 * torch.randn_like(value))
        return made

    return make


@pytest.fixture(scope="session")
def weights(network: Callable[..., Ntscc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a loud network, in a file with a card."""
    from semcom.models.deepjscc.names import SHIPPED

    path = tmp_path_factory.mktemp("ntscc") / "loud.safetensors"
    save_weights(path, network().state_dict())
    card = ModelCard.read(card_path(SHIPPED.path("linear")))
    changes = {"config": TINY.model_dump(mode="json"), "file": path.name, "sha256": sha256_of(path)}
    card_path(path).write_text(card.model_copy(update=changes).model_dump_json())
    return path
