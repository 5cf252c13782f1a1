"""One channel as its clients see it: what was accepted, and what Deliver has shown."""

import hashlib
import random

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2_grpc
from harness import envelope, org_user, payload_data, wait_for
from ledgerfiles import check_chain


def submit(orderer, message, timeout=60):
    """(status name, information) of one message."""
    with orderer.channel() as channel:
        call = ab_pb2_grpc.AtomicBroadcastStub(channel).Broadcast(iter([message]), timeout=timeout)
        for response in call:
            return common_pb2.Status.Name(response.status), response.info
    return None, ""


class ChannelClient:
    """Submits to a channel and reads it; keeps both in mind, also over restarts."""

    def __init__(self, orderer, channel, user=None):
        self.orderer, self.channel, self.user = orderer, channel, user or org_user(1)
        self.accepted = []
        self._sent = 0
        self._shown = []

    def submit(self, size=0):
        """(status name, information) of a new message of at least `size` random bytes."""
        data = b"%s:%d:" % (self.channel.encode(), self._sent) + random.randbytes(size)
        self._sent += 1
        status, info = submit(self.orderer, envelope(self.channel, self.user, data))
        if status == "SUCCESS":
            self.accepted.append(data)
        return status, info

    def submit_many(self, count, size):
        """As `submit` on one stream; all have to be accepted."""
        data = [b"%s:%d:" % (self.channel.encode(), self._sent + index) + random.randbytes(size)
                for index in range(count)]
        self._sent += count
        statuses = self.orderer.broadcast(
            *(envelope(self.channel, self.user, each) for each in data))
        assert statuses == ["SUCCESS"] * count
        self.accepted += data

    def accepts(self, size=0):
        """Whether a new message is accepted."""
        return self.submit(size)[0] == "SUCCESS"

    def until_refused(self, size=2000):
        """Submit until the node refuses; the reason."""
        for _ in range(2000):
            status, info = self.submit(size)
            if status == "SERVICE_UNAVAILABLE":
                return info
            assert status == "SUCCESS", (status, info)
        raise AssertionError("the node never refused")

    def read(self, best_effort=False):
        """All transactions, after a check that the chain is whole and what it was.

        A channel that has halted is only read with `best_effort`.
        """
        height = self.orderer.height(self.channel, self.user, best_effort)
        assert height >= len(self._shown), "blocks that were shown are gone"
        blocks, status = self.orderer.deliver(self.channel, self.user, 0, height - 1, best_effort)
        assert status == "SUCCESS" and len(blocks) == height
        check_chain(blocks)
        digests = [hashlib.sha256(block.SerializeToString()).digest() for block in blocks]
        assert digests[:len(self._shown)] == self._shown, "a block that was shown has changed"
        self._shown = digests
        return [payload_data(data) for block in blocks[1:] for data in block.data.data
                if header_type(data) == common_pb2.ENDORSER_TRANSACTION]

    def settle(self):
        """Wait until all that was accepted is in blocks, in order, and nothing else."""
        wait_for(lambda: len(self.read()) >= len(self.accepted),
                 "all accepted messages are in blocks")
        assert self.read() == self.accepted

    def is_sound(self):
        """Check that what was accepted is there up to some message. What solo had only in memory when
        the process was killed may be lost, so it is forgotten here."""
        seen = self.read()
        assert seen == self.accepted[:len(seen)]
        self.accepted = seen


def header_type(data):
    """The type of a serialized envelope."""
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(data).payload)
    return common_pb2.ChannelHeader.FromString(payload.header.channel_header).type
