import numpy as np
from semcom.blocks.block import RunContext
from semcom.blocks.sinks.null import Null


def test_it_counts_items_and_elements() -> None:
    sink = Null()
    sink.work(np.zeros(5, np.complex64))
    sink.work(image=np.zeros((2, 3, 3), np.uint8))
    sink.finish(RunContext())
    assert sink.measured == {"items": (1, 2.0), "elements": (1, 23.0)}
