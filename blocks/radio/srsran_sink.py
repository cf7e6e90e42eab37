"""`radio/srsran_sink`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from ...sim.level import drive, finite
from ...sim.radio_formats.stream_message import pack_stream
from ..block import Block, RunContext
from ..envelope import Stream
from ..params import BlockParams, Live
from ..ports import Samples
from ._delivery import Grace, check_rate, deliver
from ._senders import Replier
from ._socket import Address

__all__ = ["SrsranSink"]

SILENCE = np.zeros(1 << 16, np.complex64)


class SrsranSink(Block):
    r"""Gives samples to the receiver of an srsRAN node, in place of the node at the other end.

    .. math:: (m_0, m_1, \dots) = x, \quad \text{one answer } m_k \text{ a request}

    srsRAN's ``zmq`` radio receives by asking at ``rx_port`` with a REQ socket. The count of samples is the clock of the
    network: samples that were lost before this block are sent as zeros.

    Input:   samples: complex64 ``[n]``. What is not a number or infinite is sent as 0.
    Raises:  RunError: the address cannot be bound. SignalError: the stream has another sample rate.
    State:   counts: ``sent_samples``, ``lost_samples`` (nobody took them), ``filled_samples`` (zeros for lost ones),
             ``clipped_samples``, ``non_finite_samples``, ``refused_requests``.
    Source:  srsRAN 4G, ``lib/src/phy/rf/rf_zmq_imp_tx.c``; srsRAN Project, ``lib/radio/zmq``.
    Example: ``up: {use: radio/srsran_sink, address: "ipc://up", sample_rate_hz: 1e6}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:2001", description="The node's rx_port, tcp://host:port.")
        sample_rate_hz: float | None = Field(
            None, gt=0, description="The node's base_srate in Hz; null for that of the stream."
        )
        scale_db: Live[float] = Field(0.0, ge=-200, le=200, description="Gain before sending, in dB.")

    params: Params

    def start(self) -> None:
        """Open the socket."""
        self._sender = Replier(self.params.address, "bind", high_water=1, counted=self.counted)
        self._grace = Grace()

    def work(self, samples: Samples, stream: Stream) -> None:
        """Send one chunk, in as many answers as the node asks for."""
        check_rate(stream.sample_rate_hz, self.params.sample_rate_hz)
        for left in range(stream.gap_samples, 0, -SILENCE.size):
            filled = self._send(SILENCE[:left])
            self.count(filled_samples=filled)
            if filled < min(left, SILENCE.size):
                break
        samples, nonfinite = finite(samples)
        sent = self._send(drive(samples, self.params.scale_db, None).samples)
        self.count(sent_samples=sent, lost_samples=samples.size - sent, non_finite_samples=nonfinite)

    def finish(self, run: RunContext) -> Iterator[None] | None:
        """Give the socket back, once what was sent has gone; a node that has asked is answered with no samples."""
        self._sender.close(b"", lambda: not self._over())
        return None

    def _send(self, samples: Samples) -> int:
        wait_ms = self._grace.wait_ms(stopping=self.stopping)
        return deliver(self._sender, samples, lambda piece, at: pack_stream(piece), self._over, wait_ms)

    def _over(self) -> bool:
        return self._grace.over(stopping=self.stopping)
