from __future__ import annotations

import os
import select
import threading

from semcom.flowgraphs.runtime.engine.mailbox import Mailbox


def readable(mailbox):
    return bool(select.select([mailbox.fileno()], [], [], 0)[0])


def test_a_message_makes_it_readable_and_taking_it_makes_it_quiet():
    mailbox = Mailbox()
    assert not readable(mailbox)
    mailbox.post(1)
    mailbox.post(2)
    assert readable(mailbox)
    assert [mailbox.take(), mailbox.take(), mailbox.take()] == [1, 2, None]
    assert not readable(mailbox)
    mailbox.close()


def test_peeking_leaves_the_messages_and_makes_it_quiet():
    mailbox = Mailbox()
    mailbox.post(1)
    assert mailbox.peek() == (1,)
    assert not readable(mailbox)
    assert mailbox
    assert mailbox.take() == 1
    mailbox.close()


def test_more_messages_than_the_pipe_holds_all_arrive():
    mailbox = Mailbox()
    for number in range(100_000):
        mailbox.post(number)
    assert [mailbox.take() for _ in range(100_001)] == [*range(100_000), None]
    mailbox.close()


def test_no_wake_up_is_lost_between_two_threads():
    mailbox = Mailbox()

    def post():
        for number in range(3000):
            mailbox.post(number)

    thread = threading.Thread(target=post)
    thread.start()
    got = []
    while len(got) < 3000:
        message = mailbox.take()
        if message is None:
            assert select.select([mailbox.fileno()], [], [], 10)[0]
        else:
            got.append(message)
    thread.join()
    assert got == list(range(3000))
    mailbox.close()


def test_a_post_after_the_end_writes_into_nobodys_file(tmp_path):
    mailbox = Mailbox()
    mailbox.close()
    mailbox.close()
    files = [open(tmp_path / str(n), "wb") for n in range(4)]
    mailbox.post(1)
    for file in files:
        assert os.fstat(file.fileno()).st_size == 0
        file.close()
