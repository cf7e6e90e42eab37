"""Which start of a sending place this place listens to: one at a time, the same on all edges. No sockets, no clocks.

Without it a second transmitter would take a receiver over edge by edge, and a join would pair pictures of the one with
pictures of the other. So the edges that come from one place share an `Admission`:

- The first start that says hello is welcome.
- Another one waits. If the first is heard meanwhile, it lives, and the other is refused. If it is silent for
  `GONE_S`, it is gone, and the other takes over all edges at once. A receiver that computes does not listen: what came
  meanwhile waits in its sockets, and such time is no silence.
- A start of the same graph and seed goes on where the one before was cut off: what came twice is dropped. Any other is
  a new session: its items are numbered on from the last one, so that nothing of it meets anything of the one before.
"""

from __future__ import annotations

import threading
from typing import Final, Literal, NamedTuple

import msgspec

from ....blocks.envelope import Envelope

__all__ = ["GONE_S", "Admission", "Start"]

GONE_S: Final = 2.5  # a sender that lives says something every second
DEAF_S: Final = 1.0  # between two looks at the sockets; idle receivers look twenty times a second
Verdict = Literal["welcome", "wait", "refuse"]


class Start(NamedTuple):
    """One start of a sending place.

    Attributes:
        session: A number below 2**63 that no other start has.
        graph_hash: Of its graph.
        seed: Of its run, in digits.
    """

    session: int
    graph_hash: str = ""
    seed: str = ""

    def __str__(self) -> str:
        return f"graph {self.graph_hash[:8] or '?'}, seed {self.seed or '?'}"


class Admission:
    """Decides for all edges from one place.

    Args:
        after: Session that an earlier start of this place listened to, and by how much its items were shifted.

    Attributes:
        current: The start that is listened to.
        shift_items, shift_samples: What is added to the numbers of its items and samples.
        senders: Every start that was listened to, and the number of its first item.
    """

    def __init__(self, after: tuple[int, int] | None = None) -> None:
        self.current: Start | None = None
        self.shift_items = self.shift_samples = 0
        self.senders: list[tuple[Start, int]] = []
        self._after = after
        self._next_item = self._next_sample = 0  # behind all that came on any of the edges
        self._heard_s = self._looked_s = self._listens_from_s = 0.0
        self._lock = threading.Lock()  # the edges of a place have a thread each
        self._knocked_s: dict[int, float] = {}
        self._gone: set[int] = set()
        self._over = False

    def knock(self, start: Start, now_s: float) -> Verdict:
        """Say what becomes of a hello."""
        with self._lock:
            return self._judged(start, now_s)

    def _judged(self, start: Start, now_s: float) -> Verdict:
        if self.current is None:
            if self._after is not None and self._after[0] == start.session:
                self.shift_items = self._after[1]
            self._listen_to(start, now_s)
        if self.current is not None and start.session == self.current.session:
            return "welcome"
        if start.session in self._gone or (self._over and not self.continues(start)):
            return "refuse"
        knocked_s = self._knocked_s.setdefault(start.session, now_s)
        if self._heard_s > knocked_s:
            return "refuse"
        if now_s - max(self._heard_s, self._listens_from_s) < GONE_S:
            return "wait"
        if not self.continues(start):
            self.shift_items, self.shift_samples = self._next_item, self._next_sample
        self._listen_to(start, now_s)
        return "welcome"

    def continues(self, start: Start) -> bool:
        """Whether a start goes on with what the present one was sending."""
        return self.current is not None and start[1:] == self.current[1:]

    def listens_to(self, session: int) -> bool:
        """Whether this is the start that has all edges."""
        return self.current is not None and session == self.current.session

    def look(self, now_s: float) -> None:
        """Note that an edge is about to take in what came."""
        if now_s - self._looked_s > DEAF_S:
            self._listens_from_s = now_s
        self._looked_s = now_s

    def heard(self, now_s: float) -> None:
        """Note that the present start said something, on whichever edge."""
        self._heard_s = max(self._heard_s, now_s)

    def ended(self) -> None:
        """Note that an edge has the end of its stream: nothing else can follow on it."""
        self._over = True

    def numbered(self, envelope: Envelope, samples: int) -> Envelope:
        """Return an item's envelope with the numbers that it has here."""
        stream = envelope.stream
        if self.shift_items or (self.shift_samples and stream is not None):
            envelope = self._shifted(envelope)
            stream = envelope.stream
        self._next_item = max(self._next_item, envelope.identity.seq + 1)
        if stream is not None:
            self._next_sample = max(self._next_sample, stream.offset + samples)
        return envelope

    def _shifted(self, envelope: Envelope) -> Envelope:
        items, samples, stream = self.shift_items, self.shift_samples, envelope.stream
        identity = envelope.identity._replace(seq=envelope.identity.seq + items)
        if stream is not None:
            notes = tuple(note._replace(offset=note.offset + samples) for note in stream.annotations)
            stream = stream._replace(offset=stream.offset + samples, annotations=notes)
        sent = tuple(frame._replace(seq=frame.seq + items, offset=frame.offset + samples) for frame in envelope.sent)
        return msgspec.structs.replace(envelope, identity=identity, stream=stream, sent=sent)

    def _listen_to(self, start: Start, now_s: float) -> None:
        if self.current is not None:
            self._gone.add(self.current.session)
        self.current, self._heard_s = start, now_s
        self._knocked_s.clear()
        self.senders.append((start, self.shift_items))
