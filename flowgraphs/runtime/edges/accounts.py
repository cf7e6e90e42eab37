"""What a receiver has delivered, what its block has taken of that and its place finished with, in two numberings.

The sender numbers its items anew at each start: ``n``. The receiver numbers what it delivers, on and on: ``d``.
Items that a later session sends again have no ``d`` of their own: they count as finished when the item of the earlier
session is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ....blocks.envelope import Identity
from .protocol import END_KEY, WINDOW_BYTES, WINDOW_ITEMS, Key

__all__ = ["Accounts"]


class Accounts:
    """The books of one receiver.

    Args:
        depth: Items the edge holds.
        window_bytes: Bytes that may be delivered and not taken, where items are small.
        after: The last item that an earlier start of this receiver committed; the end of the chunk for samples.

    Attributes:
        expect: ``n`` of the next item that has not come.
        delivered, consumed, committed: How many, by ``d``.
        end: ``d`` of the end of the stream.
        last: Key of the last item that came.
        skipping: What comes may have come before.
        fresh: Bytes consumed since the sender was told.
    """

    def __init__(self, depth: int, window_bytes: int, after: Identity | int | None) -> None:
        self.depth, self.window_bytes = depth, window_bytes
        self._half = max(1, depth // 2)
        self.expect = 0
        self.delivered = self.consumed = self.committed = 0
        self.end: int | None = None
        self.last: Key | None = None if after is None else (after, 0) if isinstance(after, int) else after[:2]
        self.skipping = after is not None
        self.fresh = 0
        self.told = (0, 0)
        self._shift = 0
        self._floor = 0  # n below which all is consumed, whatever the block says
        self._doubles: deque[tuple[int, int]] = deque()  # (n, d that must be committed before n is)
        self._uncommitted: deque[tuple[int, Key]] = deque()  # (d, key)
        self._sizes: deque[int] = deque()  # of consumed .. delivered-1
        self._open = 0  # bytes of them
        self._left = 0  # of them, those that an earlier session of the sender brought

    @property
    def over(self) -> bool:
        """Whether the place has finished with everything, the end included."""
        return self.end is not None and self.committed > self.end

    def begin(self, base: int) -> None:
        """Expect item ``base`` of a session next."""
        self.expect = self._floor = base
        self._shift = base - self.delivered
        self._left = min(self._open, WINDOW_BYTES)
        self._doubles.clear()
        self.told = (base, base)

    def totals(self) -> tuple[int, int]:
        """Consumed and committed items in the sender's numbers."""
        committed = self._doubles[0][0] if self._doubles else max(self._floor, self.committed + self._shift)
        return max(self._floor, self.consumed + self._shift), committed

    def tell(self) -> tuple[int, int]:
        """Return the totals, which the sender knows from now on."""
        self.told, self.fresh = self.totals(), 0
        return self.told

    def granted(self, count: int, size: int) -> bool:
        """Whether the sender had the credit for these; what an earlier session left is not charged to this one."""
        ahead = self.delivered + count - max(self.consumed, self._floor - self._shift)
        return ahead <= self.depth or (ahead <= WINDOW_ITEMS and self._open - self._left + size <= self.window_bytes)

    def deliver(self, keys: Sequence[Key], sizes: Sequence[int]) -> None:
        """Enter items that are new."""
        d = self.delivered
        self._uncommitted.extend(zip(range(d, d + len(keys)), keys, strict=True))
        self._sizes.extend(sizes)
        self._open += sum(sizes)
        self.delivered += len(keys)
        self.expect += len(keys)
        self.last = keys[-1]

    def consume(self, count: int) -> bool:
        """Enter that the block has taken all below ``d = count``; True when that is worth telling at once."""
        if not self.consumed < count <= self.delivered:
            return False
        sizes = self._sizes
        while self.consumed < count:
            size = sizes.popleft()
            self._open -= size
            self.fresh += size
            self.consumed += 1
        new = count + self._shift - self.told[0]
        # The sender stops at depth: half of it is early enough. Small items come by the hundred, and telling costs a
        # message: while more of them wait here, the sender has credit left.
        return new >= self._half and (
            count == self.delivered or self.fresh >= WINDOW_BYTES // 4 or new >= WINDOW_ITEMS // 4
        )

    def commit(self, count: int) -> bool:
        """Enter that the place has finished with all below ``d = count``; True when that is worth telling at once."""
        self.committed = count
        while self._uncommitted and self._uncommitted[0][0] < count:
            self._uncommitted.popleft()
        while self._doubles and self._doubles[0][1] < count:
            self._doubles.popleft()
        new = count + self._shift - self.told[1]
        return self.end == count - 1 or (new >= self._half and (count == self.delivered or new >= WINDOW_ITEMS // 4))

    def skip(self, keys: Sequence[Key]) -> int:
        """Drop what an earlier session has brought already; return how many of these items that is."""
        count, last = 0, self.last
        for key in keys:
            if last is None or key > last:
                self.skipping = False
                break
            if self._uncommitted and key >= self._uncommitted[0][1]:  # not finished yet: it is when that item is
                need = next((d for d, have in self._uncommitted if have >= key), self.delivered - 1)
                self._doubles.append((self.expect, need))
            count += 1
            self.expect += 1
        if count:
            self._floor = self.expect
            self._shift = self.expect - self.delivered
        return count

    def overlaps(self, offset: int) -> bool:
        """Whether a chunk of samples that is new begins before what came already ends."""
        return self.last is not None and self.last is not END_KEY and offset < self.last[0]
