"""Channels that a node follows: what others order, it pulls and keeps, byte for byte.

The others are ours, and those that HEDDLE_RIVALS names.
"""

import http.client
import signal

import pytest
from channelclient import ChannelClient
from faults import CHANGES, KILL
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
    wait_for(lambda: has_all(follower, client), "the follower has all blocks")


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
        assert not list((follower.directory / "ledger").rglob(f"*{client.channel}*"))


def test_killed_at_each_step_of_onboarding(executable, tmp_path, faults):
    """After the next start it goes on, and has what the source has; or nothing was joined."""
    source = RaftOrderer(executable, tmp_path / "source").start()
    follower = RaftOrderer(executable, tmp_path / "follower", number=2)
    follower.environment = faults.environment
    client, block = ordered(source)
    name = client.channel
    client.submit_many(25, 100)
    kills = goes_on = 0
    try:
        for step in range(500):
            follower.start()
            rule = faults.fail(CHANGES, "*/ledger/*", KILL, skip=step)
            try:
                follower.try_join(block)
                wait_for(lambda: ended(follower) or has_all(follower, client), "the join ends")
            except (OSError, http.client.HTTPException):
                pass
            rule.end()
            faults.clear()
            if not rule.hits:
                break
            follower.process.wait(60)
            kills += 1
            follower.start()
            if follower.info(name):
                goes_on += 1
                follows(follower, client)
                assert block_file(source, name).startswith(block_file(follower, name))
                assert follower.ask("DELETE", f"/{name}")[0] == 204
            wait_for(lambda: follower.info(name) is None, "the channel is gone")
            follower.stop()
        follows(follower, client)
        print(f"killed {kills} times; {goes_on} times the channel was there afterwards")
        assert 0 < goes_on < kills
    finally:
        follower.stop(signal.SIGKILL)
        source.stop(signal.SIGKILL)


def ended(node):
    """Whether the process is gone."""
    return node.process.poll() is not None


def has_all(follower, client):
    """Whether the follower has all blocks; also False if it has died."""
    try:
        info = follower.info(client.channel)
        return info and info["height"] == client.orderer.height(client.channel, client.user)
    except (OSError, http.client.HTTPException):
        return False
