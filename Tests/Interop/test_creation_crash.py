"""A process that is killed while it creates a channel has created all of it or nothing.

HEDDLE_CREATION_CRASHES sets how often it is killed; 30 times by default.
"""

import os
import random
import signal
import threading
import time

import grpc
from harness import SYSTEM_CHANNEL, creation, envelope, org_user, orderer_admin, payload_data
from fabric_protos.common import common_pb2

CRASHES = int(os.environ.get("HEDDLE_CREATION_CRASHES", "30"))
SEED = int(os.environ.get("HEDDLE_CRASH_SEED", str(random.randrange(2**32))))


def channel_of_creation(block):
    """The channel that a block of the system channel creates; None if it creates none."""
    header = common_pb2.ChannelHeader.FromString(
        common_pb2.Payload.FromString(
            common_pb2.Envelope.FromString(block.data.data[0]).payload).header.channel_header)
    if header.type != common_pb2.ORDERER_TRANSACTION:
        return None
    inner = common_pb2.Payload.FromString(
        common_pb2.Envelope.FromString(payload_data(block.data.data[0])).payload)
    return common_pb2.ChannelHeader.FromString(inner.header.channel_header).channel_id


def test_creations(orderer):
    """Every channel is whole, or can still be created."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    reader = org_user(1)
    halves = wholes = 0
    for number in range(CRASHES):
        name = f"channel{number}"
        message = creation(name)

        def send(message=message):
            try:
                orderer.broadcast(message)
            except grpc.RpcError:
                pass
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(chance.uniform(0, 0.06))
        orderer.stop(signal.SIGKILL)
        sender.join()
        orderer.start()

        exists = orderer.height(name, reader) > 0
        if exists:
            blocks, status = orderer.deliver(name, reader, 0, 0)
            assert status == "SUCCESS" and blocks[0].header.number == 0
            assert orderer.broadcast(message) == ["BAD_REQUEST"]
        else:
            assert not (orderer.directory / "ledger/chains" / name).exists()
            assert orderer.broadcast(message) == ["SUCCESS"]
            deadline = time.monotonic() + 30
            while not orderer.height(name, reader):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert orderer.broadcast(envelope(name, reader, b"after")) == ["SUCCESS"]
        height = orderer.height(SYSTEM_CHANNEL, orderer_admin())
        blocks, _ = orderer.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, height - 1)
        recorded = name in map(channel_of_creation, blocks)
        wholes += exists and recorded
        halves += exists and not recorded
    print(f"{wholes} created and recorded, {halves} created before the record, "
          f"{CRASHES - wholes - halves} not created")
