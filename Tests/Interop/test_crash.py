"""A process that is killed at any moment, with what a crash leaves at the end of its block file, has
lost nothing that anybody has seen.

HEDDLE_CRASHES sets how often it is killed; 200 times by default.
"""

import os
import random
import signal
import threading
import time

import grpc
from fabric_protos.orderer import ab_pb2
from harness import Tail, SYSTEM_CHANNEL, envelope, orderer_admin, org_user
from ledgerfiles import check_chain, newest_file, record_ends

CRASHES = int(os.environ.get("HEDDLE_CRASHES", "200"))
SEED = int(os.environ.get("HEDDLE_CRASH_SEED", str(random.randrange(2**32))))
STREAMS = 4


class Load(threading.Thread):
    """Sends messages on one stream until the connection breaks, and counts the acknowledged ones."""

    def __init__(self, orderer, messages, window):
        super().__init__(daemon=True)
        self.orderer, self.messages, self.window = orderer, messages, window
        self.acknowledged = 0

    def run(self):
        room = threading.Semaphore(self.window)

        def requests():
            for message in self.messages:
                room.acquire()  # pylint: disable=consider-using-with
                yield message
        try:
            with self.orderer.channel() as channel:
                call = channel.stream_stream(
                    "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                    response_deserializer=ab_pb2.BroadcastResponse.FromString)(requests())
                for response in call:
                    self.acknowledged += response.status == 200
                    room.release()
        except grpc.RpcError:
            room.release(1000)


def mangle(path, keep, chance):
    """Do to the end of a block file what a crash can do, but not to its first `keep` bytes."""
    data = path.read_bytes()
    kind = chance.choice(["nothing", "cut", "cut", "zeros", "garbage", "torn"])
    if kind == "cut":
        data = data[:chance.randint(keep, len(data))]
    elif kind == "zeros":
        data = data[:chance.randint(keep, len(data))] + bytes(chance.randint(1, 5000))
    elif kind == "garbage":
        data += chance.randbytes(chance.randint(1, 100))
    elif kind == "torn":
        # The file has grown, but some of the last record's sectors were never written.
        ends = [0] + record_ends(data)
        if ends[-2] >= keep and ends[-1] - ends[-2] > 1200:
            begin = (ends[-2] // 512 + 1) * 512
            data = data[:begin] + bytes(512) + data[begin + 512:ends[-1]]
    path.write_bytes(data)
    return kind


def drain(tail):
    """The blocks that a reader has been shown."""
    shown = []
    while not tail.blocks.empty():
        response = tail.blocks.get()
        if response.WhichOneof("Type") == "block":
            shown.append(response.block)
    return shown


def test_crashes(make_orderer):
    """Killed over and over under load: the chain stays whole, shown blocks stay, it serves again."""
    print(f"{CRASHES} crashes, HEDDLE_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    orderer = make_orderer()
    orderer.start()
    channel, user = orderer.create_channel(), org_user(1)
    # Signed once: the node does not mind a message that it has seen before.
    messages = [envelope(channel, user, b"%d:" % index + chance.randbytes(chance.choice([20, 2000])))
                .SerializeToString() for index in range(500)]
    shown = orderer.deliver(channel, user, 0, 0)[0]
    previous = check_chain(shown)
    kinds, longest = {}, 0.0
    for crash in range(CRASHES):
        first = max(0, len(shown) - 5)
        tail = Tail(orderer, channel, user, start=first)
        tail.start()
        loads = [Load(orderer, iter(messages * 100), chance.choice([1, 8, 200]))
                 for _ in range(STREAMS)]
        for load in loads:
            load.start()
        time.sleep(chance.uniform(0, 0.25))
        orderer.process.send_signal(signal.SIGKILL)
        orderer.process.wait()
        for thread in loads + [tail]:
            thread.join(30)
        blocks = drain(tail)
        again = blocks[:len(shown) - first]
        assert again == shown[first:first + len(again)], "a block that was shown has changed"
        new = blocks[len(shown) - first:]
        previous = check_chain(new, previous, len(shown))
        shown += new

        path = newest_file(orderer.directory / "ledger", channel)
        ends = record_ends(path.read_bytes())
        assert len(ends) >= len(shown), "a block that was shown is not in the file"
        kind = mangle(path, ends[len(shown) - 1], chance)
        kinds[kind] = kinds.get(kind, 0) + 1

        began = time.monotonic()
        orderer.start()
        longest = max(longest, time.monotonic() - began)
        begin = max(0, len(shown) - 20)
        kept, status = orderer.deliver(channel, user, begin, len(shown) - 1)
        assert status == "SUCCESS" and kept == shown[begin:], f"crash {crash}: {kind}"
    assert orderer.broadcast(envelope(channel, user, b"after")) == ["SUCCESS"]
    height = orderer.height(channel, user)
    blocks, _ = orderer.deliver(channel, user, 0, height - 1)
    assert blocks[:len(shown)] == shown
    check_chain(blocks)
    assert orderer.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, 1)[1] == "SUCCESS"
    transactions = sum(len(block.data.data) for block in blocks)
    print(f"{len(blocks)} blocks, {transactions} transactions, {kinds}, "
          f"slowest start {longest:.2f} s, {sum(load.acknowledged for load in loads)} acknowledged "
          "in the last round")
    assert transactions > CRASHES
