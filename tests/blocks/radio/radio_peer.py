"""A peer in a process of its own, to be frozen and killed: ``python radio_peer.py KIND connect|bind ADDRESS PAUSE_S``.

Sends messages of 8192 samples, or takes them, with a pause after each; one line of output when the first went through.
"""

from __future__ import annotations

import sys
import time

import zmq


def main(kind: str, attach: str, address: str, pause_s: float) -> None:
    socket = zmq.Context().socket(getattr(zmq, kind))
    getattr(socket, attach)(address)
    if kind == "SUB":
        socket.subscribe(b"")
    data, said = bytes(8 * 8192), False
    while True:
        if kind == "REQ":
            socket.send(b"\xff")
        if kind in ("SUB", "PULL", "REQ", "REP"):
            socket.recv()
        if kind in ("PUB", "PUSH", "REP"):
            socket.send(data)
        if not said:
            print("met", flush=True)
            said = True
        time.sleep(pause_s)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
