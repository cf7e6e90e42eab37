"""`channels/cascade`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from ...errors import SignalError
from ...sim.side_information.field import HeaderField, Unsent
from ..block import Block, RunContext
from ..call import arguments, checked, written
from ..envelope import Envelope, Header, Identity, Out, State
from ..lookup import load_block
from ..params import BlockParams, Live
from ..ports import SYMBOLS, Symbols
from ..signature import read_signature
from ._stages import check_stages

__all__ = ["Cascade"]

_SUMMED = ("noise_energy", "pilot_uses")
_OF_THE_FIRST = ("signal_energy", "channel_uses")


class Cascade(Block):
    r"""Several channels in a row, as one block.

    .. math:: y = (c_K \circ \cdots \circ c_2 \circ c_1)(x)

    A stage is any block from Symbols to Symbols, of this package or a plug-in, with its parameters. Each has a random
    stream of its own: that of a block named ``channel.0``, ``channel.1``, ... Header and state pass from stage to stage
    as they would from block to block, but n0: it grows by that of each stage that adds noise, which is exact behind
    unbiased equalisers, and esn0_db falls with it. A stage that reads the state, as ``channels/erasures``, says n0
    itself. ``esn0_db``, where given, is that of every stage that adds noise (whose own esn0_db is a number), in
    cascades inside too: two such stages make twice the noise.

    Of the measurements the noise energies and pilots of all stages are summed; signal energy and channel uses are those
    of the first stage that reports them; of the rest the last word counts. So the measured Es/N0 holds where no gain
    stands between two sources of noise. ``semcom set`` changes esn0_db; other changes of a running cascade are swaps.

    Input:   symbols: complex64 ``[n]``, mean energy Es = 1; header and state: what the stages read.
    Output:  complex64 ``[n]``; receiver state and trace: what the stages write.
    Raises:  SignalError: a stage gives none or several items for one, or something else than complex64 ``[n]``.
    State:   that of the stages.
    Example: ``channel: {use: channels/cascade, stages: [{use: channels/iq_imbalance, phase_deg: 3},
             {use: channels/awgn, esn0_db: 10}]}``
    """

    class Params(BlockParams):
        """Parameters."""

        esn0_db: Live[float | None] = Field(
            None, ge=-30, le=60, description="Es/N0 in dB of every stage that adds noise; null: each stage's own."
        )
        stages: list[dict[str, Any]] = Field(
            min_length=1,
            max_length=64,
            description="The channels in their order: {use: channels/..., parameter: ...}.",
            json_schema_extra={"x-semcom": "blocks"},  # `semcom schema`: completion inside of the list
        )

        @field_validator("stages")
        @classmethod
        def _check_stages(cls, stages: list[dict[str, Any]], info: ValidationInfo) -> list[dict[str, Any]]:
            base, level = (info.context or {}).get("base"), info.data.get("esn0_db")
            return check_stages(stages, base, level)

    params: Params
    _stages: list[Block] | None = None
    _given: BlockParams | None = None

    def start(self) -> None:
        """Build the stages and start each."""
        self._stages, self._given = [], self.params
        for index, stage in enumerate(self.params.stages):
            cls = load_block(stage["use"])
            built = cls(_params_of(cls, stage), name=f"{self.name}.{index}", seed=self.seed)
            built.start()
            self._stages.append(built)

    def finish(self, run: RunContext) -> Iterator[Any] | None:
        """Finish the stages."""
        for index, stage in enumerate(self._stages or ()):
            for _ in stage.finish(run) or ():
                raise SignalError(f"{self._where(index)}: expected one item for one, got a further one at the end")
        return None

    def work(self, symbols: Symbols, header: Header, state: State, identity: Identity) -> Out[Symbols]:
        """Send this item through the stages."""
        fields: list[HeaderField | Unsent] = []
        trace: dict[str, float] = {}
        for index, stage in enumerate(self._ready()):
            signature = read_signature(type(stage))
            (port,) = signature.inputs
            envelope = Envelope(identity=identity, header=header, state=state)
            result = stage.work(**arguments(signature, {port: symbols}, envelope))
            out: Out[Any] = result if isinstance(result, Out) else Out(result)
            if out.value is None or isinstance(out.value, Iterator) or out.identity not in (None, identity):
                raise SignalError(f"{self._where(index)}: expected one item for one; a cascade holds none back")
            symbols = checked(SYMBOLS, out.value, self._where(index))
            told = out.state or State()
            if "state" not in signature.injected.values():  # it does not know of the noise before it
                told = told.updated(_noise_of_both(state, told, self._where(index)))
            envelope = written(envelope, Out(None, header=out.header, state=told))
            header, state = envelope.header, envelope.state
            fields += out.header
            for name, value in out.trace.items():
                if name in _SUMMED:
                    trace[name] = trace.get(name, 0.0) + value
                elif name not in _OF_THE_FIRST or name not in trace:
                    trace[name] = value
        return Out(symbols, header=tuple(fields), state=state, trace=trace)

    def _ready(self) -> list[Block]:
        if self._stages is None:
            self.start()
        stages = self._stages or []
        if self._given is not self.params:  # a live change
            for stage, given in zip(stages, self.params.stages, strict=True):
                stage.params = _params_of(type(stage), given)
            self._given = self.params
        return stages

    def _where(self, index: int) -> str:
        return f"stages[{index}] ({self.params.stages[index]['use']})"


def _params_of(cls: type[Block], stage: dict[str, Any]) -> BlockParams:
    return cls.Params.model_validate({name: value for name, value in stage.items() if name != "use"})


def _noise_of_both(before: State, added: State, where: str) -> State:
    """Return n0 and esn0_db of two noises; what only one of the two states is left as it is."""
    n0, esn0_db = added.n0, added.esn0_db
    if before.n0 is not None and n0 is not None:
        one, other = np.shape(before.n0), np.shape(n0)
        if one and other and one != other:
            raise SignalError(f"{where}: expected n0 of {one[0]} symbols, as before it, got {other[0]}")
        n0 = before.n0 + n0
    if before.esn0_db is not None and esn0_db is not None:
        esn0_db = -10 * math.log10(10 ** (-before.esn0_db / 10) + 10 ** (-esn0_db / 10))
    return State(n0=n0, esn0_db=esn0_db)
