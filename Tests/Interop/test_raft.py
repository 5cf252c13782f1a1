"""A Raft channel of one node: killed at any moment, and with a full disk under its log.

HEDDLE_RAFT_CRASHES sets how often it is killed; 40 times by default.
"""

import os

import pytest
from channelclient import ChannelClient
from harness import wait_for
from raftcrashes import kill_often
from raftorderer import RaftOrderer
from test_full_disk import Ballast, small_disk  # pylint: disable=unused-import

CRASHES = int(os.environ.get("HEDDLE_RAFT_CRASHES", "40"))
# Side by side.
NODES = 4


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


def test_killed_at_any_moment(executable, tmp_path):
    """No block that was shown is lost or changed, no height goes back, and no message comes twice."""
    under_load, _, failed = kill_often(executable, [tmp_path], CRASHES, min(NODES, CRASHES))
    assert not failed and under_load >= CRASHES


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
