"""Whatever comes to the port, the orderer goes on serving, and its memory stays bounded."""

import os
import random
import socket

import pytest

from harness import SYSTEM_CHANNEL, Sender, envelope, orderer_admin

GROWTH = 60  # megabytes


def still_serves(orderer):
    """Check that a transaction is accepted."""
    message = envelope(SYSTEM_CHANNEL, orderer_admin(), b"still there")
    assert orderer.broadcast(message) == ["SUCCESS"]
    assert orderer.process.poll() is None


def throw(orderer, data, count=200):
    """Send bytes on connections of their own."""
    open_sockets = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", orderer.port), 5)
        try:
            connection.sendall(data() if callable(data) else data)
        except OSError:
            pass
        open_sockets.append(connection)
    for connection in open_sockets:
        connection.close()


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GARBAGE = {
    "random bytes": lambda: os.urandom(4096),
    "HTTP/1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10,
    "half a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "HTTP/2 preface and random frames": lambda: PREFACE + os.urandom(4096),
    "settings without end": lambda: PREFACE + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) * 400,
    "nothing": b"",
}


@pytest.mark.parametrize("tls", [False, True], ids=["plaintext", "tls"])
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_on_the_port(make_orderer, kind, tls):
    """Garbage costs its own connection."""
    orderer = make_orderer(options={"General.TLS.Enabled": tls}).start()
    throw(orderer, GARBAGE[kind])
    before = orderer.resident_megabytes()
    for _ in range(5):
        throw(orderer, GARBAGE[kind])
    still_serves(orderer)
    assert orderer.resident_megabytes() < before + GROWTH


def test_malformed_envelopes(orderer):
    """10,000 malformed envelopes are refused one by one."""
    good = envelope(SYSTEM_CHANNEL, orderer_admin(), b"x" * 500).SerializeToString()
    before = orderer.resident_megabytes()
    generator = random.Random(7)
    for _ in range(10):
        senders = []
        for _ in range(50):
            messages = []
            for _ in range(20):
                damaged = bytearray(good)
                for _ in range(3):
                    damaged[generator.randrange(len(damaged))] = generator.randrange(256)
                messages.append(bytes(damaged))
            senders.append(Sender(orderer, messages))
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
            assert 200 not in sender.statuses
    still_serves(orderer)
    assert orderer.resident_megabytes() < before + GROWTH
