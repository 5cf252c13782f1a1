"""Streams that stay open: idle ones, ones that are not read, and what ends them."""

import os
import signal
import socket
import threading
import time

import grpc
import pytest
from fabric_protos.common import common_pb2, configtx_pb2, policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.orderer import ab_pb2_grpc

from harness import SYSTEM_CHANNEL, Sender, Tail, envelope, org_user, payload_data, seek, wait_for
from rawhttp2 import DEFAULT_WINDOW, GOAWAY, LARGEST_WINDOW, PING, RawConnection

DELIVER = "/orderer.AtomicBroadcast/Deliver"
FOREVER = 2**64 - 1
ENHANCE_YOUR_CALM = 11
BUFFERED_PER_STREAM = 0.5  # megabytes
IDLE_TAIL = 0.1  # megabytes
SHUTDOWN = 30  # seconds; 2 to 3 unless the machine is busy with other things


def fill(orderer, channel, megabytes):
    """Put transactions of 100 KB into the blocks of a channel."""
    messages = [envelope(channel, org_user(1), os.urandom(100_000)).SerializeToString()
                for _ in range(megabytes * 10)]
    sender = Sender(orderer, messages)
    sender.start()
    sender.join(60)
    assert sender.error is None and sender.statuses == [200] * len(messages)
    wait_for(lambda: orderer.deliver(channel, org_user(1), None, None)[0][0].data.data[-1]
             == messages[-1], "all are in blocks")


def rests(orderer):
    """Whether the process uses hardly any CPU for a second."""
    before = orderer.cpu_seconds()
    time.sleep(1)
    return orderer.cpu_seconds() - before < 0.1


def test_readers_that_do_not_read(orderer):
    """200 streams whose client never reads cost a bounded buffer each, and nobody else anything."""
    channel, user = orderer.create_channel(), org_user(1)
    fill(orderer, channel, 20)
    before = orderer.resident_megabytes()
    connections = []
    for window in (DEFAULT_WINDOW, LARGEST_WINDOW):
        connection = RawConnection(orderer, stream_window=window, receive_buffer=4096)
        for _ in range(100):
            connection.call(DELIVER, seek(channel, user, 0, FOREVER).SerializeToString())
        connections.append(connection)
    wait_for(lambda: rests(orderer), "the orderer has sent what fits")
    assert orderer.resident_megabytes() < before + 200 * BUFFERED_PER_STREAM
    height = orderer.height(channel, user)
    assert orderer.broadcast(envelope(channel, user, b"others go on")) == ["SUCCESS"]
    blocks, status = orderer.deliver(channel, user, 0, height)
    assert status == "SUCCESS" and payload_data(blocks[-1].data.data[0]) == b"others go on"
    for connection in connections:
        connection.close()


def test_many_tails(orderer):
    """500 clients wait at the tip for little memory and no CPU, and all get the next block."""
    channel, user, count = orderer.create_channel(), org_user(1), 500
    before = orderer.resident_megabytes()
    heights = [0] * count
    connections = [orderer.channel() for _ in range(10)]
    request = seek(channel, user, 0, FOREVER)

    def follow(number):
        stub = ab_pb2_grpc.AtomicBroadcastStub(connections[number % len(connections)])
        try:
            for response in stub.Deliver(iter([request])):
                heights[number] = response.block.header.number + 1
        except (grpc.RpcError, ValueError):
            pass  # the connection was closed by the end of the test
    for number in range(count):
        threading.Thread(target=follow, args=(number,), daemon=True).start()
    wait_for(lambda: min(heights) == 1, "all tails have the genesis block")
    assert orderer.resident_megabytes() < before + count * IDLE_TAIL
    wait_for(lambda: rests(orderer), "waiting costs no CPU")
    assert orderer.broadcast(envelope(channel, user, b"for all")) == ["SUCCESS"]
    wait_for(lambda: min(heights) == 2, "all tails have the new block")
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_shutdown_with_open_streams(orderer, number):
    """A signal ends the process with status 0 within seconds, whatever clients hold open."""
    channel, user = orderer.create_channel(), org_user(1)
    fill(orderer, channel, 5)
    stop = threading.Event()

    def endless():
        while not stop.is_set():
            yield envelope(channel, user, os.urandom(1000)).SerializeToString()
    senders = [Sender(orderer, endless()) for _ in range(4)]
    tails = [Tail(orderer, channel, user) for _ in range(10)]
    for thread in senders + tails:
        thread.start()
    reader = RawConnection(orderer, stream_window=LARGEST_WINDOW, receive_buffer=4096)
    for _ in range(50):
        reader.call(DELIVER, seek(channel, user, 0, FOREVER).SerializeToString())
    silent = [socket.create_connection(("127.0.0.1", orderer.port)) for _ in range(10)]
    wait_for(lambda: all(sender.statuses for sender in senders), "transactions flow")
    began = time.monotonic()
    assert orderer.stop(number) == 0
    assert time.monotonic() - began < SHUTDOWN
    stop.set()
    for sender in senders:
        sender.join(30)
        assert sender.error is None or sender.error.code() == grpc.StatusCode.UNAVAILABLE
        assert set(sender.statuses) <= {200, 503}
    for connection in [reader, *silent]:
        connection.close()
    orderer.start()
    assert orderer.broadcast(envelope(channel, user, b"again")) == ["SUCCESS"]


def only_admins_read(channel, config, number):
    """A config update by organization `number`, after which of its members only admins read."""
    name, admin = f"Org{number}", org_user(number, "admin")
    application = config.channel_group.groups["Application"]
    policy = application.groups[name].policies["Readers"]
    role = msp_principal_pb2.MSPRole(
        msp_identifier=admin.msp_id, role=msp_principal_pb2.MSPRole.ADMIN)
    policy.policy.value = policies_pb2.SignaturePolicyEnvelope(
        rule=policies_pb2.SignaturePolicy(signed_by=0),
        identities=[msp_principal_pb2.MSPPrincipal(principal=role.SerializeToString())]
    ).SerializeToString()
    update = configtx_pb2.ConfigUpdate(channel_id=channel)
    for group in (update.read_set, update.write_set):
        group.version = config.channel_group.version
        group.groups["Application"].version = application.version
        organization = group.groups["Application"].groups[name]
        organization.version = application.groups[name].version
    organization.policies["Readers"].CopyFrom(policy)
    organization.policies["Readers"].version += 1
    data = update.SerializeToString()
    header = common_pb2.SignatureHeader(
        creator=admin.creator, nonce=os.urandom(24)).SerializeToString()
    signed = configtx_pb2.ConfigUpdateEnvelope(config_update=data)
    signed.signatures.add(signature_header=header, signature=admin.sign(header + data))
    return envelope(channel, admin, signed.SerializeToString(), common_pb2.CONFIG_UPDATE)


def test_config_change_reaches_running_tails(orderer):
    """A tail ends with FORBIDDEN when a config update takes the right to read; others go on."""
    channel = orderer.create_channel()
    losing, staying = (Tail(orderer, channel, org_user(number)) for number in (2, 1))
    losing.start()
    staying.start()
    genesis = losing.blocks.get(timeout=20).block
    config = configtx_pb2.ConfigEnvelope.FromString(payload_data(genesis.data.data[0])).config
    assert orderer.broadcast(only_admins_read(channel, config, 2)) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, org_user(1)) == 2, "the update is in a block")
    assert orderer.broadcast(envelope(channel, org_user(1), b"secret")) == ["SUCCESS"]
    answers = []
    while not answers or answers[-1].WhichOneof("Type") == "block":
        answers.append(losing.blocks.get(timeout=20))
    assert answers[-1].status == common_pb2.FORBIDDEN
    assert all(answer.block.header.number < 2 for answer in answers[:-1])
    seen = [staying.blocks.get(timeout=20).block.header.number for _ in range(3)]
    assert seen == [0, 1, 2]
    assert orderer.deliver(channel, org_user(2), 0, 0) == ([], "FORBIDDEN")
    assert len(orderer.deliver(channel, org_user(2, "admin"), 0, 2)[0]) == 3


def test_health_check(orderer):
    """grpc.health.v1 answers SERVING for the server as a whole and NOT_FOUND for strangers."""
    with orderer.channel() as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=10) == b"\x08\x01"
        with pytest.raises(grpc.RpcError) as refused:
            check(b"\x0a\x07unknown", timeout=10)
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def pings_until_goaway(connection, count, interval):
    """(acknowledged pings, payload of the GOAWAY or None) of a client that pings at an interval."""
    acknowledged = 0
    for _ in range(count):
        try:
            connection.ping()
        except OSError:
            break
        for kind, flags, _, payload in connection.read(interval):
            if kind == GOAWAY:
                return acknowledged, payload
            acknowledged += kind == PING and flags & 1
    return acknowledged, None


def test_too_many_pings(orderer):
    """A client that pings more often than the enforced interval is told so and disconnected."""
    connection = RawConnection(orderer)
    connection.call(DELIVER, seek(SYSTEM_CHANNEL, org_user(1), 0, FOREVER).SerializeToString())
    list(connection.read(0.5))
    acknowledged, goaway = pings_until_goaway(connection, 10, 0.3)
    assert 2 <= acknowledged <= 4
    assert int.from_bytes(goaway[4:8], "big") == ENHANCE_YOUR_CALM
    assert goaway[8:] == b"too_many_pings"


def test_pings_within_the_interval(make_orderer):
    """A client that keeps to the interval may ping forever, with or without a stream."""
    orderer = make_orderer(options={"General.Keepalive": {"ServerMinInterval": "500ms"}}).start()
    for streams in range(2):
        connection = RawConnection(orderer)
        for _ in range(streams):
            connection.call(
                DELIVER, seek(SYSTEM_CHANNEL, org_user(1), 0, FOREVER).SerializeToString())
        list(connection.read(0.5))
        assert pings_until_goaway(connection, 6, 0.65) == (6, None)
        connection.close()


def test_dead_clients_are_found(make_orderer):
    """A client that does not answer the server's pings is disconnected."""
    orderer = make_orderer(options={
        "General.Keepalive": {"ServerInterval": "1s", "ServerTimeout": "1s"}}).start()
    connection = RawConnection(orderer)
    began = time.monotonic()
    kinds = [kind for kind, _, _, _ in connection.read(20)]
    assert PING in kinds
    assert 1.5 < time.monotonic() - began < 10
