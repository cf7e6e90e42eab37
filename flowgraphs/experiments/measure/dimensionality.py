"""How many values a system sends for a picture, and what they cost the channel: Table 1 of the SC-SIC paper."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ....blocks._measuring.files import make_folder
from ....errors import MissingExtra, UsageError
from ....sim.bandwidth import Bandwidth, dimension_ratio
from ..results import write_table
from .bars import draw_bars
from .figures import need_matplotlib

__all__ = ["Dimensions", "dimensions", "lines", "write_dimensionality"]

MINI_SIDE = 256
PAPER = "Khalid et al. 2025, Table 1"


class Dimensions(NamedTuple):
    """A row of the table.

    Attributes:
        system: Whose.
        side: Of the square picture in pixels.
        transmitted: Shape of what is sent.
        values: Real values in it.
        dimension_ratio: 3 H W over them: what the paper calls compression ratio. Not a bandwidth.
        percent_of_original: 100 over that.
        channel_uses: Complex channel uses, two values each; side information and pilots left out.
        cbr: Channel uses over 3 H W.
        source: Where the shape is from.
    """

    system: str
    side: int
    transmitted: tuple[int, ...]
    values: int
    dimension_ratio: float
    percent_of_original: float
    channel_uses: int
    cbr: float
    source: str


PUBLISHED = (
    ("Img2Img-SC", 512, (4, 64, 64), PAPER + "; its public code sends 64-bit numbers over 16-QAM, a CBR of 1/3"),
    ("DIFFSC", 512, (8, 32, 32), PAPER),
    ("CASC", 512, (8, 32, 32), PAPER),
)
"""What others send, from their publications: none of it is computed here."""


def dimensions(sides: Sequence[int] = (512, 1024)) -> list[Dimensions]:
    """The rows: SC-SIC with and without the downscaling, from its configuration; the miniatures; published shapes.

    Args:
        sides: Of square pictures in pixels, for SC-SIC.

    Raises:
        UsageError: a side is no multiple of the network's stride.
        MissingExtra: what the configurations are made of is not installed.
    """
    try:
        from ....models.sc_sic.config import TrainConfig
        from ....models.sc_sic.names import SHIPPED
        from ....models.sc_sic.sizes import SIZES
    except ImportError as error:
        raise MissingExtra("semcom measure dimensionality", error.name or "torch", "models") from None
    lite = SIZES["lite"]
    semantic = lite.semantic
    rows = []
    for side in sides:
        if side < lite.stride or side % lite.stride:
            raise UsageError(f"--side {side}: expected a multiple of {lite.stride}, such as 512 or 1024")
        where = "sizes of models/sc_sic"
        for factor, name in ((semantic.downscale, "SC-SIC"), (1.0, "SC-SIC, not downscaled")):
            shape = _embedding(semantic.channels, semantic.stride, factor, side)
            rows.append(_row(name, side, shape, f"{where}, downscale {factor:g}"))
    for recipe in sorted((SHIPPED.folder.parent / "configs").glob("mini-[0-9]*.yaml")):
        mini = TrainConfig.read(recipe).model.semantic
        shape = _embedding(mini.channels, mini.stride, mini.downscale, MINI_SIDE)
        rows.append(_row(f"SC-SIC {recipe.stem}", MINI_SIDE, shape, f"recipe {recipe.stem} of models/sc_sic"))
    return [*rows, *(_row(*published) for published in PUBLISHED if published[1] in sides)]


def write_dimensionality(rows: Sequence[Dimensions], out: Path) -> list[Path]:
    """Write ``dimensionality.csv``, and bars of the dimension ratio.

    Raises:
        MissingExtra: matplotlib is not installed.
        RunError: a file cannot be written.
    """
    need_matplotlib("semcom measure dimensionality")
    table = make_folder(str(out)) / "dimensionality.csv"
    cells = ({**row._asdict(), "transmitted": _shape(row.transmitted)} for row in rows)
    write_table(table, Dimensions._fields, cells)
    bars = {f"{row.system}\n{row.side}": {"": row.dimension_ratio} for row in rows}
    label = "dimension ratio, source values per value sent"
    return [table, *draw_bars(out / "dimensionality", bars, label, form=".0f")]


def lines(rows: Sequence[Dimensions]) -> Iterator[str]:
    """What a terminal shows."""
    width = max(len(row.system) for row in rows)
    yield (
        f"{'system':<{width}}  {'picture':<17}{'transmitted':<14}{'values':>7}{'dim. ratio':>12}{'of original':>13}"
        f"{'uses':>8}{'CBR':>8}"
    )
    for row in rows:
        yield (
            f"{row.system:<{width}}  {_shape((3, row.side, row.side)):<17}{_shape(row.transmitted):<14}{row.values:>7}"
            f"{int(row.dimension_ratio):>12}{row.percent_of_original:>11.2f} %{row.channel_uses:>8}"
            f"{f'1/{round(1 / row.cbr)}':>8}"
        )


def _row(system: str, side: int, shape: tuple[int, ...], source: str) -> Dimensions:
    values = math.prod(shape)
    ratio = dimension_ratio(side, side, values)
    spent = Bandwidth(side, side, payload_uses=-(-values // 2))
    return Dimensions(system, side, shape, values, ratio, 100 / ratio, spent.uses, spent.cbr, source)


def _embedding(channels: int, stride: int, factor: float, side: int) -> tuple[int, int, int]:
    """Shape of the embedding of a square picture, as `sc_sic.codec.Codec.grid` has it."""
    cells = int(side * factor) // stride
    return channels, cells, cells


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"
