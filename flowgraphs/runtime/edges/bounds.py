"""What a message between two workers may hold at most: checked before anything is allocated."""

from __future__ import annotations

from typing import Final

WIRE_VERSION: Final = 2
MAX_FRAME_BYTES: Final = 1 << 30  # of one frame, and of all arrays of one message; the sockets' MAXMSGSIZE
MAX_HEAD_BYTES: Final = 1 << 20
MAX_PARTS: Final = 5  # head, item, n0, h, reception
MAX_PACK_ITEMS: Final = 256
MAX_AXES: Final = 8
MAX_AXIS: Final = (1 << 31) - 1
MAX_TEXT: Final = 1024  # characters of a label or a name
MAX_REASON: Final = 2048
MAX_CONTRACT_BYTES: Final = 1 << 16
MAX_HEADER_ENTRIES: Final = 64
MAX_TRACE_VALUES: Final = 256
MAX_PLACED: Final = 1024  # annotations, and frames, of one chunk of samples
END_BYTES: Final = 0  # what the end of a stream counts against a window
ALIGN: Final = 16
