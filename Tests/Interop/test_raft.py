"""A Raft channel of one node: killed at any moment, and with a full disk under its log.

HEDDLE_RAFT_CRASHES sets how often it is killed; 40 times by default.
"""

import os
import random
import signal
import threading
import time

import grpc
import pytest
from channelclient import ChannelClient
from harness import envelope, org_user, payload_data, wait_for
from raftorderer import RaftOrderer
from test_full_disk import Ballast, small_disk  # pylint: disable=unused-import

CRASHES = int(os.environ.get("HEDDLE_RAFT_CRASHES", "40"))
STREAMS = 3


@pytest.fixture(name="node")
def fixture_node(executable, tmp_path):
    """An orderer without a system channel that is not started."""
    node = RaftOrderer(executable, tmp_path / "node")
    yield node
    node.stop(9)


def join(node):
    """A client of a channel that the node orders alone."""
    name, block = node.genesis()
    node.join(block)
    client = ChannelClient(node, name)
    wait_for(client.accepts, "the channel takes messages")
    return client


class Load(threading.Thread):
    """Sends messages until the connection breaks."""

    def __init__(self, node, name, stream):
        super().__init__(daemon=True)
        self.node, self.name, self.stream = node, name, stream

    def run(self):
        number = 0
        try:
            while True:
                self.node.broadcast(*[
                    envelope(self.name, org_user(1), b"%d:%d" % (self.stream, number + each))
                    for each in range(25)])
                number += 25
        except grpc.RpcError:
            pass


class Reader:
    """What a channel has shown; reads only its newest blocks."""

    OVERLAP = 20

    def __init__(self, client):
        self.client = client
        self.shown, self.data = [], set()

    def read(self):
        """Read what is new; what was shown has to be there, unchanged, and no message twice."""
        node, name, user = self.client.orderer, self.client.channel, self.client.user
        height = node.height(name, user)
        assert height >= len(self.shown), "blocks that were shown are gone"
        first = max(0, len(self.shown) - self.OVERLAP)
        blocks, status = node.deliver(name, user, first, height - 1)
        assert status == "SUCCESS" and len(blocks) == height - first
        known = len(self.shown) - first
        fresh = [block.SerializeToString() for block in blocks]
        assert fresh[:known] == self.shown[first:], "a block that was shown has changed"
        self.shown += fresh[known:]
        for block in blocks[known:]:
            for data in block.data.data if block.header.number else []:
                content = payload_data(data)
                assert content not in self.data, "a message is there twice"
                self.data.add(content)


def test_killed_at_any_moment(node):
    """No block that was shown is lost or changed, no height goes back, and no message comes twice."""
    node.start()
    client = join(node)
    reader = Reader(client)
    for crash in range(CRASHES):
        loads = [Load(node, client.channel, crash * STREAMS + number) for number in range(STREAMS)]
        for load in loads:
            load.start()
        time.sleep(random.uniform(0, 0.6))
        # What is read now has been shown.
        reader.read()
        node.stop(signal.SIGKILL)
        for load in loads:
            load.join()
        node.start()
        wait_for(client.accepts, "the channel takes messages")
        reader.read()
    client.read()
    assert node.stop() == 0
    assert "halted" not in node.log


def test_a_full_disk_under_the_log(node, small_disk):  # pylint: disable=redefined-outer-name
    """While the log has no room submissions are refused with the reason, and nothing is lost."""
    node.settings["Consensus"]["WALDir"] = str(small_disk / "wal")
    node.start()
    client, ballast = join(node), Ballast(small_disk)
    for leave in (0, 4096, 3 * 4096):
        ballast.fill(leave)
        reason = client.until_refused()
        assert "no space left" in reason, reason
        client.read()
        assert node.process.poll() is None
        ballast.drop()
        wait_for(client.accepts, "the node resumes by itself", timeout=30)
        client.settle()
    assert node.stop() == 0
    node.start()
    wait_for(client.accepts, "the channel takes messages")
    client.settle()


def test_stopped_on_a_full_disk(node, small_disk):  # pylint: disable=redefined-outer-name
    """A node whose log waits for room can be stopped, and goes on when there is room."""
    node.settings["Consensus"]["WALDir"] = str(small_disk / "wal")
    node.start()
    client, ballast = join(node), Ballast(small_disk)
    client.settle()
    ballast.fill()
    client.until_refused()
    assert node.stop() == 0
    ballast.drop()
    node.start()
    wait_for(client.accepts, "the channel takes messages")
    client.read()
