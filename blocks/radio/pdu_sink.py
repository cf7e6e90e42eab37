"""`radio/pdu_sink`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from ...sim.radio_formats.pdu import pack_pdu
from ...sim.radio_formats.pmt import Pmt, pack_pmt
from ..block import Block, RunContext
from ..envelope import Identity, State
from ..params import BlockParams
from ..ports import Bytes, Features, Symbols
from ._delivery import Grace, WhenFull
from ._senders import SendPattern, open_sender
from ._socket import Address, Attach

__all__ = ["PduSink"]


class PduSink(Block):
    r"""Gives items to a ZeroMQ message source of GNU Radio, each as a PDU.

    .. math:: m = (\{\mathtt{seq}: k, \dots\} \;.\; x_k)

    The other end is a SUB, PULL or REQ message source. A PDU says its number (``seq``) and, where it is known, the
    receiver's estimate (``esn0_db``); header fields stay behind.

    Input:   one of bytes, symbols or features: uint8, complex64 or float32 ``[n]`` (features of several axes row by
             row).
    Raises:  RunError: the address cannot be bound or connected to.
    State:   counts: ``sent_pdus``, ``lost_pdus`` (nobody took them), ``refused_requests``.
    Source:  GNU Radio 3.10, ``gr-zeromq/lib/push_msg_sink_impl.cc``, ``gnuradio-runtime/lib/pmt/pmt_serialize.cc``.
    Example: ``frames: {use: radio/pdu_sink, address: "ipc://frames", pattern: pub, when_full: drop}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:5558", description="tcp://host:port or ipc://path.")
        pattern: SendPattern = Field(
            "push", description="The end played here: pub for sub, push for pull, rep for req."
        )
        attach: Attach = Field(
            "bind", description="Bind an address for the receiver to connect to, or connect to its own."
        )
        hwm: int = Field(64, ge=1, le=1 << 16, description="Messages that wait here at most.")
        when_full: WhenFull = Field(
            "block", description="Wait for a receiver that is slow or not there yet, or drop items and count them."
        )

    params: Params

    def start(self) -> None:
        """Open the socket."""
        p = self.params
        self._sender = open_sender(p.pattern, p.address, p.attach, key=b"", high_water=p.hwm, counted=self.counted)
        self._grace = Grace()

    def work(
        self,
        bytes: Bytes | None = None,
        symbols: Symbols | None = None,
        features: Features | None = None,
        *,
        identity: Identity,
        state: State,
    ) -> None:
        """Send one item."""
        about: dict[str, Pmt] = {"seq": identity.seq}
        if state.esn0_db is not None:
            about["esn0_db"] = float(state.esn0_db)
        for value in (bytes, symbols, features):
            if value is not None:
                sent = self._send(pack_pdu(value.reshape(-1), about))
                self.count(sent_pdus=int(sent), lost_pdus=int(not sent))

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Give the socket back, once what was sent has gone; who has asked gets nil."""
        self._sender.close(pack_pmt(None), lambda: not self._grace.over(stopping=self.stopping))
        return None

    def _send(self, message: bytes) -> bool:
        wait_ms = self._grace.wait_ms(self.params.when_full, stopping=self.stopping)
        while self._sender.room(wait_ms) is None or not self._sender.send(message):
            if not wait_ms or self._grace.over(stopping=self.stopping):
                return False
        return True
