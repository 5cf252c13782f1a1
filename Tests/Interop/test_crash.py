"""A process that is killed at any moment, with what a crash leaves at the end of its block file, has
lost nothing that anybody has seen.

HEDDLE_CRASHES sets how often it is killed; 200 times by default.
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import grpc
from fabric_protos.orderer import ab_pb2
from harness import Tail, SYSTEM_CHANNEL, envelope, orderer_admin, org_user
from ledgerfiles import Place, check_chain, newest_file, record_ends

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


def copy_index(index, target):
    """Copy the index of a node that has nothing to do; what is copied while it changes is of no use."""
    for _ in range(50):
        before = sorted(os.listdir(index))
        shutil.rmtree(target, ignore_errors=True)
        try:
            shutil.copytree(index, target)
        except shutil.Error:
            continue
        if sorted(os.listdir(index)) == before:
            return
        time.sleep(0.01)
    raise AssertionError("the index keeps changing")


def mangle(path, keep, safe, chance):
    """Do to the end of a block file what a crash can do, but not to its first `keep` bytes.

    A failure of the machine does nothing to the first `safe` bytes: they had reached the disk.
    """
    kind = chance.choice(["nothing", "cut", "cut", "zeros", "garbage", "torn"])
    if kind in ("zeros", "torn"):
        keep = max(keep, safe)
    with open(path, "r+b") as file:
        file.seek(keep)
        data = file.read()
        if kind == "cut":
            data = data[:chance.randint(0, len(data))]
        elif kind == "zeros":
            data = data[:chance.randint(0, len(data))] + bytes(chance.randint(1, 5000))
        elif kind == "garbage":
            data += chance.randbytes(chance.randint(1, 100))
        elif kind == "torn":
            # The file has grown, but some of the last record's sectors were never written.
            ends = [0] + record_ends(data)
            if len(ends) > 1 and ends[-1] - ends[-2] > 1200:
                begin = ((keep + ends[-2]) // 512 + 1) * 512 - keep
                data = data[:begin] + bytes(512) + data[begin + 512:ends[-1]]
        file.seek(keep)
        file.write(data)
        file.truncate()
    return kind


def drain(tail):
    """The blocks that a reader has been shown."""
    shown = []
    while not tail.blocks.empty():
        response = tail.blocks.get()
        if response.WhichOneof("Type") == "block":
            shown.append(response.block)
    return shown


def digests(blocks):
    """What is remembered of blocks: gigabytes may be shown before the test is through."""
    return [hashlib.sha256(block.SerializeToString()).digest() for block in blocks]


def check_all(orderer, channel, user, shown):
    """Read the channel from its beginning: whole, linked, and as it was shown. (blocks, transactions)"""
    height = orderer.height(channel, user)
    assert height >= len(shown)
    previous, transactions = b"", 0
    for first in range(0, height, 1000):
        last = min(first + 1000, height) - 1
        blocks, status = orderer.deliver(channel, user, first, last)
        assert status == "SUCCESS" and len(blocks) == last - first + 1
        previous = check_chain(blocks, previous, first)
        expected = shown[first:last + 1]
        assert digests(blocks)[:len(expected)] == expected, "a block that was shown has changed"
        transactions += sum(len(block.data.data) for block in blocks)
    return height, transactions


def test_crashes(make_orderer):
    """Killed over and over under load: the chain stays whole, shown blocks stay, it serves again."""
    print(f"{CRASHES} crashes, HEDDLE_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    orderer = make_orderer()
    orderer.start()
    ledger = orderer.directory / "ledger"
    channel, user = orderer.create_channel(), org_user(1)
    # Signed once: the node does not mind a message that it has seen before.
    messages = [envelope(channel, user, b"%d:" % index + chance.randbytes(chance.choice([20, 2000])))
                .SerializeToString() for index in range(500)]
    genesis = orderer.deliver(channel, user, 0, 0)[0]
    shown, previous = digests(genesis), check_chain(genesis)
    place = Place(ledger, channel)
    kinds, longest, began_all = {}, 0.0, time.monotonic()
    for crash in range(CRASHES):
        index = orderer.directory / "index"
        copy_index(ledger / "index", index)
        begun = newest_file(ledger, channel)
        safe = begun.stat().st_size
        first = max(0, len(shown) - 5)
        tail = Tail(orderer, channel, user, start=first)
        tail.start()
        loads = [Load(orderer, iter(messages * 100), chance.choice([1, 8, 200]))
                 for _ in range(STREAMS)]
        for load in loads:
            load.start()
        time.sleep(chance.uniform(0, 0.25))
        assert orderer.process.poll() is None, "the orderer has ended by itself"
        orderer.stop(signal.SIGKILL)
        for thread in loads + [tail]:
            thread.join(30)
        blocks = drain(tail)
        known = len(shown) - first
        again = digests(blocks[:known])
        assert again == shown[first:first + len(again)], "a block that was shown has changed"
        previous = check_chain(blocks[known:], previous, len(shown))
        shown += digests(blocks[known:])

        assert place.advance(len(shown)), "a block that was shown is not in the files"
        newest = newest_file(ledger, channel)
        kind = mangle(newest, place.offset if place.path == newest else 0,
                      safe if begun == newest else 0, chance)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind in ("zeros", "torn"):
            # Only a failure of the machine does that, with which goes what the index was not made to
            # keep. Of what it keeps every block is safe.
            shutil.rmtree(ledger / "index")
            shutil.move(index, ledger / "index")

        began = time.monotonic()
        orderer.start()
        longest = max(longest, time.monotonic() - began)
        begin = max(0, len(shown) - 20)
        kept, status = orderer.deliver(channel, user, begin, len(shown) - 1)
        assert status == "SUCCESS" and digests(kept) == shown[begin:], f"crash {crash}: {kind}"
        if (crash + 1) % 500 == 0:
            print(f"{crash + 1} crashes after {time.monotonic() - began_all:.0f} s, "
                  f"{len(shown)} blocks shown, in {newest.name}", flush=True)
    assert orderer.broadcast(envelope(channel, user, b"after")) == ["SUCCESS"]
    blocks, transactions = check_all(orderer, channel, user, shown)
    assert orderer.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, 1)[1] == "SUCCESS"
    orderer.stop()
    subprocess.run([orderer.executable, "ledger", "verify", "--ledger", ledger], check=True,
                   stdout=subprocess.DEVNULL)
    print(f"{blocks} blocks, {transactions} transactions, {kinds}, "
          f"slowest start {longest:.2f} s, {sum(load.acknowledged for load in loads)} acknowledged "
          "in the last round")
    assert transactions > CRASHES
