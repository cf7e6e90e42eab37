"""From which step of diffusion a training-free receiver samples back: table of the step rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ....blocks._measuring.files import make_folder
from ....errors import UsageError
from ....models.latent_diffusion.schedule import alpha_bar, level_of_step
from ....models.latent_diffusion.step_rule import matched_level, sampling_levels
from ....sim.side_information.latent_mode import STEPS
from ..results import write_table

__all__ = ["MatchedStep", "lines", "matched_steps", "write_matched_steps"]


class MatchedStep(NamedTuple):
    """A row of the table.

    Attributes:
        esn0_db: Of the channel, and measured by the receiver.
        level: Of as much noise over signal, 0 to 999.
        steps: T3 as a number of the grid's steps that need not be whole: (level + 19) / 20.
        paper: T3, rounded.
        rescaling: What brings the latent to the power that the network expects there.
    """

    esn0_db: float
    level: float
    steps: float
    paper: int
    rescaling: float


def matched_steps(esn0_db: Sequence[float], sent: int, further: int) -> list[MatchedStep]:
    """The rows, for a latent of unit power.

    Args:
        esn0_db: Es/N0 in dB.
        sent: T1, of the transmitter.
        further: T2, of the receiver.

    Raises:
        UsageError: the steps are more than the grid has.
    """
    if sent + further > STEPS:
        raise UsageError(
            f"expected at most {STEPS} steps of inversion at both ends, got {sent} and {further}; take fewer"
        )
    share = alpha_bar(level_of_step(sent + further))
    rows = []
    for ratio_db in esn0_db:
        level = matched_level(sent, further, 10 ** (-ratio_db / 10))
        rescaling = (alpha_bar(level) / share) ** 0.5
        rows.append(MatchedStep(ratio_db, level, (level + 19) / 20, len(sampling_levels(level, "paper")), rescaling))
    return rows


def write_matched_steps(rows: Sequence[MatchedStep], out: Path) -> list[Path]:
    """Write ``matched-steps.csv``.

    Raises:
        RunError: it cannot be written.
    """
    table = make_folder(str(out)) / "matched-steps.csv"
    write_table(table, MatchedStep._fields, (row._asdict() for row in rows))
    return [table]


def lines(rows: Sequence[MatchedStep]) -> Iterator[str]:
    """What a terminal shows."""
    yield "Es/N0, dB   level      T3   rounded   rescaling"
    for row in rows:
        yield f"{row.esn0_db:>9g}{row.level:>8.0f}{row.steps:>8.1f}{row.paper:>10}{row.rescaling:>12.3f}"
