"""Under load nothing is lost, doubled or reordered, whatever happens to the process."""

import threading
import time

from harness import Sender, Tail, envelope, org_user, payload_data, wait_for

STREAMS = 16


def in_order(found, streams):
    """Check that each stream's messages appear once and in the order in which they were sent."""
    for number in range(streams):
        own = [int(data.split(b":")[1]) for data in found if data.startswith(b"%d:" % number)]
        assert own == sorted(set(own))
        yield own


def test_twenty_thousand_transactions(orderer):
    """20,000 envelopes of 1 KiB over 16 streams are all in the blocks, once, in stream order."""
    channel, user, total = orderer.create_channel(), org_user(1), 20_000
    each = total // STREAMS
    senders = []
    for number in range(STREAMS):
        messages = [envelope(channel, user, b"%d:%d:" % (number, index) + bytes(1000))
                    .SerializeToString() for index in range(each)]
        senders.append(Sender(orderer, messages))
    tail = Tail(orderer, channel, user)
    tail.start()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(300)
        assert sender.error is None and sender.statuses == [200] * each
    found = []
    while len(found) < total:
        block = tail.blocks.get(timeout=60).block
        if block.header.number > 0:
            found += [payload_data(data)[:20] for data in block.data.data]
    assert len(found) == total
    for own in in_order(found, STREAMS):
        assert own == list(range(each))


def test_killed_under_load(make_orderer):
    """After SIGKILL the chain holds what Deliver showed, unchanged, and goes on."""
    orderer = make_orderer().start()
    channel, user = orderer.create_channel(), org_user(1)
    for turn in range(5):
        tail = Tail(orderer, channel, user)
        tail.start()
        stop = threading.Event()

        def endless(number):
            index = 0
            while not stop.is_set():
                yield envelope(channel, user, b"%d:%d:" % (turn * 4 + number, index)
                               ).SerializeToString()
                index += 1
        senders = [Sender(orderer, endless(number)) for number in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(1 + turn * 0.13)
        orderer.process.kill()
        orderer.process.wait()
        stop.set()
        for sender in senders:
            sender.join(30)
        tail.join(30)
        shown = [item.block for item in iter(lambda: tail.blocks.get_nowait()
                                             if not tail.blocks.empty() else None, None)]
        orderer.start()
        wait_for(lambda: orderer.height(channel, user) >= len(shown), "the blocks are there")
        again, status = orderer.deliver(channel, user, 0, len(shown) - 1)
        assert status == "SUCCESS" and again == shown
        assert orderer.broadcast(envelope(channel, user, b"after")) == ["SUCCESS"]
    height = orderer.height(channel, user)
    blocks, _ = orderer.deliver(channel, user, 0, height - 1)
    found = [payload_data(data) for block in blocks[1:] for data in block.data.data]
    assert len([data for data in found if data == b"after"]) >= 4
    list(in_order(found, 20))
