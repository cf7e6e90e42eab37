"""`adaptation/rate_control`."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from pydantic import Field, model_validator

from ...models.ratio import Ratio
from ...sim.links.level_control import LevelControl
from .._adaptation.link import LinkSettings
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Features, Image, Link

__all__ = ["RateControl"]


class RateControl(Block):
    r"""Chooses for each picture the rate, and the Es/N0 that its encoder reckons with, from what comes back.

    .. math:: l_n = f(l_{n-1}, \hat\gamma_{n-d}), \quad (\mathrm{CBR}, \gamma) = (\mathrm{cbrs}[l_n],\, T_{l_n} - M)

    An estimate below the threshold of the present level leads down at once; ``dwell`` estimates in a row that exceed a
    higher threshold by ``hysteresis_db`` lead up. Where nothing comes back for ``silence`` pictures in a row (bursts
    were lost), the lowest level holds, and it is the first one. The encoder is told the level's threshold less
    ``margin_db``: what the level needs, not what was estimated; a link that breaks below that, as a coded one does, is
    given a margin for what the channel does until the picture is on the air.

    In ``run.json`` are counted: ``level_0``, ``level_1``, ...; ``level_changes``; ``silent``, pictures for which
    nothing had come back.

    Input:   image: uint8 ``[H, W, 3]``: one step a picture; esn0_db: float32 ``[1]`` in dB, of an earlier one, over a
             feedback edge with ``wait_s``.
    Output:  float32 ``[2]``: CBR, and Es/N0 in dB, for the input ``link`` of an encoder.
    State:   the level, and how long the last estimates have asked for a higher one, or been missing.
    Source:  the dead zone and the wait before climbing: Goldsmith, Wireless Communications, chapter 9.
    Example: ``control: {use: adaptation/rate_control, thresholds_db: [6, 12], cbrs: [1/12, 1/24, 1/48]}``
    """

    class Params(BlockParams):
        """Parameters."""

        thresholds_db: tuple[float, ...] = Field(
            (4.0, 8.0, 12.0, 16.0), max_length=32, description="Least Es/N0 in dB of levels 1, 2, ...: rising."
        )
        cbrs: tuple[Ratio, ...] = Field(
            ("1/12",),
            min_length=1,
            description="CBR of levels 0, 1, ...; a single one is that of all levels.",
        )
        lowest_db: float = Field(0.0, ge=-30, le=60, description="Es/N0 in dB that level 0 reckons with.")
        margin_db: float = Field(0.0, ge=-10, le=30, description="M in dB: the encoder reckons with so much less.")
        hysteresis_db: float = Field(
            1.0, ge=0, le=20, description="By how many dB a threshold is exceeded on the way up."
        )
        dwell: int = Field(2, ge=1, le=1000, description="Estimates in a row that it takes to climb.")
        silence: int = Field(2, ge=1, le=1000, description="Pictures in a row without an estimate that lead down.")

        @model_validator(mode="after")
        def _fits(self) -> RateControl.Params:
            rising = [self.lowest_db, *self.thresholds_db]
            if any(low >= high for low, high in pairwise(rising)):
                raise ValueError(f"expected lowest_db and thresholds_db that rise, got {rising}")
            if len(self.cbrs) not in (1, len(rising)):
                raise ValueError(
                    f"cbrs: expected one for all levels or one for each of {len(rising)}, got {len(self.cbrs)}"
                )
            return self

    params: Params

    def start(self) -> None:
        """Begin at the lowest level."""
        p = self.params
        self._control = LevelControl(p.thresholds_db, hysteresis_db=p.hysteresis_db, dwell=p.dwell, silence=p.silence)

    def work(self, image: Image, esn0_db: Features | None = None) -> Out[Link]:
        """Choose for one picture."""
        p, before = self.params, self._control.level
        level = self._control.after(None if esn0_db is None else float(esn0_db[0]))
        self.count(**{f"level_{level}": 1}, level_changes=int(level != before), silent=int(esn0_db is None))
        cbr = float(Fraction(p.cbrs[level % len(p.cbrs)]))
        needed_db = (p.lowest_db, *p.thresholds_db)[level]
        return Out(LinkSettings(cbr, needed_db - p.margin_db).packed(), trace={"link_level": float(level)})
