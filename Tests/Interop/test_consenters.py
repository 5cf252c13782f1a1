"""Nodes that become consenters of a channel, cease to be, and come back: among ours and among other orderers."""

import os

import pytest
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2
from harness import envelope, orderer_admin, rivals, wait_for
from raftorderer import RaftOrderer
from test_raft_cluster import Group

OTHERS = [pytest.param(None, id="ours")] + [
    pytest.param(path, id=version) for version, path in rivals("2.5", "3.1")]


class Consenters:
    """The consenters of the channel of a group, as its configuration names them."""

    def __init__(self, group):
        self.group, self.name = group, group.name

    def newest(self, node):
        """A node's newest block."""
        blocks, _ = node.deliver(self.name, self.group.user, None, None)
        return blocks[0]

    def config_block(self):
        """The newest config block."""
        node = self.group.nodes[0]
        signed = common_pb2.Metadata.FromString(self.newest(node).metadata.metadata[0]).value
        number = common_pb2.OrdererBlockMetadata.FromString(signed).last_config.index
        return node.deliver(self.name, self.group.user, number, number)[0][0]

    def consenter_ids(self):
        """The ids in the newest block of the first node."""
        signed = common_pb2.Metadata.FromString(
            self.newest(self.group.nodes[0]).metadata.metadata[0]).value
        inner = common_pb2.Metadata.FromString(
            common_pb2.OrdererBlockMetadata.FromString(signed).consenter_metadata).value
        # Field 1 of etcdraft.BlockMetadata, packed.
        return list(inner[2:2 + inner[1]])

    def set_consenters(self, change):
        """Change the consenters by a config update, and wait until it is in a block."""
        node = self.group.nodes[0]
        before = self.config_block().header.number

        message = self.update(change)
        wait_for(lambda: node.broadcast(message) == ["SUCCESS"], "the update is accepted", 90)
        def is_newer():
            try:
                return self.config_block().header.number > before
            except IndexError:  # While nobody leads, blocks are refused.
                return False
        wait_for(is_newer, "the update is in a block", 90)

    def update(self, change):
        """The signed config update."""
        message = common_pb2.Envelope.FromString(self.config_block().data.data[0])
        payload = common_pb2.Payload.FromString(message.payload)
        root = configtx_pb2.ConfigEnvelope.FromString(payload.data).config.channel_group
        orderer = root.groups["Orderer"]
        value = orderer.values["ConsensusType"]
        kind = configuration_pb2.ConsensusType.FromString(value.value)
        raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
        change(raft.consenters)
        kind.metadata = raft.SerializeToString()
        update = configtx_pb2.ConfigUpdate(channel_id=self.name)
        for part in (update.read_set, update.write_set):
            part.version = root.version
            part.groups["Orderer"].version = orderer.version
        update.write_set.groups["Orderer"].values["ConsensusType"].CopyFrom(
            configtx_pb2.ConfigValue(version=value.version + 1, value=kind.SerializeToString(),
                                     mod_policy=value.mod_policy))
        admin = orderer_admin()
        signed = configtx_pb2.ConfigUpdateEnvelope(config_update=update.SerializeToString())
        header = common_pb2.SignatureHeader(
            creator=admin.creator, nonce=os.urandom(24)).SerializeToString()
        signed.signatures.add(signature_header=header,
                              signature=admin.sign(header + signed.config_update))
        return envelope(self.name, admin, signed.SerializeToString(), common_pb2.CONFIG_UPDATE)


class Members(Consenters):
    """Three nodes that order a channel, and a fourth of ours, which comes and goes."""

    def __init__(self, executable, others, directory):
        super().__init__(Group([others or executable] * 3, directory))
        self.fourth = RaftOrderer(executable, directory / "node4", 4).start()

    def stop(self):
        """End all processes."""
        for node in [*self.group.nodes, self.fourth]:
            node.stop(9)

    def add_fourth(self):
        """Make the fourth node a consenter."""
        certificate = self.fourth.certificate
        self.set_consenters(lambda consenters: consenters.add(
            host="127.0.0.1", port=self.fourth.port, client_tls_cert=certificate,
            server_tls_cert=certificate))

    def remove_fourth(self):
        """Take the fourth node out of the consenters."""
        self.set_consenters(lambda consenters: consenters.pop())

    def becomes(self, relation):
        """Wait until the fourth node is that, and has all blocks."""
        def arrived():
            info = self.fourth.info(self.name)
            height = self.group.nodes[0].height(self.name, self.group.user)
            return (info["consensusRelation"], info["status"], info["height"]) == (
                relation, "active", height)
        wait_for(arrived, f"the fourth node is a {relation}", 120)

    def orders(self):
        """Messages that the fourth node accepts are in blocks."""
        wait_for(lambda: self.fourth.height(self.name, self.group.user), "the fourth node serves")
        self.group.submit(self.fourth)
        self.becomes("consenter")
        self.group.settle()


@pytest.fixture(name="members", params=OTHERS)
def fixture_members(request, executable, tmp_path):
    """Three nodes that order a channel, and a fourth that has joined as a consenter."""
    members = Members(executable, request.param, tmp_path)
    members.group.submit(members.group.nodes[0])
    members.add_fourth()
    members.fourth.join(members.config_block())
    members.becomes("consenter")
    members.orders()
    assert members.consenter_ids() == [1, 2, 3, 4]
    yield members
    members.stop()


def test_a_node_is_removed_and_comes_back(members):
    """It follows meanwhile, and comes back as another consenter."""
    members.remove_fourth()
    members.becomes("follower")
    members.group.submit(members.group.nodes[0])
    members.becomes("follower")
    members.add_fourth()
    members.becomes("consenter")
    members.orders()
    assert members.consenter_ids() == [1, 2, 3, 5]


def test_a_node_comes_back_while_it_is_down(members):
    """Its old log, of a consenter that is no more, does not keep it from starting anew."""
    members.fourth.stop()
    members.remove_fourth()
    members.group.submit(members.group.nodes[0])
    members.add_fourth()
    members.group.submit(members.group.nodes[0])
    members.fourth.start()
    members.becomes("consenter")
    members.orders()
    assert members.consenter_ids() == [1, 2, 3, 5]
