"""Nodes whose channels move from Kafka or solo to Raft, and what an administrator does to that end."""

import contextlib
import copy
import hashlib
import pathlib
import socket

import grpc
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from channelclient import submit
from configupdates import change_value, config_block, config_of, difference, signed
from harness import (FIXTURES, SYSTEM_CHANNEL, Orderer, creation, envelope, free_port, orderer_admin,
                     org_user, payload_data, wait_for)

NODES = FIXTURES / "crypto/orderer.test/nodes"
NORMAL = orderer_pb2.ConsensusType.STATE_NORMAL
MAINTENANCE = orderer_pb2.ConsensusType.STATE_MAINTENANCE
APPLICATION_CHANNEL = "moving"


def genesis(kind, ports, brokers=(), style="v20"):
    """The fixture system channel of solo or Kafka, with the addresses of its orderers."""
    block = common_pb2.Block.FromString((FIXTURES / f"blocks/system-{kind}-{style}.block").read_bytes())
    message = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(message.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    root = config.config.channel_group
    addresses = configuration_pb2.OrdererAddresses(
        addresses=[f"127.0.0.1:{port}" for port in ports]).SerializeToString()
    root.values["OrdererAddresses"].value = addresses
    orderer = root.groups["Orderer"]
    orderer.groups["OrdererOrg"].values["Endpoints"].value = addresses
    if brokers:
        orderer.values["KafkaBrokers"].value = orderer_pb2.KafkaBrokers(
            brokers=brokers).SerializeToString()
    payload.data = config.SerializeToString(deterministic=True)
    message.payload = payload.SerializeToString()
    block.data.data[0] = message.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return block.SerializeToString()


class MovingOrderer(Orderer):
    """Node `number` of the fixtures' orderer organization, ready for Raft before its channels are."""

    def __init__(self, executable, directory, number, port, block, options=None, flavor="2.5"):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "genesis.block").write_bytes(block)
        self.node = NODES / f"node{number}"
        own = self.node / "tls"
        self.certificate = (own / "server.crt").read_bytes()
        super().__init__(executable, directory, flavor, options={
            "General.ListenPort": port,
            "General." + ("GenesisFile" if flavor == "1.4" else "BootstrapFile"): str(directory / "genesis.block"),
            "General.LocalMSPDir": str(self.node / "msp"),
            "General.TLS.Enabled": True,
            "General.TLS.PrivateKey": str(own / "server.key"),
            "General.TLS.Certificate": str(own / "server.crt"),
            "General.TLS.RootCAs": [str(own / "ca.crt")],
            "General.Cluster.ClientCertificate": str(own / "server.crt"),
            "General.Cluster.ClientPrivateKey": str(own / "server.key"),
            "General.Cluster.SendBufferSize": 100,
            "Consensus.EvictionSuspicion": "5s", **(options or {})})
        self.port, self.address = port, f"127.0.0.1:{port}"

    def serves(self):
        """Whether the port is open: a channel may have no leader yet."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the orderer ended: {self.log[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def is_up(self, channel):
        """Whether a channel is read from here."""
        with contextlib.suppress(grpc.RpcError):
            return bool(self.height(channel, orderer_admin()))
        return False


def kind_of(root):
    """The consensus type in a configuration."""
    return orderer_pb2.ConsensusType.FromString(
        root.groups["Orderer"].values["ConsensusType"].value)


class Network:
    """Orderers of one system channel and one application channel."""

    def __init__(self, kind, executables, directory, brokers=(), flavor="2.5"):
        ports = [free_port() for _ in executables]
        self.style = "v14" if flavor == "1.4" else "v20"
        block = genesis(kind, ports, brokers, self.style)
        options = {}
        if kind == "kafka":
            from kafka import SETTINGS  # Changes what later processes load.
            options = copy.deepcopy(SETTINGS)
        self.nodes = [
            MovingOrderer(executable, directory / f"node{number}", number, port, block, options,
                          flavor)
            for number, (executable, port) in enumerate(zip(executables, ports), 1)]
        self.channels = [SYSTEM_CHANNEL]
        self.sent = {SYSTEM_CHANNEL: [], APPLICATION_CHANNEL: []}

    def start(self):
        """Start the nodes and make the application channel."""
        for node in self.nodes:
            node.start()
        self.up()
        assert submit(self.nodes[0], creation(APPLICATION_CHANNEL, self.style)) == ("SUCCESS", "")
        self.channels.append(APPLICATION_CHANNEL)
        self.up()
        return self

    def up(self):
        """Wait until every node serves every channel."""
        for node in self.nodes:
            for channel in self.channels:
                wait_for(lambda: node.is_up(channel),  # pylint: disable=cell-var-from-loop
                         f"{channel} is up at {node.address}", 120)

    def restart(self):
        """Stop all nodes, then start them, as the type of consensus wants it."""
        for node in self.nodes:
            node.stop()
        for node in self.nodes:
            node.start()

    def stop(self):
        """End all processes."""
        for node in self.nodes:
            node.stop(9)

    # What administrators do.

    def config(self, channel, node=None):
        """The newest configuration of a channel."""
        return config_of(config_block(node or self.nodes[0], channel))

    def metadata(self, nodes=None, **options):
        """The metadata of Raft with nodes as its consenters, all by default."""
        raft = raft_pb2.ConfigMetadata()
        for node in self.nodes if nodes is None else nodes:
            raft.consenters.add(host="127.0.0.1", port=node.port,
                                client_tls_cert=node.certificate, server_tls_cert=node.certificate)
        raft.options.CopyFrom(raft_pb2.Options(
            **{"tick_interval": "200ms", "election_tick": 10, "heartbeat_tick": 1,
               "max_inflight_blocks": 5, "snapshot_interval_size": 16 << 20, **options}))
        return raft

    def message(self, channel, change, node=None):
        """The message of the orderers' administrator that changes the consensus type by `change(type)`."""
        def edit(root):
            change_value(root.groups["Orderer"], "ConsensusType", orderer_pb2.ConsensusType, change)
        return signed(difference(channel, self.config(channel, node), edit))

    def change(self, channel, change, node=None):
        """As `message`; hands it in, and waits until every node has it."""
        node = node or self.nodes[0]
        message = self.message(channel, change, node)
        wait_for(lambda: submit(node, message)[0] == "SUCCESS", "the update is accepted", 90)
        wanted = orderer_pb2.ConsensusType()
        wanted.CopyFrom(kind_of(self.config(channel, node).channel_group))

        def arrived(node):
            now = kind_of(self.config(channel, node).channel_group)
            expected = orderer_pb2.ConsensusType()
            expected.CopyFrom(now)
            change(expected)
            return expected == now
        for each in self.nodes:
            wait_for(lambda: arrived(each), "the update is in force",  # pylint: disable=W0640
                     90)

    def enter_maintenance(self):
        """Put all channels into maintenance mode, the system channel first."""
        for channel in self.channels:
            self.change(channel, lambda kind: setattr(kind, "state", MAINTENANCE))

    def leave_maintenance(self, node=None):
        """Let all channels work again."""
        for channel in self.channels:
            self.change(channel, lambda kind: setattr(kind, "state", NORMAL), node)

    def move(self, **options):
        """Make Raft the type of all channels."""
        raft = self.metadata(**options).SerializeToString()

        def to_raft(kind):
            kind.type, kind.metadata = "etcdraft", raft
        for channel in self.channels:
            self.change(channel, to_raft)

    # What clients do and see.

    def user(self, channel):
        """Who may write to a channel."""
        return orderer_admin() if channel == SYSTEM_CHANNEL else org_user(1)

    def submit(self, channel, node, count=3):
        """Messages through a node, each until it is accepted."""
        for _ in range(count):
            data = b"%d" % len(self.sent[channel])
            message = envelope(channel, self.user(channel), data)
            wait_for(lambda: submit(node, message)[0] == "SUCCESS",  # pylint: disable=W0640
                     f"{node.address} accepts", 90)
            self.sent[channel].append(data)

    def submit_everywhere(self):
        """Messages on every channel through every node."""
        for channel in self.channels:
            for node in self.nodes:
                self.submit(channel, node)

    def blocks(self, channel, node):
        """All blocks of a channel."""
        user = orderer_admin()
        try:
            height = node.height(channel, user)
            return node.deliver(channel, user, 0, height - 1)[0] if height else []
        except grpc.RpcError:
            return []

    def messages(self, channel, node):
        """The transactions in a node's blocks."""
        found = [data for block in self.blocks(channel, node)[1:] for data in block.data.data]
        return [payload_data(data) for data in found
                if type_of(data) == common_pb2.ENDORSER_TRANSACTION]

    def settle(self):
        """Wait until every node has all messages; check that all have the same blocks, which link.

        The heights.
        """
        heights = {}
        for channel in self.channels:
            for node in self.nodes:
                wait_for(lambda: set(self.sent[channel]) <= set(  # pylint: disable=W0640
                    self.messages(channel, node)),  # pylint: disable=W0640
                    f"{node.address} has all messages of {channel}", 90)
            wait_for(lambda: len({len(self.blocks(channel, node))  # pylint: disable=W0640
                                  for node in self.nodes}) == 1, "all nodes are equally high", 90)
            chains = [self.blocks(channel, node) for node in self.nodes]
            for chain in chains:
                check_links(chain)
                assert [comparable(block) for block in chain] == [
                    comparable(block) for block in chains[0]]
            assert sorted(self.messages(channel, self.nodes[0]), key=int) == self.sent[channel]
            heights[channel] = len(chains[0])
        return heights


def type_of(serialized):
    """The type of a serialized envelope."""
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(serialized).payload)
    return common_pb2.ChannelHeader.FromString(payload.header.channel_header).type


def comparable(block):
    """What nodes must have alike of a block; with Kafka and solo every node signs, so not signatures."""
    return (block.header.SerializeToString(), list(block.data.data),
            common_pb2.Metadata.FromString(block.metadata.metadata[0]).value)


def consenter_metadata(block):
    """What the consenter says in a block; empty if it says nothing."""
    signed_value = common_pb2.Metadata.FromString(block.metadata.metadata[0]).value
    inner = common_pb2.OrdererBlockMetadata.FromString(signed_value).consenter_metadata
    return common_pb2.Metadata.FromString(inner).value


def check_links(blocks):
    """Every block names the one before it."""
    for before, after in zip(blocks, blocks[1:]):
        assert after.header.previous_hash == header_hash(before.header)


def header_hash(header):
    """The hash of a block header, over its DER encoding."""
    def element(tag, content):
        assert len(content) < 128
        return bytes([tag, len(content)]) + content
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    return hashlib.sha256(element(0x30, element(2, number) + element(4, header.previous_hash)
                                  + element(4, header.data_hash))).digest()
