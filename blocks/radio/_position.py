"""Where the samples of a sender lie in the stream that a source gives: what its numbers prove to be lost."""

from __future__ import annotations

from typing import Final

__all__ = ["Position"]

LONGEST_GAP: Final = 1 << 40  # samples, 30 h at 10 MS/s; a larger step is no gap but another count


class Position:
    """Follows the numbers of a sender; the stream begins at 0 with the first message.

    Attributes:
        next: Number of the next sample of the stream.
        joined_at: The sender's number of the first sample that came; None before it, or where it numbers none.
        lost: Samples that numbers prove missing.
        restarts: How often the sender began to count anew.
    """

    def __init__(self) -> None:
        self.next = self.lost = self.restarts = 0
        self.joined_at: int | None = None
        self._shift = 0  # from the sender's numbers to those of the stream

    def place(self, offset: int | None, count: int) -> tuple[int, bool]:
        """Take note of a message.

        A sender that counts anew has been started again: what it numbered before this message is lost, and what its
        predecessor still had is lost as well, nobody knows how much.

        Args:
            offset: The sender's number of the first sample; None where it numbers none.
            count: Samples in it.

        Returns:
            Number of the first sample in the stream, and whether the sender was started again.
        """
        start, restarted = self.next, False
        if offset is not None and self.joined_at is None:
            self.joined_at, self._shift = offset, start - offset
        elif offset is not None:
            gap = offset + self._shift - start
            restarted = not 0 <= gap < LONGEST_GAP
            if restarted:
                self.restarts += 1
                gap = offset if offset < LONGEST_GAP else 0
            start += gap
            self.lost += gap
            self._shift = start - offset
        self.next = start + count
        return start, restarted
