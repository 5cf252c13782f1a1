"""Nodes with a system channel of the consensus type etcdraft: ours alone, and beside other orderers.

HEDDLE_RIVALS=1.4=PATH,2.5=PATH names the others; HEDDLE_RAFT_VECTORS the folder of recorded archives.
"""

import os
import pathlib
import random
import shutil
import signal
import time

import pytest
from configupdates import config_block
from harness import SYSTEM_CHANNEL, creation, envelope, orderer_admin, org_user, rivals, wait_for
from channelclient import submit
from systemchannel import Network, SystemOrderer, is_not_serviced, system_genesis

RIVALS = [pytest.param(version, path, id=version) for version, path in rivals("1.4", "2.5")]
GROUPS = [pytest.param(None, None, id="ours")] + RIVALS
KILLS = int(os.environ.get("HEDDLE_ONBOARDING_KILLS", "6"))


@pytest.fixture(name="make_network")
def fixture_make_network(executable, tmp_path):
    """A function that makes a network, whose last nodes are another orderer's."""
    made = []

    def make(version=None, path=None, others=1, spares=0):
        count = others if path else 0
        style = "v14" if version == "1.4" else "v20"
        made.append(Network(
            [executable] * (3 - count) + [path] * count, tmp_path,
            ["2.5"] * (3 - count) + [version] * count, style, [executable] * spares))
        return made[-1].start()
    yield make
    for network in made:
        network.stop()


@pytest.mark.parametrize("version, path", GROUPS)
def test_channels_are_created_and_ordered(make_network, version, path):
    """All nodes order the system channel and a channel created through it, also after restarts."""
    network = make_network(version, path)
    network.create("created")
    for node in network.nodes:
        network.submit("created", node)
    network.settle("created")
    for node in network.nodes:
        node.stop(signal.SIGKILL)
        node.start(wait=False)
        wait_for(lambda: node.is_ready("created"), "the node is back", 90)  # pylint: disable=W0640
        network.submit("created", node)
    network.settle("created")
    ours = network.nodes[0]
    assert ours.status("created")[:2] == ("consenter", "active")
    assert ours.status(SYSTEM_CHANNEL)[:2] == ("consenter", "active")
    assert "Starting with system channel: syschannel, consensus type: etcdraft" in ours.log
    assert submit(ours, creation("created", network.style))[0] == "BAD_REQUEST"


@pytest.mark.parametrize("version, path", GROUPS)
def test_a_channel_that_others_order_is_tracked_until_it_names_the_node(make_network, version, path):
    """It takes nothing and is read only by those who accept an error; then it is pulled and ordered."""
    network = make_network(version, path, others=2)
    tracker, *members = network.nodes
    network.create("theirs", members)
    network.submit("theirs", members[0], 5)
    wait_for(lambda: tracker.status("theirs") == ("config-tracker", "inactive", 1),
             "the channel is tracked", 60)
    is_not_serviced(tracker, "theirs")
    tracker.stop()
    tracker.start(wait=False)
    wait_for(lambda: tracker.is_ready(SYSTEM_CHANNEL), "the node is back", 90)
    assert tracker.status("theirs") == ("config-tracker", "inactive", 1)
    is_not_serviced(tracker, "theirs")
    wait_for(lambda: "Found 1 inactive chains: [theirs]" in tracker.log, "it was looked at", 90)
    network.set_consenters("theirs", [*members, tracker], members[0])
    wait_for(lambda: tracker.is_ready("theirs"), "the node orders the channel", 120)
    network.submit("theirs", tracker)
    network.settle("theirs")
    assert tracker.status("theirs")[:2] == ("consenter", "active")
    # It is removed again, and comes back.
    network.set_consenters("theirs", members, members[0])
    wait_for(lambda: tracker.status("theirs")[0] == "config-tracker", "the channel is tracked", 120)
    network.submit("theirs", members[0])
    network.set_consenters("theirs", [*members, tracker], members[0])
    wait_for(lambda: tracker.is_ready("theirs"), "the node orders the channel", 120)
    network.submit("theirs", tracker)
    network.settle("theirs")


@pytest.fixture(name="grown")
def fixture_grown(make_network, request):
    """A network with a channel of all, one of two nodes, and a fourth node that the first two name."""
    version, path = request.param
    network = make_network(version, path, others=2, spares=1)
    newcomer, = network.spares
    network.create("first")
    network.create("second", network.nodes[:2])
    for name in ("first", "second"):
        network.submit(name, network.nodes[0], 8)
    for name in ("first", SYSTEM_CHANNEL):
        network.set_consenters(name, [*network.nodes, newcomer])
    return network, config_block(network.nodes[0], SYSTEM_CHANNEL)


def has_all(network, newcomer):
    """Wait until a new node has what it should have, and check that it orders."""
    for name in ("first", SYSTEM_CHANNEL):
        wait_for(lambda: newcomer.is_ready(name), f"{name} is ordered", 120)  # pylint: disable=W0640
    assert newcomer.status("second") == ("config-tracker", "inactive", 1)
    is_not_serviced(newcomer, "second")
    network.nodes.append(newcomer)
    for node in network.nodes:
        network.submit("first", node)
    network.settle("first")
    network.create("third", network.nodes)
    network.submit("third", newcomer)
    network.settle("third")
    assert newcomer.info(SYSTEM_CHANNEL)["consensusRelation"] == "consenter"
    assert not list((newcomer.directory / "ledger/pendingops/join").iterdir())


@pytest.mark.parametrize("grown", [pytest.param(each.values, id=each.id) for each in GROUPS],
                         indirect=True)
def test_a_new_node_begins_with_a_later_block(grown):
    """It gets all channels before it serves."""
    network, boot = grown
    newcomer, = network.spares
    newcomer.begin(boot, wait=False)
    has_all(network, newcomer)
    assert "Will now replicate chains" in newcomer.log


def test_a_new_node_that_reaches_nobody_can_be_stopped(executable, tmp_path):
    """In an orderly way, and at once."""
    far, newcomer = (SystemOrderer(executable, tmp_path / f"node{number}", number)
                     for number in (1, 2))
    boot = system_genesis([far])
    boot.header.number = 7
    newcomer.settings["General"]["Cluster"]["ReplicationMaxRetries"] = 1000
    newcomer.begin(boot, wait=False)
    wait_for(lambda: "Will now replicate chains" in newcomer.log, "it begins", 60)
    assert newcomer.stop() == 0
    newcomer.settings["General"]["Cluster"]["ReplicationMaxRetries"] = 1
    newcomer.start(wait=False)
    assert newcomer.process.wait(60) != 0
    assert "no orderer sends the blocks" in newcomer.log


@pytest.mark.parametrize("grown", [(None, None)], indirect=True)
def test_a_new_node_is_killed_while_it_gets_the_channels(grown):
    """Each start goes on where the last one was killed."""
    network, boot = grown
    newcomer, = network.spares
    newcomer.begin(boot, wait=False)
    seed = int(os.environ.get("HEDDLE_CRASH_SEED", str(random.randrange(2**32))))
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 1.5))
        newcomer.stop(signal.SIGKILL)
        newcomer.start(wait=False)
    has_all(network, newcomer)


@pytest.mark.parametrize("grown", [pytest.param(each.values, id=each.id) for each in GROUPS],
                         indirect=True)
def test_a_system_channel_is_joined_and_comes_with_a_restart(grown):
    """Through the participation API; until then the node does nothing."""
    network, boot = grown
    newcomer, = network.spares
    newcomer.settings["General"] |= {"BootstrapMethod": "none", "BootstrapFile": ""}
    newcomer.start(wait=False)
    wait_for(newcomer.serves, "the node serves")
    status, text = newcomer.try_join(boot)
    assert status == 201, text
    assert newcomer.status(SYSTEM_CHANNEL) == ("consenter", "inactive", 0)
    assert newcomer.ask("GET", f"/{SYSTEM_CHANNEL}")[0] == 200
    status, text = newcomer.try_join(network.genesis)
    assert status == 405 and "system channel exists" in text
    assert newcomer.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, 0)[1] == "SERVICE_UNAVAILABLE"
    newcomer.stop()
    newcomer.start(wait=False)
    has_all(network, newcomer)
    assert "Join-block was found for the system channel: syschannel" in newcomer.log


@pytest.mark.parametrize("version, path", [
    each for each in GROUPS if each.id in ("ours", "2.5") or each.id.startswith("2.5")])
def test_the_system_channel_is_removed(make_network, version, path):
    """In place: channels that a node orders go on, those that it tracks go."""
    network = make_network(version, path)
    tracker, *members = network.nodes
    network.create("all")
    network.create("theirs", members)
    wait_for(lambda: tracker.status("theirs"), "the channel is tracked", 60)
    for name in ("all", "theirs"):
        status, text = tracker.ask("DELETE", f"/{name}")
        assert status == 405 and "system channel exists" in text
    for node in network.nodes:
        assert node.ask("DELETE", f"/{SYSTEM_CHANNEL}")[0] == 204
        assert node.info(SYSTEM_CHANNEL) is None
        wait_for(lambda: node.is_ready("all"), "the channel goes on", 90)  # pylint: disable=W0640
    assert tracker.channels() == ["all"]
    assert sorted(members[0].channels()) == ["all", "theirs"]
    assert (tracker.directory / "ledger/chains").joinpath("all").exists()
    assert [each.name for each in (tracker.directory / "ledger/chains").iterdir()] == ["all"]
    for node in network.nodes:
        network.submit("all", node)
    network.settle("all")
    for node in network.nodes:
        node.stop()
        node.start(wait=False)
    for node in network.nodes:
        wait_for(lambda: node.is_ready("all"), "the node is back", 90)  # pylint: disable=W0640
        network.submit("all", node)
    network.settle("all")
    assert "Starting without a system channel" in tracker.log
    # Now a channel is joined and left by itself.
    block, = members[0].deliver("theirs", orderer_admin(), 0, 0)[0]
    tracker.join(block)
    wait_for(lambda: tracker.status("theirs") == ("follower", "active", 1), "it follows", 60)
    assert tracker.ask("DELETE", "/theirs")[0] == 204


# A recorded folder.

VECTORS = os.environ.get("HEDDLE_RAFT_VECTORS")


@pytest.mark.skipif(not VECTORS, reason="HEDDLE_RAFT_VECTORS names no folder")
@pytest.mark.parametrize("version, path", GROUPS)
def test_a_folder_of_go_goes_on_and_is_handed_back(executable, tmp_path, version, path):
    """A system channel and a channel of Go 1.4."""
    shutil.unpack_archive(pathlib.Path(VECTORS) / "raft-system-v1.4.12.tar.gz", tmp_path / "folder",
                          filter="data")
    folder, = [each.parent for each in (tmp_path / "folder").rglob("ledger") if each.is_dir()]
    node = recorded(executable, tmp_path / "ours", folder, "2.5")
    names = ["vector-app", SYSTEM_CHANNEL] if (folder / "ledger/chains/vector-app").exists() else [
        each.name for each in (folder / "ledger/chains").iterdir()]
    name = next(each for each in names if each != SYSTEM_CHANNEL)
    heights = []

    def order_on():
        wait_for(lambda: node.is_ready(name) and node.is_ready(SYSTEM_CHANNEL), "it serves", 120)
        heights.append(node.height(name, orderer_admin()))
        wait_for(lambda: submit(node, envelope(name, org_user(1), b"on"))[0] == "SUCCESS",
                 "it takes a message", 90)
        wait_for(lambda: node.height(name, orderer_admin()) > heights[-1], "there is a block", 90)
    try:
        node.start(wait=False)
        order_on()
        node.stop()
        if path:
            node = recorded(path, tmp_path / "theirs", folder, version)
            node.start(wait=False)
            order_on()
            node.stop()
            node = recorded(executable, tmp_path / "again", folder, "2.5")
            node.start(wait=False)
            order_on()
        assert heights == sorted(heights)
    finally:
        node.stop(9)


def recorded(executable, directory, folder, flavor):
    """A node on a recorded folder."""
    node = SystemOrderer(executable, directory, 1, flavor)
    node.settings["FileLedger"]["Location"] = str(folder / "ledger")
    node.settings["Consensus"] |= {"WALDir": str(folder / "etcdraft/wal"),
                                   "SnapDir": str(folder / "etcdraft/snapshot")}
    blocks = sorted(folder.parent.rglob("*.block"))
    if blocks:
        node.file.write_bytes(blocks[0].read_bytes())
    return node
