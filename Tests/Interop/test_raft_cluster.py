"""Raft channels that several nodes order: ours alone, and beside other orderers.

HEDDLE_RIVALS=2.5=PATH,3.1=PATH names the others.
"""

import re
import signal

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.orderer import cluster_pb2, cluster_pb2_grpc

from channelclient import ChannelClient
from harness import envelope, org_user, payload_data, rivals, wait_for
from raftorderer import NODE, NODES, RaftOrderer

GROUPS = [pytest.param([], id="ours")] + [
    pytest.param([path] * count, id=f"{count}-of-{version}")
    for version, path in rivals("2.5", "3.1") for count in (1, 2)]
MIXED = GROUPS[1::2] or [
    pytest.param([], marks=pytest.mark.skip("HEDDLE_RIVALS names no rival"))]


class Group:
    """Three nodes and a channel that they order together."""

    def __init__(self, executables, directory, **options):
        self.nodes = [self.make(executable, directory / f"node{number}", number)
                      for number, executable in enumerate(executables, 1)]
        for node in self.nodes:
            node.start()
        self.name, block = self.nodes[0].genesis(
            self.nodes[1:], tick_interval="200ms", **options)
        for node in self.nodes:
            node.join(block)
        self.user = org_user(1)
        self.sent = []

    def make(self, executable, directory, number):
        """A node that is not started yet."""
        return RaftOrderer(executable, directory, number)

    def running(self):
        """The nodes that run."""
        return [node for node in self.nodes if node.process.poll() is None]

    def leader(self):
        """The node that leads, as far as the majority knows; None if there is none."""
        said = [re.findall(r"Raft leader changed: \d+ -> (\d+)", node.log) for node in self.running()]
        ids = [int(changes[-1]) for changes in said if changes]
        node = next((self.nodes[each - 1] for each in ids if each and ids.count(each) >= 2), None)
        return node if node in self.running() else None

    def submit(self, node, count=5):
        """Submit messages through a node, each until it is accepted."""
        for _ in range(count):
            data = b"%d" % len(self.sent)
            client = ChannelClient(node, self.name, self.user)
            message = envelope(self.name, self.user, data)
            wait_for(lambda: node.broadcast(message) == ["SUCCESS"],  # pylint: disable=W0640
                     f"{client.orderer.address} accepts", 90)
            self.sent.append(data)

    def blocks(self, node):
        """What all nodes must have alike: headers, data and what is signed."""
        try:
            height = node.height(self.name, self.user)
            blocks = node.deliver(self.name, self.user, 0, height - 1)[0] if height else []
        except grpc.RpcError:
            return []
        return [(block.header.SerializeToString(), block.data.SerializeToString(),
                 common_pb2.Metadata.FromString(block.metadata.metadata[0]).value)
                for block in blocks]

    def messages(self, node):
        """The messages in a node's blocks."""
        return [payload_data(data) for _, block, _ in self.blocks(node)[1:]
                for data in common_pb2.BlockData.FromString(block).data]

    def settle(self):
        """Wait until every running node has all messages, in the same blocks."""
        for node in self.running():
            wait_for(lambda: set(self.sent) <= set(self.messages(node)),  # pylint: disable=W0640
                     f"{node.address} has all messages", 90)
        wait_for(lambda: len({len(self.blocks(node)) for node in self.running()}) == 1,
                 "all nodes are equally high", 90)
        chains = [self.blocks(node) for node in self.running()]
        assert all(chain == chains[0] for chain in chains)


@pytest.fixture(name="make_group")
def fixture_make_group(executable, tmp_path):
    """A function that makes a group in which some nodes are others'."""
    made = []

    def make(others, **options):
        made.append(Group([executable] * (3 - len(others)) + others, tmp_path, **options))
        return made[-1]
    yield make
    for group in made:
        for node in group.nodes:
            node.stop(signal.SIGKILL)


@pytest.mark.parametrize("others", GROUPS)
def test_nodes_agree_whoever_takes_messages_and_whoever_fails(make_group, others):
    """Every node takes messages. Each is killed and comes back; all have the same blocks."""
    group = make_group(others)
    wait_for(group.leader, "there is a leader", 90)
    for node in group.nodes:
        group.submit(node)
    group.settle()
    for node in group.nodes:
        node.stop(signal.SIGKILL)
        wait_for(group.leader, "the others have a leader", 90)
        for other in group.running():
            group.submit(other)
        group.settle()
        node.start()
        group.submit(node)
        group.settle()
    assert sorted(group.messages(group.nodes[0]), key=int) == group.sent


@pytest.mark.parametrize("others", MIXED)
def test_another_orderer_leads(make_group, others):
    """Messages that our nodes take get into the blocks of another orderer."""
    group = make_group(others)
    rival = group.nodes[2]
    for _ in range(20):
        leader = wait_for(group.leader, "there is a leader", 90)
        if leader is rival:
            break
        leader.stop()
        wait_for(group.leader, "the others have a leader", 90)
        leader.start()
    assert group.leader() is rival
    for node in group.nodes:
        group.submit(node, 20)
    group.settle()


@pytest.mark.parametrize("others", GROUPS[:2])
def test_a_node_that_slept_catches_up_past_a_snapshot(make_group, others):
    """Each node sleeps while the others go on: then it gets a snapshot, and pulls blocks."""
    group = make_group(others, snapshot_interval_size=1)
    for sleeper in group.nodes:
        wait_for(group.leader, "there is a leader", 90)
        group.submit(sleeper, 2)
        group.settle()
        sleeper.process.send_signal(signal.SIGSTOP)
        awake = [node for node in group.nodes if node is not sleeper]
        for node in awake:
            group.submit(node, 12)
        sleeper.process.send_signal(signal.SIGCONT)
        group.settle()
    assert "Snapshot is taken at index" in group.nodes[0].log


def test_strangers_are_refused(make_group):
    """Only nodes of the channel may send on it."""
    group = make_group([])
    wait_for(group.leader, "there is a leader", 90)
    request = cluster_pb2.StepRequest(consensus_request=cluster_pb2.ConsensusRequest(
        channel=group.name, payload=b"\x08\x08"))
    stranger = NODES / "node4/tls"
    for pair, channel, reason in [
            (None, group.name, "no TLS certificate sent"),
            (stranger, group.name, "certificate extracted from TLS connection isn't authorized"),
            (stranger, "nothere", "channel nothere doesn't exist"),
            (stranger, "", "badly formatted message, cannot extract channel")]:
        request.consensus_request.channel = channel
        credentials = grpc.ssl_channel_credentials(
            (NODE / "ca.crt").read_bytes(), pair and (pair / "server.key").read_bytes(),
            pair and (pair / "server.crt").read_bytes())
        with grpc.secure_channel(group.nodes[0].address, credentials,
                                 [("grpc.use_local_subchannel_pool", 1)]) as connection:
            stub = cluster_pb2_grpc.ClusterStub(connection)
            with pytest.raises(grpc.RpcError) as error:
                list(stub.Step(iter([request]), timeout=60))
            assert error.value.code() == grpc.StatusCode.UNKNOWN
            assert error.value.details() == reason
