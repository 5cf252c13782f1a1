"""What the clients of a group of nodes were told, and what its nodes have shown: the same chain everywhere, and in it
what was acknowledged."""

import collections
import hashlib
import random
import threading
import time

import grpc
from channelclient import header_type
from fabric_protos.common import common_pb2
from harness import envelope, org_user, payload_data, seek
from ledgerfiles import check_chain
from raftcrashes import FOREVER, OVERLAP, Reader, Stream

# Before a client tries again after its connection broke, or was refused.
REST = 0.2
BEGAN = time.monotonic()


class PacedStream(Stream):
    """The messages of one connection to one life of a node, so many a second at most."""

    def __init__(self, label, member, rate, grpc_channel, make):
        super().__init__(label, grpc_channel, make)
        self.member, self.life, self.rate = member, member.life, rate
        # By the messages' numbers: the first block of each, and when the answers came.
        self.first, self.times = {}, []
        self.stopping = False

    def messages(self):
        for message in super().messages():
            if self.stopping:
                return
            yield message
            time.sleep(random.uniform(0, 2 / self.rate))

    def answered(self, status):
        self.times.append(time.monotonic())
        super().answered(status)
        self.member.answers[common_pb2.Status.Name(status)] += 1
        if status != common_pb2.SUCCESS:
            time.sleep(REST)

    def name_of(self, number):
        """How a message is told."""
        life = f"life {self.life.number}" + (f", {self.life.ended}" if self.life.ended else "")
        answered = f", answered at {self.times[number] - BEGAN:.1f}" if number < len(self.times) else ""
        return f"message {number} of stream {self.label} at {self.member.name} ({life}{answered})"


class History:
    """One channel as all nodes have shown it."""

    def __init__(self, name, has_rivals):
        self.has_rivals, self.bare = has_rivals, set()
        self.name, self.lock = name, threading.RLock()
        # Of each block: what all nodes have alike (a digest, and the consenter metadata), and when it was first seen.
        self.chain, self.seen_at, self.last_hash = [], [], b""
        # By the nodes' names: digests of whole blocks.
        self.shown = collections.defaultdict(list)
        self.streams, self.config_block = {}, None
        self.twice, self.reordered, self.found = [], [], 0
        self.reads = 0

    def height(self, member):
        """The blocks that a node has shown."""
        return len(self.shown[member.name])

    def forget(self, member):
        """A node is about to begin anew: what it has shown before does not count any more."""
        with self.lock:
            member.beginnings += 1
            self.shown[member.name] = []

    def add(self, stream):
        """From now on a stream's messages may be in blocks."""
        with self.lock:
            self.streams[stream.label] = stream

    def take(self, member, block, number, beginning):
        """Compare what a node shows as a block with what it and others have shown before."""
        with self.lock:
            if beginning != member.beginnings:
                return
            self.reads += 1
            assert block.header.number == number, f"{member.name} shows {block.header.number} for {number}"
            shown = self.shown[member.name]
            digest = hashlib.sha256(block.SerializeToString()).digest()
            if number < len(shown):
                assert digest == shown[number], f"block {number} has changed on {member.name}"
                return
            assert number == len(shown), f"{member.name} shows {number} after {len(shown)} blocks"
            if number == len(self.chain):
                self._extend(block)
            self._compare(member, block, number)
            shown.append(digest)

    def _compare(self, member, block, number):
        """All nodes have the same; but for Go's, which write the one block without consenter metadata that they take out
        of a snapshot in place of pulling it."""
        expected, found = self.chain[number], common_part(block)
        if expected[1] != found[1] and b"" in (expected[1], found[1]) and self.has_rivals:
            self.bare.add((member.name if not found[1] else "the first to show it", number))
            self.chain[number] = expected = (expected[0], expected[1] or found[1])
            found = (found[0], expected[1])
        assert found == expected, f"block {number} of {member.name} is another one"

    def _extend(self, block):
        self.last_hash = check_chain([block], self.last_hash, len(self.chain))
        self.chain.append(common_part(block))
        self.seen_at.append(time.monotonic() - BEGAN)
        kinds = {header_type(data) for data in block.data.data}
        if kinds == {common_pb2.CONFIG}:
            self.config_block = block
            return
        assert kinds == {common_pb2.ENDORSER_TRANSACTION}, f"block {block.header.number} has types {kinds}"
        for data in block.data.data:
            label, message = (int(each) for each in payload_data(data).split(b":", 2)[:2])
            self._found(self.streams[label], message, block.header.number)

    def _found(self, stream, message, number):
        place = stream.name_of(message)
        if message in stream.first:
            first = stream.first[message]
            self.twice.append(f"{place}: blocks {first} and {number}, shown at {self.seen_at[first]:.1f} and "
                              f"{self.seen_at[number]:.1f}")
            return
        if stream.present and message < stream.present[-1]:
            self.reordered.append(f"{place}: block {number}, after message {stream.present[-1]}")
        stream.first[message] = number
        stream.present.append(message)
        self.found += 1

    def left_out(self):
        """Acknowledged messages of our nodes that no block has, although one has a later message of their stream."""
        return self._missing(lambda stream, message: stream.present and message < max(stream.present))

    def missing(self, *endings):
        """Acknowledged messages of our nodes that no block has; of lives that ended so (None: that go on)."""
        return self._missing(lambda stream, message: stream.life.ended in endings)

    def _missing(self, condition):
        with self.lock:
            return [stream.name_of(message)
                    for stream in self.streams.values() if stream.member.is_ours
                    for message, status in enumerate(list(stream.statuses))
                    if status == common_pb2.SUCCESS and message not in stream.first
                    and condition(stream, message)]

    def refused_and_there(self):
        """Messages that our nodes refused, and that are in blocks."""
        with self.lock:
            return [stream.name_of(message)
                    for stream in self.streams.values() if stream.member.is_ours
                    for message, status in enumerate(list(stream.statuses))
                    if status != common_pb2.SUCCESS and message in stream.first]


def common_part(block):
    """What all nodes must have alike: a digest of header, data and the newest config block's number; and the consenter
    metadata."""
    signed = common_pb2.OrdererBlockMetadata.FromString(
        common_pb2.Metadata.FromString(block.metadata.metadata[0]).value)
    parts = [block.header.SerializeToString(), block.data.SerializeToString(),
             signed.last_config.SerializeToString(), common_pb2.Metadata.FromString(block.metadata.metadata[1]).value]
    return (hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest(),
            common_pb2.Metadata.FromString(signed.consenter_metadata).value)


class ShownBlocks(Reader):
    """Blocks of one node as they come, each compared at once."""

    def __init__(self, grpc_channel, history, member, first):
        request = seek(history.name, org_user(1), first, FOREVER, best_effort=True)
        super().__init__(grpc_channel, request)
        self.history, self.member, self.next = history, member, first
        self.beginning = member.beginnings

    def show(self, block):
        self.history.take(self.member, block, self.next, self.beginning)
        self.next += 1


class Client(threading.Thread):
    """Talks to one node for as long as the run lasts, over one connection after the other."""

    def __init__(self, run, member):
        super().__init__(daemon=True)
        self.run_of, self.member = run, member

    def talk(self, channel):
        """Use one connection until it breaks."""
        raise NotImplementedError

    def run(self):
        while not self.run_of.is_over:
            try:
                if self.member.is_up:
                    with self.member.node.channel() as channel:
                        self.talk(channel)
            except grpc.RpcError:
                pass
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.run_of.fail(f"{type(error).__name__}: {error}")
                return
            time.sleep(REST)


class Writer(Client):
    """Hands messages in, a stream on each connection."""

    def __init__(self, run, member, rate):
        super().__init__(run, member)
        self.rate, self.stream = rate, None

    def talk(self, channel):
        run = self.run_of
        if not run.has_load or not self.member.is_consenter:
            return
        self.stream = PacedStream(run.new_label(), self.member, self.rate, channel, run.make)
        run.history.add(self.stream)
        self.stream.run()


class Watcher(Client):
    """Has all blocks of a node shown, again and again from a little before the newest."""

    def talk(self, channel):
        history, beginning = self.run_of.history, self.member.beginnings
        known = history.height(self.member)
        newest = Reader(channel, seek(history.name, org_user(1), None, None, best_effort=True))
        newest.run()
        if newest.status != common_pb2.SUCCESS or self.member.beginnings != beginning:
            return
        height = newest.blocks[0].header.number + 1
        assert height >= known, f"the height of {self.member.name} is {height} after {known}"
        first = max(0, known - OVERLAP)
        ShownBlocks(channel, history, self.member, first).run()


def message(name, size):
    """A function that makes a serialized message of its beginning."""
    user = org_user(1)
    return lambda text: envelope(name, user, text + random.randbytes(random.randrange(size))).SerializeToString()
