"""Channels move from Kafka and solo to Raft through maintenance mode: our nodes alone, and beside others.

HEDDLE_RIVALS=1.4=PATH,2.5=PATH names the others.
"""

import os
import pathlib
import shutil

import pytest

from channelclient import submit
from harness import SYSTEM_CHANNEL, envelope, orderer_admin, rivals, wait_for
from migration import APPLICATION_CHANNEL, Network, check_links, consenter_metadata

OURS = "ours"
RIVALS = rivals("2.5")
OLDER = rivals("1.4")
# Who runs each node before the restart and after it.
MIXES = [pytest.param([OURS], [OURS], id="one"), pytest.param([OURS] * 3, [OURS] * 3, id="three")]
for version, path in RIVALS:
    MIXES += [
        pytest.param([OURS, OURS, path], [OURS, OURS, path], id=f"one-{version}"),
        pytest.param([path, OURS, path], [path, OURS, path], id=f"two-{version}"),
        pytest.param([OURS, path, path], [path, OURS, OURS], id=f"swapped-{version}"),
        pytest.param([path] * 3, [OURS] * 3, id=f"from-{version}"),
        pytest.param([OURS] * 3, [path] * 3, id=f"to-{version}")]
for version, path in OLDER:
    MIXES += [
        pytest.param([OURS, OURS, path], [OURS, OURS, path], id=f"one-{version}"),
        pytest.param([OURS, path, path], [path, OURS, OURS], id=f"swapped-{version}")]


def resolve(executable, paths):
    """The executables that stand for names."""
    return [str(executable) if path == OURS else path for path in paths]


@pytest.fixture(name="make_network")
def fixture_make_network(request, executable, tmp_path):
    """A function that makes a network and starts it."""
    made = []

    def make(kind, paths):
        brokers = [request.getfixturevalue("broker").address] if kind == "kafka" else []
        flavor = "1.4" if {path for _, path in OLDER} & set(paths) else "2.5"
        made.append(Network(kind, resolve(executable, paths), tmp_path, brokers, flavor=flavor))
        return made[-1].start()
    yield make
    for network in made:
        network.stop()


def migrate(network, after):
    """The whole way; `after` are the executables that the nodes are started with after the restart."""
    network.submit_everywhere()
    network.settle()
    network.enter_maintenance()
    network.move()
    network.settle()
    tips = {channel: network.blocks(channel, network.nodes[0])[-1] for channel in network.channels}
    for tip in tips.values():
        assert consenter_metadata(tip) == b""
    for node, path in zip(network.nodes, after):
        node.executable = path
    network.restart()
    network.up()
    for node in network.nodes:
        for tip in tips.values():
            assert ("Consensus-type migration detected, starting new raft node on an existing "
                    f"channel; height={tip.header.number + 1}") in node.log
    network.leave_maintenance()
    network.submit_everywhere()
    network.settle()
    for channel, tip in tips.items():
        blocks = network.blocks(channel, network.nodes[0])
        assert blocks[tip.header.number] == tip
        assert consenter_metadata(blocks[tip.header.number + 1])


def order_on(network):
    """All nodes start again, in Raft, and order."""
    network.restart()
    network.up()
    network.submit_everywhere()
    network.settle()


@pytest.mark.parametrize("before, after", MIXES[:1] + [
    pytest.param(*pair, id=name) for version, path in RIVALS for pair, name in [
        (([OURS], [path]), f"to-{version}"), (([path], [OURS]), f"from-{version}")]])
def test_solo(make_network, executable, before, after):
    """One node leaves solo, and may be another program after the restart."""
    network = make_network("solo", before)
    migrate(network, resolve(executable, after))
    order_on(network)


@pytest.mark.parametrize("before, after", MIXES)
def test_kafka(make_network, executable, before, after):
    """Nodes leave Kafka, and may be other programs after the restart."""
    network = make_network("kafka", before)
    migrate(network, resolve(executable, after))
    order_on(network)


@pytest.mark.parametrize("forgotten", [APPLICATION_CHANNEL, SYSTEM_CHANNEL])
def test_a_channel_can_move_after_the_restart(make_network, forgotten):
    """One that was forgotten is still ordered as before, and moves later."""
    network = make_network("kafka", [OURS] * 3)
    network.enter_maintenance()
    channels = network.channels
    network.channels = [channel for channel in channels if channel != forgotten]
    network.move()
    network.channels = channels
    network.restart()
    network.up()
    for channel in channels:
        assert submit(network.nodes[0], envelope(channel, network.user(channel), b"x"))[1] == (
            "normal transactions are rejected: maintenance mode")
    network.channels = [forgotten]
    network.move()
    network.channels = channels
    network.restart()
    network.up()
    network.leave_maintenance()
    network.submit_everywhere()
    network.settle()


def test_one_node_is_restarted_later(make_network):
    """The others order with Raft meanwhile; it has no log, and gets the blocks from them."""
    network = make_network("kafka", [OURS] * 3)
    network.enter_maintenance()
    network.move()
    late = network.nodes.pop()
    late.stop()
    network.restart()
    network.up()
    network.leave_maintenance()
    network.submit_everywhere()
    network.nodes.append(late)
    late.start()
    network.up()
    network.submit_everywhere()
    network.settle()


BACK_MIXES = [pytest.param([OURS] * 3, id="three")] + [
    pytest.param([OURS, OURS, path], id=f"one-{version}") for version, path in RIVALS]


@pytest.mark.parametrize("paths", BACK_MIXES)
@pytest.mark.parametrize("restarts", [False, True], ids=["at-once", "restarted"])
def test_before_the_restart_there_is_a_way_back_to_kafka(make_network, paths, restarts):
    """The type changes back. Nodes that start then read the topics anew, and order nothing twice."""
    network = make_network("kafka", paths)
    network.submit_everywhere()
    network.settle()
    network.enter_maintenance()
    network.move()

    def back(kind):
        kind.type, kind.metadata = "kafka", b""
    for channel in network.channels:
        network.change(channel, back)
    if restarts:
        network.restart()
        network.up()
    network.leave_maintenance()
    network.submit_everywhere()
    network.settle()
    network.restart()
    network.up()
    network.submit_everywhere()
    network.settle()


# The recorded folder.

VECTORS = os.environ.get("HEDDLE_RAFT_VECTORS")


@pytest.mark.skipif(not VECTORS, reason="HEDDLE_RAFT_VECTORS names no folder")
@pytest.mark.parametrize("path", [pytest.param(path, id=version) for version, path in RIVALS]
                         or [pytest.param(OURS, id="ours")])
def test_a_recorded_migration_goes_on(executable, tmp_path, path):
    """Another orderer's folder after its migration: ours goes on with it and hands it back."""
    archive = pathlib.Path(VECTORS) / "raft-migrated-from-kafka-v2.5.16.tar.gz"
    shutil.unpack_archive(archive, tmp_path, filter="data")
    network = Network("solo", [str(executable)], tmp_path / "process")
    network.channels = [SYSTEM_CHANNEL, "vector-app"]
    node = network.nodes[0]
    node.settings["FileLedger"]["Location"] = str(tmp_path / "node1/ledger")
    for name, folder in [("WALDir", "wal"), ("SnapDir", "snapshot")]:
        node.settings["Consensus"][name] = str(tmp_path / "node1/etcdraft" / folder)
    node.start()
    network.up()
    before = {channel: network.blocks(channel, node) for channel in network.channels}
    assert {channel: len(blocks) for channel, blocks in before.items()} == {
        SYSTEM_CHANNEL: 5, "vector-app": 16}
    for executable_now in (str(executable), resolve(executable, [path])[0], str(executable)):
        node.stop()
        node.executable = executable_now
        node.start()
        network.up()
        for channel in network.channels:
            height = node.height(channel, orderer_admin())
            message = envelope(channel, network.user(channel), b"more")
            wait_for(lambda: submit(node, message)[0] == "SUCCESS",  # pylint: disable=W0640
                     "the message is accepted")
            wait_for(lambda: node.height(channel, orderer_admin()) > height,  # pylint: disable=W0640
                     "the message is in a block")
    for channel, blocks in before.items():
        now = network.blocks(channel, node)
        check_links(now)
        assert now[:len(blocks)] == blocks and len(now) == len(blocks) + 3
