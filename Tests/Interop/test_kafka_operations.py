"""What /healthz and /metrics tell of Kafka channels."""

import re

import pytest
from fabric_protos.common import common_pb2

from harness import envelope, org_user, wait_for
from kafka import KafkaOrderer, free_port, genesis
from operations import ask, health


@pytest.fixture
def watched(executable, tmp_path, broker):
    """A started orderer with an operations service."""
    port = free_port()
    orderer = KafkaOrderer(executable, tmp_path / "orderer", genesis(broker.address), options={
        "Operations.ListenAddress": f"127.0.0.1:{port}", "Metrics.Provider": "prometheus"})
    yield orderer.start()
    orderer.stop(9)


def kafka_metrics(orderer):
    """Values below consensus_kafka, by name and label."""
    found = re.findall(r'^consensus_kafka_(\w+)\{\w+="([^"]*)"\} (\S+)$', ask(orderer, "/metrics")[1],
                       re.MULTILINE)
    return {(name, label): float(value) for name, label, value in found}


def persisted(block):
    """The offset in a block's metadata."""
    signed = common_pb2.Metadata.FromString(block.metadata.metadata[common_pb2.SIGNATURES]).value
    consenter = common_pb2.OrdererBlockMetadata.FromString(signed).consenter_metadata
    value = common_pb2.Metadata.FromString(consenter).value
    # The first field of KafkaMetadata, a varint.
    assert value[0] == 1 << 3
    number = 0
    for index, byte in enumerate(value[1:]):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number
    raise ValueError("the varint does not end")


def test_metrics_of_a_channel(watched):
    """The offset is that of the newest block; the others come from the library within its interval."""
    watched.wait_ready()
    channel, user = watched.create_channel(), org_user(1)
    watched.wait_ready(channel, user)
    for _ in range(25):
        assert watched.broadcast(envelope(channel, user, bytes(1000))) == ["SUCCESS"]
    wait_for(lambda: sum(len(block.data.data) for block in watched.deliver(
        channel, user, 1, watched.height(channel, user) - 1)[0]) == 25, "all messages are in blocks")
    newest = watched.deliver(channel, user, None, None)[0][0]
    assert kafka_metrics(watched)["last_offset_persisted", channel] == persisted(newest)
    wait_for(lambda: kafka_metrics(watched).get(("record_send_rate", channel), 0) > 0, "rates are there")
    metrics = kafka_metrics(watched)
    assert metrics["records_per_request", channel] >= 1
    assert metrics["batch_size", channel] > 100
    assert metrics["compression_ratio", channel] == 100
    for name in ("incoming_byte_rate", "outgoing_byte_rate", "request_rate", "request_size",
                 "response_rate", "response_size"):
        assert [value for (found, _), value in metrics.items() if found == name and value > 0], name
    wait_for(lambda: [value for (name, _), value in kafka_metrics(watched).items()
                      if name == "request_latency" and value > 0], "the latency is there")


def test_health_while_a_broker_hangs(watched, broker):
    """Every channel is unhealthy for as long, with the reason."""
    watched.wait_ready()
    channel, user = watched.create_channel(), org_user(1)
    watched.wait_ready(channel, user)
    wait_for(lambda: not health(watched), "all is well")
    broker.pause()
    reasons = wait_for(lambda: health(watched), "something is wrong")
    assert all("goes on by itself" in reason for reason in reasons.values()), reasons
    wait_for(lambda: {key.partition("/")[0] for key in health(watched)} >= {channel, "syschannel"},
             "all channels tell")
    wait_for(lambda: any("can be reached" in reason for reason in health(watched).values()),
             "the reason is known")
    broker.resume()
    wait_for(lambda: not health(watched), "all is well again")


def test_health_of_channels_that_wait_or_have_halted(watched, broker):
    """Without a broker they wait for it; without their records they halt."""
    watched.wait_ready()
    channel, user = watched.create_channel(), org_user(1)
    watched.wait_ready(channel, user)
    for number in range(5):
        assert watched.broadcast(envelope(channel, user, b"%d" % number)) == ["SUCCESS"]
    wait_for(lambda: watched.height(channel, user) >= 2, "there are blocks")
    watched.stop()
    broker.stop()
    watched.start()
    wait_for(lambda: "can be reached" in health(watched).get(channel, ""), "the channel tells")
    assert "has not completed booting" in health(watched)[channel]
    broker.start()
    wait_for(lambda: "was deleted and created again" in health(watched).get(channel, ""),
             "the channel tells why it has halted")
