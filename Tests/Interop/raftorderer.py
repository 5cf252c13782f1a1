"""An orderer without a system channel."""

import hashlib
import http.client
import json
import ssl

import grpc
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from harness import FIXTURES, Orderer, free_port, org_user

NODES = FIXTURES / "crypto/orderer.test/nodes"
NODE = NODES / "node1/tls"
CHANNELS = "/participation/v1/channels"


class RaftOrderer(Orderer):
    """An orderer without a system channel, its logs and snapshots in the ledger's folder.

    It is node `number` of the fixtures' orderer organization.
    """

    def __init__(self, executable, directory, number=1):
        self.admin = free_port()
        self.node = NODES / f"node{number}"
        own = self.node / "tls"
        tls = {"Enabled": True, "PrivateKey": str(NODE / "server.key"),
               "Certificate": str(NODE / "server.crt"), "ClientAuthRequired": True,
               "ClientRootCAs": [str(NODE / "ca.crt")]}
        super().__init__(executable, directory, options={
            "General.LocalMSPDir": str(self.node / "msp"),
            "General.BootstrapMethod": "none", "General.BootstrapFile": "",
            "General.TLS.Enabled": True, "General.TLS.RootCAs": [str(NODE / "ca.crt")],
            "ChannelParticipation.Enabled": True, "ChannelParticipation.MaxRequestBodySize": "1 MB",
            "Admin.ListenAddress": f"127.0.0.1:{self.admin}", "Admin.TLS": tls})
        # The port that other nodes know: another one if they are to reach it through a relay.
        self.dialled = self.port
        self.certificate = None
        self.take_certificate(own)
        ledger = self.directory / "ledger"
        self.settings["Consensus"] = {"WALDir": str(ledger / "etcdraft/wal"),
                                      "SnapDir": str(ledger / "etcdraft/snapshot")}

    def take_certificate(self, folder):
        """From the next start on, show clients and other nodes the certificate of a folder."""
        certificate, key = str(folder / "server.crt"), str(folder / "server.key")
        general = self.settings["General"]
        general["TLS"] |= {"Certificate": certificate, "PrivateKey": key}
        general["Cluster"] |= {"ClientCertificate": certificate, "ClientPrivateKey": key}
        self.certificate = (folder / "server.crt").read_bytes()

    def serves(self):
        """Whether requests are answered; an error if the process has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the orderer ended: {self.log[-2000:]}")
        try:
            return self.deliver("nothere", org_user(1), 0, 0)[1]
        except grpc.RpcError:
            return False

    def ask(self, method, path="", body=None, headers=None):
        """(status, text) of a request to the participation API; the path is below the channels."""
        context = ssl.create_default_context(cafile=NODE / "ca.crt")
        context.load_cert_chain(NODE / "server.crt", NODE / "server.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.admin, timeout=60,
                                                 context=context)
        try:
            connection.request(method, CHANNELS + path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def try_join(self, block):
        """(status, text) of an attempt to join a channel with a config block."""
        body = (b'--x\r\nContent-Disposition: form-data; name="config-block"; filename="b"\r\n\r\n'
                + block.SerializeToString() + b"\r\n--x--\r\n")
        return self.ask("POST", "", body, {"Content-Type": "multipart/form-data; boundary=x"})

    def join(self, block):
        """Join a channel with a config block."""
        status, text = self.try_join(block)
        assert status == 201, text

    def info(self, name):
        """What the orderer tells of a channel; None if there is none."""
        status, text = self.ask("GET", f"/{name}")
        assert status in (200, 404), text
        return json.loads(text) if status == 200 else None

    def channels(self):
        """The names of all channels."""
        status, text = self.ask("GET")
        assert status == 200, text
        return [each["name"] for each in json.loads(text)["channels"] or []]

    def genesis(self, others=(), tick_interval=None, snapshot_interval_size=None,
                max_message_count=None):
        """(name, genesis block) of the fixture channel with this orderer and others as its consenters.

        With a number of messages for a block, 2 MB of them and 2 s are the other limits.
        """
        block = common_pb2.Block.FromString((FIXTURES / "blocks/app-raft-v20.block").read_bytes())
        message = common_pb2.Envelope.FromString(block.data.data[0])
        payload = common_pb2.Payload.FromString(message.payload)
        config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
        root = config.config.channel_group
        kind = orderer_configuration_pb2.ConsensusType.FromString(
            root.groups["Orderer"].values["ConsensusType"].value)
        raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
        del raft.consenters[:]
        for each in (self, *others):
            raft.consenters.add(host="127.0.0.1", port=each.dialled, client_tls_cert=each.certificate,
                                server_tls_cert=each.certificate)
        raft.options.tick_interval = tick_interval or raft.options.tick_interval
        raft.options.snapshot_interval_size = (
            snapshot_interval_size or raft.options.snapshot_interval_size)
        kind.metadata = raft.SerializeToString()
        root.groups["Orderer"].values["ConsensusType"].value = kind.SerializeToString()
        if max_message_count:
            root.groups["Orderer"].values["BatchSize"].value = orderer_configuration_pb2.BatchSize(
                max_message_count=max_message_count, absolute_max_bytes=99 << 20,
                preferred_max_bytes=2 << 20).SerializeToString()
            root.groups["Orderer"].values["BatchTimeout"].value = (
                orderer_configuration_pb2.BatchTimeout(timeout="2s").SerializeToString())
        root.values["OrdererAddresses"].value = configuration_pb2.OrdererAddresses(
            addresses=[f"127.0.0.1:{each.dialled}" for each in (self, *others)]).SerializeToString()
        for organization in root.groups["Orderer"].groups.values():
            organization.values["Endpoints"].value = root.values["OrdererAddresses"].value
        payload.data = config.SerializeToString()
        message.payload = payload.SerializeToString()
        block.data.data[0] = message.SerializeToString()
        block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        return header.channel_id, block
