"""Well-behaved clients beside an attack: what they send must be acknowledged, and how fast is measured.

How long an attack lasts: HEDDLE_HOSTILE_SECONDS (5). With HEDDLE_HOSTILE_P99 the acknowledgements' 99th
percentile may not be longer than that, in seconds; it depends on the machine, so by default it is only
printed.
"""

import os
import threading
import time

from harness import ab_pb2, envelope, org_user

SECONDS = float(os.environ.get("HEDDLE_HOSTILE_SECONDS", "5"))
P99 = float(os.environ.get("HEDDLE_HOSTILE_P99", "inf"))


class _Client(threading.Thread):
    """Sends messages at a rate on one stream, and notes how long each acknowledgement took."""

    def __init__(self, orderer, channel, rate, stop):
        super().__init__(daemon=True)
        self.orderer, self.channel, self.pause, self.stop = orderer, channel, 1 / rate, stop
        self.sent, self.taken, self.error = [], [], None

    def _requests(self):
        message = envelope(self.channel, org_user(1), bytes(1000)).SerializeToString()
        due = time.monotonic()
        while not self.stop.is_set():
            self.sent.append(time.monotonic())
            yield message
            due += self.pause
            time.sleep(max(0, due - time.monotonic()))

    def run(self):
        try:
            with self.orderer.channel() as channel:
                for response in channel.stream_stream(
                        "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                        response_deserializer=ab_pb2.BroadcastResponse.FromString)(self._requests()):
                    assert response.status == 200, response
                    self.taken.append(time.monotonic() - self.sent[len(self.taken)])
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = error


class GoodClients:
    """Clients of a channel for as long as the `with` lasts; then all their messages must be accepted."""

    def __init__(self, orderer, channel, clients=4, rate=50):
        self.stop = threading.Event()
        self.clients = [_Client(orderer, channel, rate, self.stop) for _ in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        for client in self.clients:
            client.join(60)
        if kind:
            return
        for client in self.clients:
            assert client.error is None and not client.is_alive(), client.error
            assert len(client.taken) == len(client.sent) > 0
        taken = sorted(taken for client in self.clients for taken in client.taken)
        p99 = taken[len(taken) * 99 // 100]
        print(f"{len(taken)} acknowledgements beside the attack: median"
              f" {taken[len(taken) // 2] * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms,"
              f" worst {taken[-1] * 1000:.0f} ms")
        assert p99 <= P99


def until(seconds=SECONDS):
    """Turns for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
