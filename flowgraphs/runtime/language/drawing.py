"""Draws a flowgraph: as Mermaid text, and as one self-contained ``<svg>`` with a small layered layout of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from ..graph import Edge, Graph

__all__ = ["mermaid", "svg"]

BOX_HEIGHT = 46
ROW = 74
LANE = 30
GAP = 104
MARGIN = 18
FRAME_HEAD = 24
FRAME_PAD = 14
FEEDBACK_STEP = 20

COLOURS = {  # mid tones, legible on white and on black
    "sources": "#3f9d63",
    "encoders": "#4a86d8",
    "decoders": "#4a86d8",
    "codes": "#8b7bd1",
    "mappers": "#8b7bd1",
    "framing": "#8b7bd1",
    "sync": "#8b7bd1",
    "channels": "#d98324",
    "radio": "#d98324",
    "sinks": "#7d8a99",
}
OTHER = "#7d8a99"

STYLE = """
.semcom-graph { --ink: #1d2733; --soft: #5d6b7a; font-family: system-ui, -apple-system, "Segoe UI", sans-serif; }
@media (prefers-color-scheme: dark) { .semcom-graph { --ink: #e8edf2; --soft: #a3afbc; } }
.semcom-graph text { fill: var(--ink); }
.semcom-graph .soft { fill: var(--soft); }
.semcom-graph path.edge { fill: none; stroke: #7d8a99; stroke-width: 1.6; }
.semcom-graph path.head { fill: #7d8a99; stroke: none; }
"""


def mermaid(graph: Graph) -> str:
    """Return the graph as Mermaid text."""
    ids = {block.name: f"b{index}" for index, block in enumerate(graph.blocks)}
    shapes = {"sources": ("([", "])"), "sinks": ("[(", ")]")}
    lines = ["flowchart LR"]

    def node(name: str) -> str:
        use = graph.block(name).use
        left, right = shapes.get(use.split("/")[0], ("[", "]"))
        return f'{ids[name]}{left}"{_mermaid_text(name)}<br/><small>{_mermaid_text(_short(use))}</small>"{right}'

    placed = {name for place in graph.places for name in place.blocks}
    lines += [f"  {node(block.name)}" for block in graph.blocks if block.name not in placed]
    for index, place in enumerate(graph.places):
        lines.append(f'  subgraph p{index}["{_mermaid_text(place.name)} · {_mermaid_text(place.endpoint)}"]')
        lines += [f"    {node(name)}" for name in place.blocks]
        lines.append("  end")
    several = _several_inputs(graph)
    for edge in graph.edges:
        arrow = "-.->" if edge.feedback else "-->"
        label = _mermaid_text(_label(edge, named=edge.target in several))
        lines.append(f'  {ids[edge.source]} {arrow}|"{label}"| {ids[edge.target]}')
    return "\n".join(lines) + "\n"


def svg(graph: Graph) -> str:
    """Return the graph as one ``<svg>`` element: signal flow from left to right, places as frames."""
    layout = _Layout(graph)
    frames = list(layout.frames())  # a long endpoint makes the drawing wider
    parts = [
        f'<svg class="semcom-graph" xmlns="http://www.w3.org/2000/svg" role="img" width="{layout.width:.0f}" '
        f'height="{layout.height:.0f}" viewBox="0 0 {layout.width:.0f} {layout.height:.0f}" '
        f'aria-label="Flowgraph {escape(graph.name)}">',
        f"<title>{escape(graph.name)}</title>",
        f"<style>{STYLE}</style>",
    ]
    parts += frames
    parts += layout.edges()
    for block in graph.blocks:
        box = layout.boxes[block.name]
        colour = COLOURS.get(block.use.split("/")[0], OTHER)
        parts.append(
            f'<g><title>{escape(block.name)}: {escape(block.use)}</title><rect x="{box.x:.1f}" y="{box.y:.1f}" '
            f'width="{box.width:.1f}" height="{BOX_HEIGHT}" rx="8" fill="{colour}" fill-opacity="0.16" '
            f'stroke="{colour}" stroke-width="1.6"/>'
            f'<text x="{box.x + box.width / 2:.1f}" y="{box.y + 20:.1f}" text-anchor="middle" font-size="14" '
            f'font-weight="600">{escape(block.name)}</text>'
            f'<text class="soft" x="{box.x + box.width / 2:.1f}" y="{box.y + 36:.1f}" text-anchor="middle" '
            f'font-size="11">{escape(_short(block.use))}</text></g>'
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


@dataclass
class _Box:
    """Where a block stands: its column and row in the grid, then its corner and width."""

    column: int
    row: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0


class _Layout:
    """Columns by the longest way from a source; rows so that chains run straight; a band of rows for each place."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.several = _several_inputs(graph)
        self.forward = [edge for edge in graph.edges if edge.feedback is None and edge.source != edge.target]
        self.back = [edge for edge in graph.edges if edge not in self.forward]
        self.boxes = {name: _Box(column) for name, column in self._columns().items()}
        places = {name: index for index, place in enumerate(graph.places) for name in place.blocks}
        self.band = {block.name: places.get(block.name, len(graph.places)) for block in graph.blocks}
        self.lanes: dict[int, int] = {}  # index of a long edge → its row
        rows = self._rows()
        self._place(rows)

    def _columns(self) -> dict[str, int]:
        column = dict.fromkeys((block.name for block in self.graph.blocks), 0)
        for _ in column:  # the check has refused cycles, so this settles in at most as many rounds as blocks
            moved = False
            for edge in self.forward:
                if column[edge.target] <= column[edge.source]:
                    column[edge.target] = min(column[edge.source] + 1, len(column))
                    moved = True
            if not moved:
                break
        fed = {edge.target for edge in self.forward}
        for name in column:  # a source stands beside what it feeds
            targets = [column[edge.target] for edge in self.forward if edge.source == name]
            if name not in fed and targets:
                column[name] = min(targets) - 1
        return column

    def _rows(self) -> dict[int, int]:
        """Give every block and every long edge a row of its band; return the number of rows of each band."""
        taken: dict[tuple[int, int], set[int]] = defaultdict(set)  # (band, column) → rows
        sources: dict[str, list[str]] = defaultdict(list)
        for edge in self.forward:
            sources[edge.target].append(edge.source)
        order = [block.name for block in self.graph.blocks]
        for name in sorted(order, key=lambda name: (self.boxes[name].column, order.index(name))):
            box, band = self.boxes[name], self.band[name]
            wanted = min((self.boxes[other].row for other in sources[name] if self.band[other] == band), default=0)
            box.row = _first_free(wanted, [taken[band, box.column]])
            taken[band, box.column].add(box.row)
        # what starts last runs nearest to the chain, so that long edges do not cross
        for edge in sorted(self.forward, key=lambda edge: -self.boxes[edge.source].column):
            start, end = self.boxes[edge.source], self.boxes[edge.target]
            band = self.band[edge.source]
            spanned = [taken[band, column] for column in range(start.column + 1, end.column)]
            if spanned:
                row = _first_free(start.row, spanned)
                self.lanes[edge.index] = row
                for used in spanned:
                    used.add(row)
        rows = dict.fromkeys(sorted(set(self.band.values())), 1)
        for (band, _), used in taken.items():
            rows[band] = max(rows[band], max(used, default=0) + 1)
        return rows

    def _place(self, rows: dict[int, int]) -> None:
        framed = bool(self.graph.places)
        columns = max((box.column for box in self.boxes.values()), default=0) + 1
        widths = [0.0] * columns
        for block in self.graph.blocks:
            column = self.boxes[block.name].column
            needed = max(8.4 * len(block.name), 6.3 * len(_short(block.use))) + 26
            widths[column] = max(widths[column], needed)
        gaps = [float(GAP)] * columns
        for edge in self.forward:
            if edge.index in self.lanes:
                continue
            column = self.boxes[edge.source].column
            gaps[column] = max(gaps[column], 6.2 * len(_label(edge, named=edge.target in self.several)) + 40)
        x: float = MARGIN + (FRAME_PAD if framed else 0)
        self.column_x: list[float] = []
        self.column_width = widths
        for width, gap in zip(widths, gaps, strict=True):
            self.column_x.append(x)
            x += width + gap
        self.width = x - gaps[-1] + MARGIN + (FRAME_PAD if framed else 0)
        self._place_rows(rows, framed=framed)
        for name, box in self.boxes.items():
            box.x, box.width = self.column_x[box.column], widths[box.column]
            box.y = self.row_y[self.band[name], box.row]

    def _place_rows(self, rows: dict[int, int], *, framed: bool) -> None:
        y = float(MARGIN)
        self.band_y: dict[int, float] = {}
        self.band_height: dict[int, float] = {}
        self.row_y: dict[tuple[int, int], float] = {}
        for band, count in rows.items():
            head = FRAME_HEAD + FRAME_PAD if framed else 0
            self.band_y[band] = y + head
            height = bottom = 0.0
            for row in range(count):
                has_block = any(box.row == row for name, box in self.boxes.items() if self.band[name] == band)
                self.row_y[band, row] = y + head + height - (0 if has_block else (BOX_HEIGHT - LANE) / 2)
                height += ROW if has_block else LANE
                bottom = height - (ROW - BOX_HEIGHT if has_block else 0)
            self.band_height[band] = bottom
            y += head + self.band_height[band] + (FRAME_PAD + MARGIN if framed else 0)
        self.floor = y + (0 if framed else MARGIN / 2)
        self.height = self.floor + MARGIN / 2 + FEEDBACK_STEP * len(self.back) + (MARGIN if self.back else 0)

    def frames(self) -> Iterable[str]:
        """Draw the places."""
        for index, place in enumerate(self.graph.places):
            inside = [self.boxes[name] for name in place.blocks]
            if not inside:
                continue
            left = min(box.x for box in inside) - FRAME_PAD
            right = max(box.x + box.width for box in inside) + FRAME_PAD
            right = max(right, left + 7.2 * len(f"{place.name} · {place.endpoint}") + 20)
            self.width = max(self.width, right + MARGIN)
            top = self.band_y[index] - FRAME_HEAD - FRAME_PAD / 2
            height = self.band_height[index] + FRAME_HEAD + 1.5 * FRAME_PAD
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{height:.1f}" rx="12" '
                'fill="#7d8a99" fill-opacity="0.07" stroke="#7d8a99" stroke-opacity="0.55" stroke-dasharray="5 4"/>'
                f'<text x="{left + 12:.1f}" y="{top + 18:.1f}" font-size="12" font-weight="600">{escape(place.name)} '
                f'<tspan class="soft" font-weight="400">· {escape(place.endpoint)}</tspan></text>'
            )

    def edges(self) -> Iterable[str]:
        """Draw the edges with their port types."""
        leaving: dict[str, list[Edge]] = defaultdict(list)
        arriving: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.graph.edges:
            leaving[edge.source].append(edge)
            arriving[edge.target].append(edge)
        for name in leaving:
            leaving[name].sort(key=lambda edge: self._end_y(edge, edge.target))
        for name in arriving:
            arriving[name].sort(key=lambda edge: self._end_y(edge, edge.source))
        for edge in self.graph.edges:
            start, end = self.boxes[edge.source], self.boxes[edge.target]
            x1, y1 = start.x + start.width, start.y + _share(leaving[edge.source], edge)
            x2, y2 = end.x - 7, end.y + _share(arriving[edge.target], edge)
            label = _label(edge, named=edge.target in self.several)
            path, at = self._path(edge, x1, y1, x2, y2)
            dash = ' stroke-dasharray="6 4"' if edge in self.back else ""
            yield (
                f'<path class="edge" d="{path}"{dash}/>'
                f'<path class="head" d="M{x2:.1f} {y2 - 4.5:.1f} l8 4.5 l-8 4.5 z"/>'
                f'<text class="soft" x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="middle" font-size="11">'
                f"{escape(label)}</text>"
            )

    def _path(self, edge: Edge, x1: float, y1: float, x2: float, y2: float) -> tuple[str, tuple[float, float]]:
        """Return the line of an edge, and where its label stands: below all, in a lane of its own, or straight on."""
        if edge in self.back:
            low = self.floor + FEEDBACK_STEP * (1 + self.back.index(edge))
            path = (
                f"M{x1:.1f} {y1:.1f} C{x1 + 40:.1f} {y1:.1f} {x1 + 40:.1f} {low:.1f} {x1 - 10:.1f} {low:.1f} "
                f"L{x2 + 10:.1f} {low:.1f} C{x2 - 40:.1f} {low:.1f} {x2 - 40:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
            )
            return path, ((x1 + x2) / 2, low - 4)
        if edge.index in self.lanes:
            start, end = self.boxes[edge.source], self.boxes[edge.target]
            lane = self.row_y[self.band[edge.source], self.lanes[edge.index]] + BOX_HEIGHT / 2
            left, right = self.column_x[start.column + 1], self.column_x[end.column - 1]
            right += self.column_width[end.column - 1]
            into, out = (left - x1) / 2, (x2 - right) / 2
            path = (
                f"M{x1:.1f} {y1:.1f} C{x1 + into:.1f} {y1:.1f} {left - into:.1f} {lane:.1f} {left:.1f} {lane:.1f} "
                f"L{right:.1f} {lane:.1f} C{right + out:.1f} {lane:.1f} {x2 - out:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
            )
            return path, ((left + right) / 2, lane - 6)
        bend = (x2 - x1) / 2
        path = f"M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        return path, ((x1 + x2) / 2, (y1 + y2) / 2 - 6)

    def _end_y(self, edge: Edge, name: str) -> float:
        if edge in self.back:
            return 1e9
        if edge.index in self.lanes:
            return self.row_y[self.band[edge.source], self.lanes[edge.index]]
        return self.boxes[name].y


def _first_free(wanted: int, columns: list[set[int]]) -> int:
    row = wanted
    while any(row in column for column in columns):
        row += 1
    return row


def _share(edges: list[Edge], edge: Edge) -> float:
    return BOX_HEIGHT * (edges.index(edge) + 1) / (len(edges) + 1)


def _several_inputs(graph: Graph) -> set[str]:
    return {block.name for block in graph.blocks if len(graph.inputs(block.name)) > 1}


def _label(edge: Edge, *, named: bool) -> str:
    text = f"{edge.port} → {edge.target_port}" if named else edge.port
    if edge.overflow == "drop_oldest":
        text += ", drops"
    if edge.feedback:
        text += f", {edge.feedback.delay} late"
    return text


def _short(use: str) -> str:
    return use.rsplit("/", 1)[-1] if use.endswith(".py") else use


def _mermaid_text(text: str) -> str:
    return text.replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
