"""Groups of nodes of several releases that order one channel together, and clients that load them.

Go 1.4 knows channels only that are created through a system channel, so a group with such a node has one.
"""

import collections
import hashlib
import itertools
import re
import signal
import threading
import time

import grpc
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from harness import (FIXTURES, SYSTEM_CHANNEL, creation, envelope, org_user, payload_data, rivals,
                     wait_for)
from raftorderer import RaftOrderer

# The releases that HEDDLE_RIVALS names: "1.4", "2.5", "3.1".
RELEASES = {version[:3]: path for version, path in rivals("1.4", "2.5", "3.1")}
OURS = "ours"
# Within this time after its acknowledgement a message is in a block, if its node lives.
PATIENCE = 15


class MixedNode(RaftOrderer):
    """A node on whose folders one release or another runs."""

    def __init__(self, own, directory, number):
        super().__init__(own, directory, number)
        self.own, self.number = own, number
        self.boot_block = None
        self.kind = OURS
        # All that have written to its folders.
        self.kinds = set()
        self.kills = []
        self._read, self._leaders = 0, {}

    def become(self, kind):
        """Let a release run here from the next start on."""
        self.kind = kind
        self.kinds.add(kind)
        self.executable = str(RELEASES.get(kind, self.own))
        general = self.settings["General"]
        for key in ("LedgerType", "GenesisMethod", "GenesisFile", "BootstrapMethod",
                    "BootstrapFile"):
            general.pop(key, None)
        if self.boot_block is None:
            general |= {"BootstrapMethod": "none", "BootstrapFile": ""}
        elif kind == "1.4":
            general |= {"LedgerType": "file", "GenesisMethod": "file",
                        "GenesisFile": str(self.boot_block)}
            for section in ("ChannelParticipation", "Admin"):
                self.settings.pop(section, None)
        else:
            general |= {"BootstrapMethod": "file", "BootstrapFile": str(self.boot_block)}
            self.settings["Admin"] = {"ListenAddress": "127.0.0.1:0"}
            self.settings["ChannelParticipation"] = {"Enabled": False}
        return self

    def runs(self):
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """Kill the process, and note when."""
        self.kills.append(time.monotonic())
        self.stop(signal.SIGKILL)

    def leader(self, channel):
        """The id of a channel's leader, as this node has logged it last; 0 for nobody."""
        with open(self.directory / "orderer.log", "rb") as log:
            log.seek(self._read)
            text, _, rest = log.read().rpartition(b"\n")
            self._read = log.tell() - len(rest)
        for leader, name in re.findall(
                rb"Raft leader changed: \d+ -> (\d+).*?channel=(\S+)", text):
            self._leaders[name.decode()] = int(leader)
        return self._leaders.get(channel, 0)


class MixedGroup:
    """Nodes of these kinds, and a channel that they order."""

    def __init__(self, own, kinds, directory, **options):
        self.nodes = [MixedNode(own, directory / f"node{number}", number)
                      for number in range(1, len(kinds) + 1)]
        self.user = org_user(1)
        if "1.4" in kinds:
            self._start_with_system_channel(kinds, directory, options)
        else:
            for node, kind in zip(self.nodes, kinds):
                node.become(kind).start()
            self.name, block = self.nodes[0].genesis(self.nodes[1:], **self._times(options))
            for node in self.nodes:
                node.join(block)
        for node in self.nodes:
            wait_for(lambda: self.height(node), "the channel is there", 120)  # pylint: disable=W0640

    @staticmethod
    def _times(options):
        return {"tick_interval": "200ms"} | options

    def _start_with_system_channel(self, kinds, directory, options):
        block = system_block(self.nodes, **self._times(options))
        path = directory / "system.block"
        path.write_bytes(block.SerializeToString())
        for node, kind in zip(self.nodes, kinds):
            node.boot_block = path
            node.become(kind).start()
        message = creation(style="v14")
        payload = common_pb2.Payload.FromString(message.payload)
        self.name = common_pb2.ChannelHeader.FromString(payload.header.channel_header).channel_id
        wait_for(lambda: self.leader(SYSTEM_CHANNEL), "the system channel has a leader", 90)
        wait_for(lambda: self.nodes[0].broadcast(message) == ["SUCCESS"], "a channel is made", 90)

    def stop(self):
        """End all processes."""
        for node in self.nodes:
            node.stop(signal.SIGKILL)

    def running(self):
        """The nodes that run."""
        return [node for node in self.nodes if node.runs()]

    def leader(self, channel=None):
        """The node that leads, as far as the majority knows; None if there is none."""
        ids = [node.leader(channel or self.name) for node in self.running()]
        node = next((self.nodes[each - 1] for each in ids
                     if 0 < each <= len(self.nodes) and 2 * ids.count(each) > len(self.nodes)), None)
        return node if node in self.running() else None

    def wait_leader(self):
        """The node that leads, once there is one."""
        return wait_for(self.leader, "there is a leader", 120)

    def lead_by(self, kind):
        """Kill leaders until a node of this kind leads."""
        for _ in range(40):
            leader = self.wait_leader()
            if leader.kind == kind:
                return leader
            leader.kill()
            self.wait_leader()
            leader.start()
            self.catch_up(leader)
        raise AssertionError(f"no node of {kind} came to lead")

    def height(self, node):
        """Blocks of a node; 0 if it serves none now."""
        try:
            return node.height(self.name, self.user)
        except grpc.RpcError:
            return 0

    def catch_up(self, node):
        """Wait until a node has what the others have now."""
        target = max(self.height(each) for each in self.running())
        wait_for(lambda: self.height(node) >= target, f"{node.address} has block {target - 1}", 180)

    def blocks(self, node):
        """What all nodes must have alike: headers, data and what is signed."""
        height = wait_for(lambda: self.height(node), "the node serves", 120)
        blocks, status = node.deliver(self.name, self.user, 0, height - 1)
        assert status == "SUCCESS" and len(blocks) == height
        return [(block.header.SerializeToString(), block.data.SerializeToString(),
                 common_pb2.Metadata.FromString(block.metadata.metadata[0]).value)
                for block in blocks]

    def settle(self):
        """Wait until all nodes are equally high and still; their blocks, which have to be equal."""
        def heights():
            return {self.height(node) for node in self.running()}
        wait_for(lambda: len(heights()) == 1 and heights() == (time.sleep(2) or heights()),
                 "all nodes are equally high", 180)
        chains = [self.blocks(node) for node in self.running()]
        assert len({len(chain) for chain in chains}) == 1
        whole = []
        for number, blocks in enumerate(zip(*chains)):
            assert len({block[:2] for block in blocks}) == 1, f"block {number} differs"
            told = {value for _, _, value in blocks if tells_consenters(value)}
            for node, (_, _, value) in zip(self.running(), blocks):
                # Go's nodes store what they get in a snapshot, and 1.4 what it pulls from later ones, without.
                assert value in told or number == 0 or not told or node.kinds != {OURS}, (
                    f"block {number} of our node at {node.address} lacks its metadata")
            assert len(told) < 2, f"the metadata of block {number} differ: {told}"
            whole.append(next((block for block in blocks if block[2] in told), blocks[0]))
        return whole

    def submit(self, node, *data):
        """Submit messages through a node, each until it is accepted."""
        for each in data:
            message = envelope(self.name, self.user, each)
            wait_for(lambda: node.broadcast(message) == ["SUCCESS"],  # pylint: disable=W0640
                     f"{node.address} accepts", 90)


def tells_consenters(signed):
    """Whether what is signed of a block has the consenter's metadata."""
    inner = common_pb2.OrdererBlockMetadata.FromString(signed).consenter_metadata
    return bool(common_pb2.Metadata.FromString(inner).value)


def messages(blocks):
    """The data of the messages in blocks; configurations are among them."""
    return [payload_data(data) for _, block, _ in blocks
            for data in common_pb2.BlockData.FromString(block).data]


def system_block(nodes, tick_interval, snapshot_interval_size=None, max_message_count=None):
    """The genesis block of a system channel that these nodes order."""
    block = common_pb2.Block.FromString((FIXTURES / "blocks/system-solo-v14.block").read_bytes())
    message = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(message.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    root = config.config.channel_group
    orderer = root.groups["Orderer"]
    raft = raft_pb2.ConfigMetadata(options=raft_pb2.Options(
        tick_interval=tick_interval, election_tick=10, heartbeat_tick=1, max_inflight_blocks=5,
        snapshot_interval_size=snapshot_interval_size or 16 << 20))
    for node in nodes:
        raft.consenters.add(host="127.0.0.1", port=node.port, client_tls_cert=node.certificate,
                            server_tls_cert=node.certificate)
    kind = orderer_configuration_pb2.ConsensusType(
        type="etcdraft", metadata=raft.SerializeToString())
    orderer.values["ConsensusType"].value = kind.SerializeToString()
    size = orderer_configuration_pb2.BatchSize.FromString(orderer.values["BatchSize"].value)
    size.max_message_count = max_message_count or size.max_message_count
    orderer.values["BatchSize"].value = size.SerializeToString()
    root.values["OrdererAddresses"].value = configuration_pb2.OrdererAddresses(
        addresses=[node.address for node in nodes]).SerializeToString()
    for organization in orderer.groups.values():
        organization.values["Endpoints"].value = root.values["OrdererAddresses"].value
    payload.data = config.SerializeToString()
    message.payload = payload.SerializeToString()
    block.data.data[0] = message.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return block


class Client(threading.Thread):
    """Sends messages to one node, on one stream after another, and notes what became of each."""

    WINDOW = 16

    def __init__(self, group, node, pause):
        super().__init__(daemon=True)
        self.group, self.node, self.pause = group, node, pause
        # (data, when it was acknowledged, the kind of node that did, the stream)
        self.accepted = []
        self.refused = self.uncertain = 0
        self.ended = threading.Event()
        self._numbers = itertools.count()

    def run(self):
        while not self.ended.is_set():
            if self.node.runs():
                self._stream()
            self.ended.wait(0.2)

    def _stream(self):
        kind = self.node.kind
        stream = {"began": time.monotonic()}
        waiting = collections.deque()
        room = threading.Semaphore(self.WINDOW)
        over = threading.Event()

        def requests():
            while not self.ended.is_set():
                if not room.acquire(timeout=0.5):  # pylint: disable=consider-using-with
                    if over.is_set():
                        return
                    continue
                time.sleep(self.pause)
                data = b"%d:%d" % (self.node.number, next(self._numbers))
                waiting.append(data)
                yield envelope(self.group.name, self.group.user, data).SerializeToString()
        try:
            with self.node.channel() as channel:
                call = channel.stream_stream(
                    "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                    response_deserializer=ab_pb2.BroadcastResponse.FromString)(requests())
                for response in call:
                    data = waiting.popleft()
                    if response.status == common_pb2.SUCCESS:
                        self.accepted.append((data, time.monotonic(), kind, stream))
                    else:
                        self.refused += 1
                    room.release()
        except (grpc.RpcError, ValueError):
            pass
        over.set()
        stream["ended"] = time.monotonic()
        self.uncertain += len(waiting)


class Load:
    """A client at each node of a group."""

    def __init__(self, group, pause=0.02):
        self.group = group
        self.clients = [Client(group, node, pause) for node in group.nodes]
        for client in self.clients:
            client.start()

    def end(self):
        """Send nothing any more."""
        for client in self.clients:
            client.ended.set()
        for client in self.clients:
            client.join(90)
            assert not client.is_alive(), "a stream does not end"

    def check(self, blocks):
        """Check that every message that one of our nodes has accepted is in one block; what became of all, by kind.

        What a node had in memory when it was killed may be lost. What other kinds lose is told, not held against them.
        """
        counts = collections.Counter(messages(blocks))
        fates = collections.defaultdict(collections.Counter)
        wrong = []
        for client in self.clients:
            for data, when, kind, stream in client.accepted:
                count = counts[data]
                fate = "in a block" if count == 1 else f"in {count} blocks" if count else "lost"
                # What was on its way is read after the kill.
                if fate == "lost" and any(
                        stream["began"] <= kill <= stream["ended"] and kill < when + PATIENCE
                        for kill in client.node.kills):
                    fate = "lost with its node"
                fates[kind][fate] += 1
                if kind == OURS and fate not in ("in a block", "lost with its node"):
                    wrong.append((data, fate))
            fates["in all"]["refused"] += client.refused
            fates["in all"]["unknown"] += client.uncertain
        told = {kind: dict(fate) for kind, fate in fates.items()}
        assert not wrong, (wrong[:20], told)
        return told
