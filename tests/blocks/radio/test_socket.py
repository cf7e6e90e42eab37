"""Addresses that other machines reach."""

from __future__ import annotations

import logging

import pytest
import zmq
from pydantic import TypeAdapter, ValidationError
from semcom.blocks.radio._socket import Address, RadioSocket, is_exposed


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("tcp://127.0.0.1:5555", False),
        ("tcp://localhost:5555", False),
        ("tcp://127.9.9.9:5555", False),
        ("tcp://[::1]:5555", False),
        ("ipc:///tmp/here", False),
        ("tcp://*:5555", True),
        ("tcp://0.0.0.0:5555", True),
        ("tcp://192.168.1.2:5555", True),
        ("tcp://radio.example:5555", True),
        ("tcp://eth0:5555", True),
    ],
)
def test_loopback_alone_is_not_exposed(address, exposed):
    assert is_exposed(address) is exposed


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:99999", "tcp://127.0.0.1", "tcp://:5555", "ipc://", "tcp://h:0"])
def test_addresses_that_zeromq_would_take_for_others_are_refused(address):
    with pytest.raises(ValidationError, match="with a port of 1 to 65535"):
        TypeAdapter(Address).validate_python(address)


def test_an_address_without_protection_is_warned_of(caplog, port):
    with caplog.at_level(logging.WARNING, "semcom"):
        RadioSocket(zmq.PULL, f"tcp://*:{port}", "bind", high_water=1).close()
    (record,) = caplog.records
    assert record.message.startswith(f"tcp://*:{port}: other machines reach this address, and nothing protects it")
    assert "ssh -L" in record.message
