"""Binary arithmetic coding with probabilities that learn: integers alone, so that every machine gives the same bits.

The coder knows several contexts, and counts zeros and ones in each. A word ends itself: a decoder that knows how many
decisions were coded finds out how many bits they took, and what follows them does not matter.

Source: Witten, Neal & Cleary, Arithmetic coding for data compression, Comm. ACM 30(6), 1987.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import SignalError

__all__ = ["ArithmeticDecoder", "ArithmeticEncoder"]

_QUARTER, _HALF, _TOP = 1 << 30, 1 << 31, (1 << 32) - 1
_SCALE = 256  # of counts: what one meets; a prior has the weight of 16 decisions
_STEP = 16
_MOST = 400 * _STEP  # counts are halved above it, so that old decisions weigh less
_LEAST = 1 << 6  # probability in 1/65536: no decision costs less than 0.0014 bits, so that few bits are soon read


class _Counts:
    """Zeros and ones of each context.

    Args:
        priors: Of each context the probability of a one, 1 to 255 of 256.
    """

    def __init__(self, priors: Sequence[int]) -> None:
        self._ones = list(priors)
        self._all = [_SCALE] * len(self._ones)

    def _split(self, context: int, low: int, high: int) -> int:
        """The last number of the lower part of an interval, which is that of a one."""
        share = (self._ones[context] << 16) // self._all[context]
        return low + ((high - low + 1) * min(max(share, _LEAST), 65536 - _LEAST) >> 16) - 1

    def _count(self, context: int, *, one: bool) -> None:
        self._all[context] += _STEP
        if one:
            self._ones[context] += _STEP
        if self._all[context] > _MOST:
            self._all[context] >>= 1
            self._ones[context] >>= 1


class ArithmeticEncoder(_Counts):
    """Codes decisions.

    Args:
        priors: Of each context the probability of a one, 1 to 255 of 256.
    """

    def __init__(self, priors: Sequence[int]) -> None:
        super().__init__(priors)
        self._low, self._high, self._pending = 0, _TOP, 0
        self._texts: list[str] = []

    def code(self, context: int, one: bool) -> bool:  # noqa: FBT001 - the decision itself
        """Code one decision, and return it."""
        low, high = self._low, self._high
        split = self._split(context, low, high)
        low, high = (low, split) if one else (split + 1, high)
        while True:
            if high < _HALF:
                self._put("0")
            elif low >= _HALF:
                self._put("1")
                low, high = low - _HALF, high - _HALF
            elif low >= _QUARTER and high < _HALF + _QUARTER:
                self._pending += 1
                low, high = low - _QUARTER, high - _QUARTER
            else:
                break
            low, high = 2 * low, 2 * high + 1
        self._low, self._high = low, high
        self._count(context, one=one)
        return one

    def text(self) -> str:
        """End the word, and return its bits as a text of zeros and ones."""
        self._pending += 1
        self._put("0" if self._low < _QUARTER else "1")
        return "".join(self._texts)

    def _put(self, bit: str) -> None:
        self._texts.append(bit + ("1" if bit == "0" else "0") * self._pending)
        self._pending = 0


class ArithmeticDecoder(_Counts):
    """Decodes what `ArithmeticEncoder` coded.

    Args:
        priors: As encoded.
        text: The word, and what may follow it, as a text of zeros and ones.
    """

    def __init__(self, priors: Sequence[int], text: str) -> None:
        super().__init__(priors)
        self._low, self._high = 0, _TOP
        self._text, self._shifts = text, 0
        self._value = int(text[:32].ljust(32, "0"), 2)

    @property
    def size(self) -> int:
        """Bits of the word, if it ends here."""
        return self._shifts + 2

    def code(self, context: int, one: bool) -> bool:  # noqa: FBT001 - as the encoder's, so that one model serves both
        """Return the next decision; ``one`` is not looked at.

        Raises:
            SignalError: the word is longer than what there is.
        """
        low, high = self._low, self._high
        split = self._split(context, low, high)
        one = self._value <= split
        low, high = (low, split) if one else (split + 1, high)
        while True:
            if high < _HALF:
                less = 0
            elif low >= _HALF:
                less = _HALF
            elif low >= _QUARTER and high < _HALF + _QUARTER:
                less = _QUARTER
            else:
                break
            low, high = 2 * (low - less), 2 * (high - less) + 1
            self._value = 2 * (self._value - less) + (self._text[32 + self._shifts : 33 + self._shifts] == "1")
            self._shifts += 1
        if self.size > len(self._text):
            raise SignalError(f"arithmetic code: expected a word of more than {len(self._text)} bits; it is cut short")
        self._low, self._high = low, high
        self._count(context, one=one)
        return one
