"""Channels that a node follows: what others order, it pulls and keeps, byte for byte.

The others are ours, and those that HEDDLE_RIVALS names.
"""

import signal

import pytest
from channelclient import ChannelClient
from harness import org_user, rivals, wait_for
from raftorderer import RaftOrderer

OTHERS = [pytest.param(None, id="ours")] + [
    pytest.param(path, id=version) for version, path in rivals("2.", "3.")]


@pytest.fixture(name="source", params=OTHERS)
def fixture_source(request, executable, tmp_path):
    """A node that orders a channel alone."""
    node = RaftOrderer(request.param or executable, tmp_path / "source")
    yield node.start()
    node.stop(signal.SIGKILL)


@pytest.fixture(name="follower")
def fixture_follower(executable, tmp_path):
    """A node that is no consenter."""
    node = RaftOrderer(executable, tmp_path / "follower", number=2)
    yield node.start()
    node.stop(signal.SIGKILL)


def ordered(source):
    """(a client, the genesis block) of a channel that the source orders."""
    name, block = source.genesis()
    source.join(block)
    client = ChannelClient(source, name)
    wait_for(client.accepts, "the channel takes messages")
    return client, block


def follows(follower, client):
    """Wait until the follower has all blocks of the source."""
    source, name = client.orderer, client.channel
    wait_for(lambda: follower.info(name)["height"] == source.height(name, client.user),
             "the follower has all blocks")


def block_file(node, name):
    """The bytes of a channel's first block file."""
    return (node.directory / f"ledger/chains/{name}/blockfile_000000").read_bytes()


def test_a_follower_keeps_what_others_order(source, follower):
    """Through a kill, an orderly stop, and a source that is away for a while."""
    client, block = ordered(source)
    client.submit_many(300, 500)
    follower.join(block)
    follows(follower, client)
    info = follower.info(client.channel)
    assert (info["consensusRelation"], info["status"]) == ("follower", "active")

    follower.stop(signal.SIGKILL)
    client.submit_many(200, 500)
    follower.start()
    follows(follower, client)

    source.stop()
    source.start()
    wait_for(client.accepts, "the channel takes messages")
    follows(follower, client)

    # It serves nobody.
    assert follower.deliver(client.channel, org_user(1), 0, 0) == ([], "NOT_FOUND")
    assert ChannelClient(follower, client.channel).submit()[0] == "BAD_REQUEST"
    assert follower.stop() == 0
    source.stop()
    # The source may have made a last block when it stopped.
    kept = block_file(follower, client.channel)
    assert len(kept) > 250_000
    assert block_file(source, client.channel).startswith(kept)


def test_a_follower_is_removed_and_joins_again(source, follower):
    """Nothing of the channel is left in between."""
    client, block = ordered(source)
    client.submit_many(50, 100)
    for _ in range(3):
        follower.join(block)
        follows(follower, client)
        assert follower.ask("DELETE", f"/{client.channel}")[0] == 204
        wait_for(lambda: follower.info(client.channel) is None, "the channel is gone")
        left = [path for path in (follower.directory / "ledger").rglob(f"*{client.channel}*")]
        assert not left
