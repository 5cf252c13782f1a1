"""Kills Raft channels of one node under load, again and again, and checks what Deliver has shown.

Nodes run side by side, each with a process of its own here. A life of a node is short: it starts, takes messages on
two streams, shows its blocks to a reader, and is killed up to a quarter of a second after the first message was taken;
one life in five ends while the node starts. Every 200 lives the whole chain is read, and a new node goes on with
messages and snapshots of another size.

Of each life it is checked that

* no height goes back, no block that was shown is gone or changed, and the next ones follow on it;
* of a stream's messages, those in blocks are in order and none is there twice; none is missing that was acknowledged
  before one that is there; none is there that was refused;
* the process has not ended by itself, and no channel has halted.
"""

import argparse
import hashlib
import itertools
import multiprocessing
import pathlib
import random
import re
import shutil
import signal
import socket
import sys
import threading
import time
import traceback

import grpc
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2
from harness import envelope, org_user, payload_data, seek, wait_for
from ledgerfiles import check_chain
from raftorderer import RaftOrderer

# Lives of one node, of which each has two streams.
LIVES = 200
STREAMS = 2
# Blocks that are read again after a start.
OVERLAP = 10
# Bytes of a message, and bytes of blocks after which a snapshot is taken.
SIZES = [(200, 20_000), (2_000, 100_000), (20_000, 1 << 20), (10, 1)]
FOREVER = 2**64 - 1


def genesis(node, interval, others=(), tick_interval=None, batch_timeout="20ms"):
    """(name, genesis block) of a channel with small batches and a snapshot each `interval` bytes."""
    name, block = node.genesis(others, tick_interval)
    message = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(message.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    values = config.config.channel_group.groups["Orderer"].values
    kind = orderer_configuration_pb2.ConsensusType.FromString(values["ConsensusType"].value)
    raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
    raft.options.snapshot_interval_size = interval
    kind.metadata = raft.SerializeToString()
    values["ConsensusType"].value = kind.SerializeToString()
    size = orderer_configuration_pb2.BatchSize.FromString(values["BatchSize"].value)
    size.max_message_count = 5
    values["BatchSize"].value = size.SerializeToString()
    values["BatchTimeout"].value = orderer_configuration_pb2.BatchTimeout(
        timeout=batch_timeout).SerializeToString()
    payload.data = config.SerializeToString()
    message.payload = payload.SerializeToString()
    block.data.data[0] = message.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return name, block


class Stream(threading.Thread):
    """Sends the messages of one stream until the connection breaks, and keeps what became of each."""

    WINDOW = 20

    def __init__(self, label, grpc_channel=None, make=None):
        super().__init__(daemon=True)
        self.label, self.channel, self.make = label, grpc_channel, make
        # By the messages' numbers: the answers, and which are in blocks.
        self.statuses, self.present = [], []
        self.room = threading.Semaphore(self.WINDOW)
        self.ended, self.taken = False, threading.Event()

    def messages(self):
        """The serialized envelopes, no more at a time than the window allows."""
        for number in itertools.count():
            self.room.acquire()  # pylint: disable=consider-using-with
            if self.ended:
                return
            yield self.make(b"%d:%d:" % (self.label, number))

    def run(self):
        try:
            call = self.channel.stream_stream(
                "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                response_deserializer=ab_pb2.BroadcastResponse.FromString)(self.messages())
            for response in call:
                self.answered(response.status)
                self.room.release()
        except (grpc.RpcError, ValueError):
            pass
        self.ended = True
        self.room.release()
        self.taken.set()

    def answered(self, status):
        """The next message of the stream has an answer."""
        self.statuses.append(status)
        if status == common_pb2.SUCCESS:
            self.taken.set()

    def found(self, number):
        """A message of the stream is in a new block."""
        before = self.present[-1] if self.present else -1
        assert number > before, f"message {number} of stream {self.label} comes after {before}"
        self.present.append(number)

    def check(self):
        """Compare answers and blocks; the stream has ended, and what could follow of it is there."""
        there, newest = set(self.present), self.present[-1] if self.present else -1
        for number, status in enumerate(self.statuses):
            if status == common_pb2.SUCCESS:
                assert number in there or number > newest, f"{self.label}: {number} was taken, and is left out"
            else:
                assert number not in there, f"{self.label}: {number} was refused, and is there"


class Reader(threading.Thread):
    """Has blocks shown from one on, until the connection breaks; they are kept as they came."""

    def __init__(self, grpc_channel, request):
        super().__init__(daemon=True)
        self.channel, self.request = grpc_channel, request
        self.blocks, self.status = [], None

    def run(self):
        try:
            call = self.channel.stream_stream(
                "/orderer.AtomicBroadcast/Deliver",
                request_serializer=common_pb2.Envelope.SerializeToString,
                response_deserializer=ab_pb2.DeliverResponse.FromString)(iter([self.request]))
            for response in call:
                if response.WhichOneof("Type") == "status":
                    self.status = response.status
                else:
                    self.show(response.block)
        except (grpc.RpcError, ValueError):
            pass

    def show(self, block):
        """The next block has come."""
        self.blocks.append(block)


class Lives:
    """One node with one channel, and what that has shown over all lives."""

    def __init__(self, executable, directory, size, interval):
        self.node, self.user, self.size = RaftOrderer(executable, directory), org_user(1), size
        self.name, block = genesis(self.node, interval)
        self.shown, self.last_hash, self.streams = [], b"", {}
        self.count, self.newest_life, self.start_time = 0, 0, 0.1
        self.node.start()
        self.node.join(block)
        self.kill()

    def make(self, text):
        """A new message, serialized."""
        return envelope(self.name, self.user, text + random.randbytes(self.size)).SerializeToString()

    def live(self):
        """One start and one kill; whether a message had been taken."""
        self.count += 1
        begun = time.monotonic()
        self.node.start(wait=False)
        if random.random() < 0.2:
            time.sleep(random.uniform(0, self.start_time * 1.2))
            self.kill()
            return False
        with self.connect() as channel:
            self.start_time = 0.9 * self.start_time + 0.1 * (time.monotonic() - begun)
            self.height(channel)
            first = max(0, len(self.shown) - OVERLAP)
            reader = Reader(channel, seek(self.name, self.user, first, FOREVER, best_effort=True))
            streams = [Stream(self.count * STREAMS + each, channel, self.make) for each in range(STREAMS)]
            for thread in [reader] + streams:
                thread.start()
            assert streams[0].taken.wait(120), "no message was taken"
            time.sleep(random.uniform(0, 0.25))
            self.kill()
            for thread in [reader] + streams:
                thread.join(60)
                assert not thread.is_alive()
        self.streams |= {stream.label: stream for stream in streams}
        self.take(reader.blocks, first)
        # Once there is something of a later life, nothing of a stream comes any more.
        for label in [each for each in self.streams if each // STREAMS < self.newest_life]:
            self.streams.pop(label).check()
        return any(common_pb2.SUCCESS in stream.statuses for stream in streams)

    def connect(self):
        """A connection to the process as soon as it listens."""
        for _ in range(20_000):
            assert self.node.process.poll() is None, f"it ended by itself: {self.node.log[-3000:]}"
            try:
                with socket.create_connection(("127.0.0.1", self.node.port), 0.5):
                    return self.node.channel()
            except OSError:
                time.sleep(0.003)
        raise TimeoutError("the node does not listen")

    def height(self, channel):
        """The channel's height, which must not have gone back."""
        newest = Reader(channel, seek(self.name, self.user, None, None, best_effort=True))
        newest.run()
        assert newest.status == common_pb2.SUCCESS
        height = newest.blocks[0].header.number + 1
        assert height >= len(self.shown), f"the height is {height} after {len(self.shown)}"
        return height

    def take(self, blocks, first):
        """Compare blocks with what was shown, and note those that are new."""
        for number, block in enumerate(blocks, first):
            digest = hashlib.sha256(block.SerializeToString()).digest()
            if number < len(self.shown):
                assert digest == self.shown[number], f"block {number} has changed"
                continue
            self.last_hash = check_chain([block], self.last_hash, number)
            self.shown.append(digest)
            for data in block.data.data if number else []:
                label, message = (int(each) for each in payload_data(data).split(b":", 2)[:2])
                self.streams[label].found(message)
                self.newest_life = label // STREAMS

    def kill(self):
        """SIGKILL, before the process has ended by itself."""
        process = self.node.process
        assert process.poll() is None, f"it ended with {process.returncode}: {self.node.log[-3000:]}"
        process.kill()
        assert process.wait() == -signal.SIGKILL

    def end(self):
        """Read the whole chain after one more start, and stop the node in an orderly way."""
        self.node.start()
        self.streams[0] = Stream(0)
        wait_for(lambda: self.node.broadcast(envelope(self.name, self.user, b"0:%d:" % time.time_ns()))
                 == ["SUCCESS"], "the channel takes messages")
        with self.node.channel() as channel:
            whole = Reader(channel, seek(self.name, self.user, 0, self.height(channel) - 1, best_effort=True))
            whole.run()
        assert whole.status == common_pb2.SUCCESS and len(whole.blocks) >= len(self.shown)
        self.take(whole.blocks, 0)
        for stream in self.streams.values():
            stream.check()
        assert self.node.stop() == 0
        found = re.findall(r".*(?:halted|Fatal|damaged|[Pp]anic).*", self.node.log)
        assert not found, found[:5]


def work(executable, folder, number, kills, counts, failed):
    """Node after node, until all kills are done or something has failed."""
    random.seed(time.time_ns() ^ number)
    for turn in itertools.count(number):
        directory, lives = folder / f"node{number}-{turn}", None
        try:
            lives = Lives(executable, directory, *SIZES[turn % len(SIZES)])
            while lives.count < LIVES and counts[0] < kills and not failed.value:
                under_load = lives.live()
                with counts.get_lock():
                    counts[0 if under_load else 1] += 1
            lives.end()
            print(f"{time.strftime('%T')} {directory.name}: {len(lives.shown)} blocks, starts in "
                  f"{lives.start_time:.3f} s; all nodes: {counts[0]} kills under load, {counts[1]} others",
                  flush=True)
            shutil.rmtree(directory)
        except BaseException:  # pylint: disable=broad-exception-caught
            with failed.get_lock():
                failed.value += 1
            print(f"{directory}:\n{traceback.format_exc()}", flush=True)
            if lives and lives.node.process.poll() is None:
                lives.node.process.kill()
        if counts[0] >= kills or failed.value:
            return


def kill_often(executable, folders, kills, nodes):
    """(kills under load, other kills, failed nodes) of nodes side by side, in these folders by turns."""
    context = multiprocessing.get_context("spawn")
    counts, failed = context.Array("i", 2), context.Value("i", 0)
    processes = [context.Process(target=work, args=(
        executable, folders[number % len(folders)], number, kills, counts, failed))
        for number in range(nodes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return counts[0], counts[1], failed.value


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description="Kills Raft channels of one node under load.")
    parser.add_argument("orderer", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+", help="for the nodes by turns")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=4)
    options = parser.parse_args()
    under_load, others, failed = kill_often(
        options.orderer, options.folders, options.kills, options.nodes)
    print(f"killed {under_load} times under load and {others} times otherwise; failures: {failed}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
