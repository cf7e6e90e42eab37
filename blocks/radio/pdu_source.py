"""`radio/pdu_source`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from pydantic import Field

from ...errors import WireError
from ...sim.radio_formats.pdu import Pdu, unpack_pdu
from ...sim.radio_formats.pmt import pack_pmt
from ...sim.radio_formats.requests import pack_credit
from ..block import Block
from ..envelope import Identity, Out, State
from ..params import BlockParams
from ..ports import Bytes, Features, Symbols
from ._position import LONGEST_GAP, Position
from ._receivers import ReceivePattern, Receiver, listen
from ._socket import Address, Attach

__all__ = ["PduSource"]


class _Outputs(NamedTuple):
    """A PDU leaves by the port of its type."""

    bytes: Bytes | None = None
    symbols: Symbols | None = None
    features: Features | None = None


NIL = pack_pmt(None)  # what a replier says that has nothing more
PORTS = {np.dtype(np.uint8): "bytes", np.dtype(np.complex64): "symbols", np.dtype(np.float32): "features"}


class PduSource(Block):
    r"""Takes PDUs from a ZeroMQ message sink of GNU Radio.

    .. math:: m = (\text{what is said of it} \;.\; x)

    The other end is a PUB, PUSH or REP message sink. Of what is said of a PDU, ``seq`` becomes its number (those that
    are left out are lost), and ``esn0_db`` the receiver's estimate. A sender that counts anew is followed.

    Output:  bytes, symbols and features: uint8, complex64 or float32 ``[n]``, by the type of the PDU's vector.
    Raises:  RunError: the address cannot be bound or connected to.
    State:   the next number, and counts: ``lost_pdus``, ``restarts``, ``refused_messages``, ``asked_again``.
    Source:  GNU Radio 3.10, ``gr-zeromq/lib/pull_msg_source_impl.cc``, ``gnuradio-runtime/lib/pmt/pmt_serialize.cc``.
    Example: ``frames: {use: radio/pdu_source, address: "tcp://127.0.0.1:5557"}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:5557", description="tcp://host:port or ipc://path.")
        pattern: ReceivePattern = Field(
            "pull", description="The end played here: sub for pub, pull for push, req for rep."
        )
        attach: Attach = Field("connect", description="Connect to an address, or bind it for the sender to connect to.")
        hwm: int = Field(64, ge=1, le=1 << 16, description="Messages that wait here at most.")

    params: Params

    def start(self) -> None:
        """Open the socket."""
        p = self.params
        self._receiver = Receiver(
            p.pattern, p.address, p.attach, request=pack_credit(1), high_water=p.hwm, counted=self.counted
        )

    def work(self) -> Iterator[Out[_Outputs] | None]:
        """Yield one item a PDU; None where none comes."""
        self._position: Position = self.heritage.setdefault("pdus", Position())
        yield from listen(self, self._receiver, lambda data: None if data == NIL else self._item(unpack_pdu(data)))

    def _item(self, pdu: Pdu) -> Out[_Outputs]:
        port = PORTS.get(pdu.data.dtype)
        if port is None:
            raise WireError(f"PDU: expected a vector of uint8, complex64 or float32, got {pdu.data.dtype}")
        esn0_db = pdu.about.get("esn0_db")
        return Out(
            _Outputs(**{port: pdu.data}),
            identity=Identity(self._number(pdu.about.get("seq"))),
            state=State(esn0_db=float(esn0_db)) if isinstance(esn0_db, float | int) else None,
        )

    def _number(self, seq: object) -> int:
        position = self._position
        told = seq if isinstance(seq, int) and 0 <= seq < LONGEST_GAP else None
        lost = position.lost
        if position.joined_at is None and told is not None:
            position.next = told  # the number is the frame's own: what was sent before we came is not lost
        number, restarted = position.place(told, 1)
        self.count(lost_pdus=position.lost - lost, restarts=int(restarted))
        return number
