"""What a place has finished, kept in a small file beside its record: a place that was killed knows where it stood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..graph import Edge, Graph

__all__ = ["PlaceLedger"]

NOTHING = -1.0


class PlaceLedger(dict[str, float]):
    """End point of a place → number of the last item that it has finished; -1 before the first, infinite at the end.

    Every change is in the file at once (a mapped page survives the process, not the host). What an earlier start left
    is used only where the sender is the one that it spoke with: a sender that started anew begins anew.

    Args:
        points: Names of the end points: the place's sinks, and its edges to other places.
        edges: Edges that arrive from other places.
        graph: The resolved graph; a file of another one is not used.
        path: The file; ``None`` keeps everything in memory.
    """

    def __init__(self, points: Sequence[str], edges: Sequence[Edge], graph: Graph, path: Path | None) -> None:
        super().__init__(dict.fromkeys(points, NOTHING))
        self._path = path
        self._slot = {name: index for index, name in enumerate(points)}
        self._edge = {edge.index: 2 + index for index, edge in enumerate(edges)}
        self._met: set[int] = set()
        self._new: set[str] = set()  # points that this start has moved
        count = 2 + len(edges) + len(points)
        stamp = int(graph.hash()[:15], 16)
        words = np.zeros(count, np.int64)
        self.resumed = False
        self.goes_on = False  # with the same sender, from where an earlier start left off
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.stat().st_size == words.nbytes:
                self.resumed = int(np.fromfile(path, np.int64, 1)[0]) == stamp
            words = np.memmap(path, np.int64, "r+" if self.resumed else "w+", shape=(count,))
        self._words = words
        self._seqs = words[2 + len(edges) :].view(np.float64)
        if self.resumed:
            for name, index in self._slot.items():
                super().__setitem__(name, float(self._seqs[index]))
        else:
            self._seqs[:] = NOTHING
            words[0] = stamp

    def __setitem__(self, name: str, seq: float) -> None:
        super().__setitem__(name, seq)
        self._seqs[self._slot[name]] = seq
        self._new.add(name)

    @property
    def over(self) -> bool:
        """Every end point has the end of its stream: this place has done its work."""
        return all(seq == math.inf for seq in self.values())

    def left_off(self, edge: Edge, points: Sequence[str]) -> tuple[int, int] | None:
        """Return the sender's session and the last item of this edge, by its number, that an earlier start finished."""
        session = int(self._words[self._edge[edge.index]])
        finished = min((self[name] for name in points), default=NOTHING)
        if not self.resumed or not session or finished < 0:
            return None
        return session, int(min(finished, 2.0**53)) - self.shift  # finite: the end of the stream comes after every item

    @property
    def shift(self) -> int:
        """What was added to the numbers of the sender's items."""
        return int(self._words[1])

    def met(self, edge: Edge, session: int, shift: int = 0) -> None:
        """Note the session of the sender of this edge; forget an earlier start if that spoke with another."""
        self._words[1] = shift
        slot = self._edge[edge.index]
        if edge.index not in self._met and self.resumed and int(self._words[slot]) != session:
            for name in self.keys() - self._new:
                super().__setitem__(name, NOTHING)
                self._seqs[self._slot[name]] = NOTHING
        elif edge.index not in self._met and self.resumed:
            self.goes_on = True
        self._met.add(edge.index)
        self._words[slot] = session

    def forget(self) -> None:
        """Remove the file: the run came to its end."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
