"""`radio/srsran_source`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ...sim.level import finite
from ...sim.radio_formats.requests import SRSRAN_REQUEST
from ...sim.radio_formats.stream_message import unpack_stream
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Samples
from ._receivers import Receiver, listen
from ._socket import Address

__all__ = ["SrsranSource"]


class SrsranSource(Block):
    r"""Takes samples from the transmitter of an srsRAN node, in place of the node at the other end.

    .. math:: x = (m_0, m_1, \dots), \quad \text{one answer } m_k \text{ a request}

    srsRAN's ``zmq`` radio transmits on a REP socket, ``tx_port``. Its samples have no numbers and no time: their count
    is the clock of the network.

    Output:  complex64 ``[n]``, one answer each. What is not a number or infinite becomes 0.
    Raises:  RunError: the address cannot be connected to.
    State:   counts: ``refused_messages``, ``non_finite_samples``, ``asked_again``.
    Source:  srsRAN 4G, ``lib/src/phy/rf/rf_zmq_imp_rx.c``; srsRAN Project, ``lib/radio/zmq``.
    Example: ``down: {use: radio/srsran_source, address: "tcp://127.0.0.1:2000", generation: 4g}``
    """

    class Params(BlockParams):
        """Parameters."""

        address: Address = Field("tcp://127.0.0.1:2000", description="The node's tx_port, tcp://host:port.")
        generation: Literal["4g", "5g"] = Field("5g", description="Whose request: srsRAN 4G asks by FF, 5G by 00.")
        sample_rate_hz: float = Field(23.04e6, gt=0, description="The node's base_srate in Hz.")

    params: Params

    def start(self) -> None:
        """Open the socket."""
        request = SRSRAN_REQUEST[self.params.generation]
        self._receiver = Receiver(
            "req", self.params.address, "connect", request=request, high_water=1, counted=self.counted
        )

    def work(self) -> Iterator[Out[Samples] | None]:
        """Yield one chunk an answer; None where none comes, and for one without samples."""
        yield from listen(self, self._receiver, self._read)

    def _read(self, data: memoryview) -> Out[Samples] | None:
        items, nonfinite = finite(unpack_stream(data, pass_tags=False).items)
        if not items.size:
            return None
        self.count(non_finite_samples=nonfinite)
        return Out(items, sample_rate_hz=self.params.sample_rate_hz)
