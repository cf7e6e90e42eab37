"""A radio block whose peer is not there says so, once."""

from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest
import zmq
from semcom.blocks.radio import _socket
from semcom.blocks.radio._senders import open_sender
from semcom.blocks.radio.zmq_source import ZmqSource

PATTERNS = ["sub", "pull", "req"]


def said(address: str) -> list[str]:
    return [
        f"{address}: nobody came to the other end in 0.2 s; start it, and see that both have this address, one binds "
        "it and the other connects to it"
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_source_that_nobody_feeds(pattern, port, caplog, monkeypatch):
    monkeypatch.setattr(_socket, "ALONE_S", 0.2)
    source = ZmqSource(ZmqSource.Params(address=f"tcp://127.0.0.1:{port}", pattern=pattern))
    source.start()
    with caplog.at_level(logging.WARNING, "semcom"):
        assert list(itertools.islice(source.work(), 12)) == [None] * 12
    assert [record.message for record in caplog.records] == said(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize("pattern", ["pub", "push", "rep"])
def test_a_sink_that_nobody_hears(pattern, port, caplog, monkeypatch):
    monkeypatch.setattr(_socket, "ALONE_S", 0.2)
    address = f"tcp://127.0.0.1:{port}"
    sender = open_sender(pattern, address, "bind", key=b"", high_water=1, counted={})
    with caplog.at_level(logging.WARNING, "semcom"):
        assert [sender.room() for _ in range(12)] == [None] * 12
    sender.close(b"", lambda: False)
    assert [record.message for record in caplog.records] == said(address)


def test_whoever_had_a_peer_is_not_told(peer, port, caplog, monkeypatch):
    monkeypatch.setattr(_socket, "ALONE_S", 0.2)
    address = f"tcp://127.0.0.1:{port}"
    other = peer(zmq.PUSH, "bind", address)
    source = ZmqSource(ZmqSource.Params(address=address, pass_tags=False))
    source.start()
    other.send(np.ones(8, np.complex64).tobytes())
    work = source.work()
    with caplog.at_level(logging.WARNING, "semcom"):
        assert any(item is not None for item in itertools.islice(work, 40))
        other.close()
        list(itertools.islice(work, 12))
    assert not caplog.records
