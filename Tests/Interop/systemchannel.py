"""Orderers with a system channel that they order with Raft."""

import hashlib

import grpc
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from channelclient import submit
from configupdates import change_value, config_block, config_of, difference, signed
from harness import (FIXTURES, SYSTEM_CHANNEL, creation, envelope, orderer_admin, org_user,
                     payload_data, wait_for)
from raftorderer import RaftOrderer


class SystemOrderer(RaftOrderer):
    """Node `number` of the fixtures' orderer organization. It begins with a block that it is given."""

    def __init__(self, executable, directory, number, flavor="2.5", method="file"):
        super().__init__(executable, directory, number)
        self.flavor = flavor
        general = self.settings["General"]
        self.file = self.directory / "boot.block"
        general["BootstrapMethod"] = method
        general["BootstrapFile"] = str(self.file) if method == "file" else ""
        general["Cluster"] |= {
            "SendBufferSize": 100, "ReplicationBackgroundRefreshInterval": "10s",
            "ReplicationRetryTimeout": "1s", "ReplicationMaxRetries": 5}
        self.settings["Consensus"]["EvictionSuspicion"] = "5s"
        if flavor == "1.4":
            for name in ("Admin", "ChannelParticipation"):
                self.settings.pop(name)
            general["GenesisMethod"] = general.pop("BootstrapMethod")
            general["GenesisFile"] = general.pop("BootstrapFile")
            general["LedgerType"] = "file"

    def begin(self, block, **arguments):
        """Start with a bootstrap block."""
        self.file.write_bytes(block.SerializeToString())
        return self.start(**arguments)

    def status(self, channel):
        """What the orderer says of a channel, in three words; nothing if it cannot say."""
        info = self.info(channel)
        return info and (info["consensusRelation"], info["status"], info["height"])

    def is_ready(self, channel):
        """Whether strict readers are served."""
        try:
            return bool(self.height(channel, orderer_admin()))
        except grpc.RpcError:
            return False


def raft_metadata(nodes):
    """The metadata of Raft with nodes as its consenters."""
    raft = raft_pb2.ConfigMetadata()
    for node in nodes:
        raft.consenters.add(host="127.0.0.1", port=node.port, client_tls_cert=node.certificate,
                            server_tls_cert=node.certificate)
    raft.options.CopyFrom(raft_pb2.Options(
        tick_interval="200ms", election_tick=10, heartbeat_tick=1, max_inflight_blocks=5,
        snapshot_interval_size=16 << 20))
    return raft


def system_genesis(nodes, addressed=(), style="v20"):
    """The genesis block of the fixture system channel, ordered by nodes with Raft.

    `addressed` are nodes whose addresses it has besides.
    """
    block = common_pb2.Block.FromString((FIXTURES / f"blocks/system-solo-{style}.block").read_bytes())
    message = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(message.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    root = config.config.channel_group
    orderer = root.groups["Orderer"]

    def to_raft(kind):
        kind.type, kind.metadata = "etcdraft", raft_metadata(nodes).SerializeToString()
    change_value(orderer, "ConsensusType", orderer_pb2.ConsensusType, to_raft)
    change_value(orderer, "BatchTimeout", orderer_pb2.BatchTimeout,
                 lambda timeout: setattr(timeout, "timeout", "100ms"))
    addresses = configuration_pb2.OrdererAddresses(
        addresses=[node.address for node in (*nodes, *addressed)]).SerializeToString()
    root.values["OrdererAddresses"].value = addresses
    for organization in orderer.groups.values():
        organization.values["Endpoints"].value = addresses
    payload.data = config.SerializeToString(deterministic=True)
    message.payload = payload.SerializeToString()
    block.data.data[0] = message.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return block


def creation_with(name, consenters, system, style="v20"):
    """The creation of a channel that a part of the system channel's nodes order.

    `system` is the configuration of the system channel.
    """
    template = configtx_pb2.Config()
    template.channel_group.groups["Orderer"].CopyFrom(system.channel_group.groups["Orderer"])

    def choose(root):
        def edit(kind):
            kind.metadata = raft_metadata(consenters).SerializeToString()
        change_value(root.groups["Orderer"], "ConsensusType", orderer_pb2.ConsensusType, edit)
    part = difference(name, template, choose)
    message = payload_data(creation(name, style).SerializeToString())
    update = configtx_pb2.ConfigUpdate.FromString(
        configtx_pb2.ConfigUpdateEnvelope.FromString(message).config_update)
    for mine, its in ((update.read_set, part.read_set), (update.write_set, part.write_set)):
        if "Orderer" in its.groups:
            mine.groups["Orderer"].CopyFrom(its.groups["Orderer"])
    admin = org_user(1, "admin")
    return signed(update, [admin, orderer_admin()], admin)


class Network:
    """Nodes of one system channel, and the messages that their channels have taken."""

    def __init__(self, executables, directory, flavors=None, style="v20", spares=()):
        flavors = flavors or ["2.5"] * len(executables)
        self.style = style
        self.nodes = [
            SystemOrderer(executable, directory / f"node{number}", number, flavor)
            for number, (executable, flavor) in enumerate(zip(executables, flavors), 1)]
        self.spares = [
            SystemOrderer(executable, directory / f"node{number}", number)
            for number, executable in enumerate(spares, len(self.nodes) + 1)]
        self.genesis = system_genesis(self.nodes, self.spares, style)
        self.sent = {}

    def start(self):
        """Start the nodes."""
        for node in self.nodes:
            node.begin(self.genesis, wait=False)
        for node in self.nodes:
            wait_for(lambda: node.is_ready(SYSTEM_CHANNEL),  # pylint: disable=W0640
                     f"{node.address} serves the system channel", 120)
        return self

    def stop(self):
        """End all processes."""
        for node in [*self.nodes, *self.spares]:
            node.stop(9)

    def create(self, name, consenters=None, through=None):
        """Create a channel, by default one that all order."""
        through = through or self.nodes[0]
        message = creation(name, self.style) if consenters is None else creation_with(
            name, consenters, config_of(config_block(through, SYSTEM_CHANNEL)), self.style)
        wait_for(lambda: self.take(through, message), f"{name} is created", 90)
        for node in consenters or self.nodes:
            wait_for(lambda: node.is_ready(name), f"{name} is at {node.address}",  # pylint: disable=W0640
                     90)
        self.sent[name] = []

    @staticmethod
    def take(node, message):
        """Whether a node takes a message; an error if it will not ever."""
        status, reason = submit(node, message)
        assert status in ("SUCCESS", "SERVICE_UNAVAILABLE"), reason
        return status == "SUCCESS"

    def submit(self, name, node, count=3):
        """Messages through a node, each until it is accepted."""
        for _ in range(count):
            data = b"%s %d" % (name.encode(), len(self.sent[name]))
            message = envelope(name, org_user(1), data)
            wait_for(lambda: self.take(node, message), f"{node.address} accepts", 90)  # pylint: disable=W0640
            self.sent[name].append(data)

    @staticmethod
    def blocks(name, node):
        """All blocks of a channel; none if it is not served."""
        try:
            height = node.height(name, orderer_admin())
            return node.deliver(name, orderer_admin(), 0, height - 1)[0] if height else []
        except grpc.RpcError:
            return []

    def settle(self, name, nodes=None):
        """Wait until nodes, all by default, have all messages of a channel in the same blocks."""
        nodes = nodes or self.nodes

        def messages(node):
            return [payload_data(data) for block in self.blocks(name, node)[1:]
                    for data in block.data.data]
        for node in nodes:
            wait_for(lambda: set(self.sent[name]) <= set(messages(node)),  # pylint: disable=W0640
                     f"{node.address} has all messages of {name}", 90)
        wait_for(lambda: len({len(self.blocks(name, node)) for node in nodes}) == 1,
                 "all nodes are equally high", 90)
        chains = [[(block.header.SerializeToString(), block.data.SerializeToString())
                   for block in self.blocks(name, node)] for node in nodes]
        assert all(chain == chains[0] for chain in chains)

    def set_consenters(self, name, nodes, through=None):
        """Change who orders a channel; returns when that is in a block."""
        through = through or self.nodes[0]
        before = config_block(through, name).header.number

        def choose(root):
            def edit(kind):
                raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
                wanted = raft_metadata(nodes).consenters
                del raft.consenters[:]
                raft.consenters.extend(wanted)
                kind.metadata = raft.SerializeToString()
            change_value(root.groups["Orderer"], "ConsensusType", orderer_pb2.ConsensusType, edit)
        message = signed(difference(name, config_of(config_block(through, name)), choose))
        # Refused while it is not known which nodes are alive.
        wait_for(lambda: submit(through, message)[0] == "SUCCESS", "the update is accepted", 90)
        wait_for(lambda: config_block(through, name).header.number > before,
                 "the update is in a block", 90)


def is_not_serviced(node, name):
    """Check what clients are told of a channel that a node only tracks."""
    assert submit(node, envelope(name, org_user(1), b"x")) == (
        "SERVICE_UNAVAILABLE", f"channel {name} is not serviced by me")
    assert node.deliver(name, org_user(1), 0, 0) == ([], "SERVICE_UNAVAILABLE")
    blocks, status = node.deliver(name, org_user(1), 0, 0, best_effort=True)
    assert status == "SUCCESS" and blocks[0].header.number == 0
