"""Finds the bursts that `burst` made, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from semcom.blocks.block import Block
from semcom.blocks.envelope import Identity, Out, Stream
from semcom.blocks.ports import Features, Samples


class Catch(Block):
    """Gives the value of every whole burst, by the number that it reads in it."""

    def start(self) -> None:
        """Nothing has come yet."""
        self.kept = np.empty(0, np.complex64)

    def work(self, samples: Samples, stream: Stream) -> Iterator[Out[Features]]:
        """Look for whole bursts."""
        self.kept = np.concatenate([self.kept, samples])
        while (begins := np.flatnonzero(self.kept.real == 1000)).size and self.kept.size >= begins[0] + 8:
            seq, value = self.kept[begins[0] + 1 : begins[0] + 3].real
            self.kept = self.kept[begins[0] + 8 :]
            yield Out(np.array([value], np.float32), identity=Identity(int(seq)), trace={"caught": 1.0})
