"""What a sender has numbered: committed and forgotten, consumed, under way, and to be sent (again)."""

from __future__ import annotations

from collections import deque
from itertools import islice

from .protocol import END_ENTRY, Entry

__all__ = ["Window"]


class Window:
    """The items of one sender by number: ``base`` <= ``consumed`` <= ``cursor`` <= ``next``.

    Attributes:
        base: All below is committed: the receiving place has finished with it, nobody asks for it again.
        consumed: All below was taken by the receiver's block: room for as many more.
        cursor: The next to send; below ``next`` where messages were lost and are sent again.
        next: The next number.
        kept: Items base .. next-1.
        kept_bytes: Bytes of them.
        open_bytes: Bytes of consumed .. next-1.
        flying_bytes: Bytes of consumed .. cursor-1.
    """

    def __init__(self) -> None:
        self.base = self.consumed = self.cursor = self.next = 0
        self.kept: deque[Entry] = deque()
        self.kept_bytes = self.open_bytes = self.flying_bytes = 0
        self._sizes: deque[int] = deque()  # of consumed .. next-1

    @property
    def sends_again(self) -> bool:
        """Whether what goes out next has gone out before."""
        return self.cursor < self.next

    def upcoming(self, count: int) -> islice[Entry]:
        """Return at most so many items of those that are sent again."""
        first = self.cursor - self.base
        return islice(self.kept, first, first + count)

    def number(self, batch: list[Entry]) -> int:
        """Number items that go out for the first time; return their bytes."""
        size = sum([entry[2] for entry in batch])
        self.kept.extend(batch)
        self._sizes.extend([entry[2] for entry in batch])
        self.open_bytes += size
        self.kept_bytes += size
        self.next += len(batch)
        return size

    def sent(self, batch: list[Entry]) -> None:
        """Note that the items from ``cursor`` on are under way."""
        self.cursor += len(batch)
        self.flying_bytes += sum([entry[2] for entry in batch])

    def progress(self, consumed: int, committed: int) -> bool:
        """Take in running totals of the receiver; False when they are beyond what was ever sent."""
        if consumed > self.next or committed > self.next:
            return False
        consumed = max(consumed, committed)
        for n in range(self.consumed, consumed):
            size = self._sizes.popleft()
            self.open_bytes -= size
            if n < self.cursor:
                self.flying_bytes -= size
        self.consumed = max(self.consumed, consumed)
        for _ in range(self.base, committed):
            self.kept_bytes -= self.kept.popleft()[2]
        self.base = max(self.base, committed)
        self.cursor = max(self.cursor, self.consumed)
        return True

    def rewind(self, n: int) -> None:
        """Send again from item ``n``, which is kept; what was consumed stays so."""
        self.cursor = max(n, self.consumed)
        self.flying_bytes = sum(islice(self._sizes, 0, self.cursor - self.consumed))

    def meet_anew(self) -> None:
        """Another receiver: it has consumed nothing of what is kept."""
        self.consumed = self.cursor = self.base
        self._sizes = deque(entry[2] for entry in self.kept)
        self.open_bytes, self.flying_bytes = self.kept_bytes, 0

    def oldest_seq(self) -> int | None:
        """Number (at its source) of the oldest item that is kept; None: the end, or nothing."""
        entry = self.kept[0] if self.kept else END_ENTRY
        return None if entry is END_ENTRY else entry[0].identity.seq
