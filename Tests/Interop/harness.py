"""Runs an orderer executable with a configuration of its own, and talks to it as a client."""

import os
import pathlib
import queue
import random
import signal
import socket
import subprocess
import threading
import time

import grpc
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Fixtures"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
MESSAGE_LIMIT = 200 << 20
SYSTEM_CHANNEL = "syschannel"


def wait_for(condition, what, timeout=60):
    """Poll until the condition holds; return its value."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {timeout} s")


def rivals(*versions):
    """(version, path) of the other orderers that HEDDLE_RIVALS=1.4=PATH,2.5=PATH,3.1=PATH names.

    Those whose version begins like one of `versions`.
    """
    listed = os.environ.get("HEDDLE_RIVALS", "")
    pairs = [item.split("=", 1) for item in listed.split(",") if item]
    return [(version, path) for version, path in pairs if version.startswith(versions)]


def free_port():
    """A port that nobody listens on, and that no connection gets while the process is restarted."""
    while True:
        # Below those that systems give to connections.
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Identity:
    """A member of an MSP, with its key."""

    def __init__(self, msp_id, directory):
        directory = pathlib.Path(directory)
        self.msp_id = msp_id
        self.cert = (directory / "cert.pem").read_bytes()
        key = (directory / "key.pem").read_bytes()
        self.key = serialization.load_pem_private_key(key, None)
        self.creator = identities_pb2.SerializedIdentity(
            mspid=msp_id, id_bytes=self.cert).SerializeToString()

    def sign(self, message):
        """A low-S signature, the only form that the network accepts."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return encode_dss_signature(r, min(s, ORDER - s))


def org_user(number, name="user1"):
    """A fixture user of organization 1 to 5."""
    return Identity(f"Org{number}MSP", FIXTURES / f"crypto/org{number}.test/users/{name}")


def orderer_admin():
    """The fixture admin of the orderer organization."""
    return Identity("OrdererMSP", FIXTURES / "crypto/orderer.test/users/admin")


def envelope(channel, signer, data, kind=common_pb2.ENDORSER_TRANSACTION):
    """A signed envelope."""
    header = common_pb2.ChannelHeader(type=kind, channel_id=channel)
    header.timestamp.GetCurrentTime()
    signature_header = common_pb2.SignatureHeader(creator=signer.creator, nonce=os.urandom(24))
    payload = common_pb2.Payload(
        header=common_pb2.Header(channel_header=header.SerializeToString(),
                                 signature_header=signature_header.SerializeToString()),
        data=data).SerializeToString()
    return common_pb2.Envelope(payload=payload, signature=signer.sign(payload))


def payload_data(serialized):
    """The data of a serialized envelope."""
    parsed = common_pb2.Envelope.FromString(serialized)
    return common_pb2.Payload.FromString(parsed.payload).data


def seek(channel, signer, start, stop, best_effort=False):
    """A Deliver request from block `start` to block `stop`; None stands for the newest block.

    With `best_effort` also a channel in error is to be read.
    """
    def position(number):
        if number is None:
            return ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
        return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))
    info = ab_pb2.SeekInfo(start=position(start), stop=position(stop))
    if best_effort:
        info.error_response = ab_pb2.SeekInfo.BEST_EFFORT
    return envelope(channel, signer, info.SerializeToString(), common_pb2.DELIVER_SEEK_INFO)


def creation(name=None, style="v20"):
    """The signed creation of a channel with the members of the fixture channel; by default of that."""
    data = payload_data((FIXTURES / f"blocks/channel-{style}.tx").read_bytes())
    update = configtx_pb2.ConfigUpdate.FromString(
        configtx_pb2.ConfigUpdateEnvelope.FromString(data).config_update)
    update.channel_id = name or update.channel_id
    signed = configtx_pb2.ConfigUpdateEnvelope(config_update=update.SerializeToString())
    admin = org_user(1, "admin")
    header = common_pb2.SignatureHeader(
        creator=admin.creator, nonce=os.urandom(24)).SerializeToString()
    signed.signatures.add(signature_header=header,
                          signature=admin.sign(header + signed.config_update))
    return envelope(update.channel_id, admin, signed.SerializeToString(), common_pb2.CONFIG_UPDATE)


class Orderer:
    """One orderer process; it can be killed and started again on its folder."""

    def __init__(self, executable, directory, flavor="2.5", options=None):
        self.executable, self.flavor = str(pathlib.Path(executable).resolve()), flavor
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        # Variables of the process besides those of this one.
        self.environment = {}
        node = FIXTURES / "crypto/orderer.test/nodes/node1"
        style = "v14" if flavor == "1.4" else "v20"
        genesis = FIXTURES / f"blocks/system-solo-{style}.block"
        general = {"ListenAddress": "127.0.0.1", "ListenPort": self.port,
                   "TLS": {"Enabled": False, "PrivateKey": str(node / "tls/server.key"),
                           "Certificate": str(node / "tls/server.crt")}, "LocalMSPDir": str(node / "msp"),
                   "LocalMSPID": "OrdererMSP", "Cluster": {"SendBufferSize": 10},
                   "Authentication": {"TimeWindow": "15m"},
                   "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}}}
        if flavor == "1.4":
            general |= {"LedgerType": "file", "GenesisMethod": "file", "GenesisFile": str(genesis)}
        else:
            general |= {"BootstrapMethod": "file", "BootstrapFile": str(genesis)}
        self.settings = {
            "General": general, "FileLedger": {"Location": str(self.directory / "ledger")},
            "Operations": {"ListenAddress": "127.0.0.1:0"}, "Metrics": {"Provider": "disabled"},
            "Consensus": {"WALDir": str(self.directory / "wal"),
                          "SnapDir": str(self.directory / "snap")}}
        if flavor != "1.4":
            self.settings["Admin"] = {"ListenAddress": "127.0.0.1:0"}
        for key, value in (options or {}).items():
            section = self.settings
            *parents, last = key.split(".")
            for parent in parents:
                section = section.setdefault(parent, {})
            section[last] = value

    @property
    def log(self):
        """What the process has written."""
        return (self.directory / "orderer.log").read_text(errors="replace")

    def start(self, wait=True):
        """Start the process and wait until it serves."""
        (self.directory / "orderer.yaml").write_text(yaml.safe_dump(self.settings))
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("ORDERER_", "FABRIC_"))}
        with open(self.directory / "orderer.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.executable], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory,
                env=environment | {"FABRIC_CFG_PATH": str(self.directory)} | self.environment)
        if wait:
            wait_for(self.serves, "the orderer serves")
        return self

    def serves(self):
        """Whether the system channel can be read; an error if the process has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the orderer ended: {self.log[-2000:]}")
        try:
            return self.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, 0)[0]
        except grpc.RpcError:
            return False

    def stop(self, number=signal.SIGTERM):
        """End the process; its exit status. An error if it has crashed."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)
        if self.process and self.process.returncode < 0:
            ended_by = signal.Signals(-self.process.returncode)
            assert ended_by in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT), self.log[-4000:]
        return self.process.returncode if self.process else None

    def cpu_seconds(self):
        """User and system time of the process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self):
        """Resident memory of the process."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def peak_megabytes(self):
        """The most resident memory that the process has had."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def channel(self):
        """A new gRPC channel to the process."""
        options = [("grpc.max_receive_message_length", MESSAGE_LIMIT),
                   ("grpc.use_local_subchannel_pool", 1)]
        if not self.settings["General"]["TLS"]["Enabled"]:
            return grpc.insecure_channel(self.address, options)
        roots = (FIXTURES / "crypto/orderer.test/nodes/node1/tls/ca.crt").read_bytes()
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(roots), options)

    def broadcast(self, *envelopes):
        """Send envelopes on one stream; the status names."""
        with self.channel() as channel:
            call = ab_pb2_grpc.AtomicBroadcastStub(channel).Broadcast(iter(envelopes), timeout=60)
            return [common_pb2.Status.Name(response.status) for response in call]

    def deliver(self, channel_id, signer, start, stop, best_effort=False):
        """(blocks, status name) of one request."""
        blocks = []
        with self.channel() as channel:
            stub = ab_pb2_grpc.AtomicBroadcastStub(channel)
            request = seek(channel_id, signer, start, stop, best_effort)
            status = None
            # To its end: a call that is left while its channel closes can crash the library.
            for response in stub.Deliver(iter([request]), timeout=60):
                if response.WhichOneof("Type") == "status":
                    status = common_pb2.Status.Name(response.status)
                else:
                    blocks.append(response.block)
        return blocks, status

    def height(self, channel_id, signer, best_effort=False):
        """Blocks of a channel; 0 if it does not exist."""
        blocks, _ = self.deliver(channel_id, signer, None, None, best_effort)
        return blocks[0].header.number + 1 if blocks else 0

    def create_channel(self, style="v20", name=None):
        """Create the fixture channel of organizations 1 and 2, or one like it; its name."""
        message = creation(name, style)
        payload = common_pb2.Payload.FromString(message.payload)
        name = common_pb2.ChannelHeader.FromString(payload.header.channel_header).channel_id
        status = self.broadcast(message)
        assert status == ["SUCCESS"], status
        wait_for(lambda: self.height(name, org_user(1)), "the channel exists")
        return name


class Sender(threading.Thread):
    """Sends messages on one stream with a bounded number in flight, and collects the statuses."""

    def __init__(self, orderer, messages, window=64):
        super().__init__(daemon=True)
        self.orderer, self.messages = orderer, messages
        self.room = threading.Semaphore(window)
        self.statuses = []
        self.error = None

    def _requests(self):
        for message in self.messages:
            self.room.acquire()  # pylint: disable=consider-using-with
            if self.error:
                return
            yield message

    def run(self):
        try:
            with self.orderer.channel() as channel:
                call = channel.stream_stream(
                    "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                    response_deserializer=ab_pb2.BroadcastResponse.FromString)(self._requests())
                for response in call:
                    self.statuses.append(response.status)
                    self.room.release()
        except grpc.RpcError as error:
            self.error = error
            self.room.release()


class Tail(threading.Thread):
    """Reads a channel from a block on, for as long as blocks come."""

    def __init__(self, orderer, channel_id, signer, start=0):
        super().__init__(daemon=True)
        self.blocks = queue.Queue()
        self.request = seek(channel_id, signer, start, 2**64 - 1)
        self.orderer = orderer
        self.call = None

    def run(self):
        try:
            with self.orderer.channel() as channel:
                self.call = ab_pb2_grpc.AtomicBroadcastStub(channel).Deliver(iter([self.request]))
                for response in self.call:
                    self.blocks.put(response)
        except (grpc.RpcError, ValueError):
            pass
