import socket
from pathlib import Path

import pytest
from semcom.models.weights.hub import OFFLINE


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
