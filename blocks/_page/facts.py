"""A table of facts in a card: what it is, how much."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["facts"]


def facts(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write a table.

    Args:
        title: Of the card.
        rows: Names and values, as HTML.
    """
    lines = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<div class="card"><h3>{title}</h3><table class="facts"><tbody>{lines}</tbody></table></div>'
