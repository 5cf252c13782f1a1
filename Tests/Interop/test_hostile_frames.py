"""HTTP/2 frames of every kind in any number end a connection at worst, and hold no memory."""

import ssl

import pytest

from hostile import GoodClients, until
from harness import org_user, wait_for
from rawhttp2 import (CONTINUATION, DATA, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
                      SETTINGS, WINDOW_UPDATE, RawConnection, frame)

GROWTH = 60  # megabytes
UNKNOWN = 0x77


@pytest.fixture(name="orderer", params=[False, True], ids=["plaintext", "tls"])
def fixture_orderer(make_orderer, request):
    """A running orderer, with TLS and without."""
    return make_orderer(options={"General.TLS.Enabled": request.param}).start()


def setting(number, value):
    """One entry of a SETTINGS frame."""
    return number.to_bytes(2, "big") + value.to_bytes(4, "big")


FLOODS = {
    "unknown": frame(UNKNOWN, 0, 0, bytes(16375)),
    "small unknown": frame(UNKNOWN, 0xff, 7, bytes(1)),
    "settings": frame(SETTINGS, 0, 0, setting(4, 65535)),
    "many settings": frame(SETTINGS, 0, 0, setting(4, 65535) * 2700),
    "ping": frame(PING, 0, 0, bytes(8)),
    "ping acknowledgements": frame(PING, 1, 0, bytes(8)),
    "priority": frame(PRIORITY, 0, 1, bytes([0, 0, 0, 0, 1])),
    "window updates": frame(WINDOW_UPDATE, 0, 0, bytes([0, 0, 0, 1])),
    "goaway": frame(GOAWAY, 0, 0, bytes(8) + bytes(16000)),
    "resets": frame(RST_STREAM, 0, 1, bytes([0, 0, 0, 8])),
    "continuations": frame(HEADERS, 0, 1, b"\x82") + frame(CONTINUATION, 0, 1) * 1000,
    "continuations without beginning": frame(CONTINUATION, 0, 1, bytes(100)),
    "empty data": frame(DATA, 0, 1),
    "padding": frame(DATA, 8, 1, b"\xff" + bytes(255)),
    "too large": frame(UNKNOWN, 0, 0, bytes(16385)),
}


def flood(orderer, frames, cut, megabytes=8):
    """Send frames on one connection, so that no write ends where a frame ends; what was answered."""
    connection = RawConnection(orderer)
    # A stream that exists, for frames that need one.
    connection.call("/orderer.AtomicBroadcast/Deliver", b"")
    chunk = frames * max(1, 65536 // len(frames))
    sent = 0
    try:
        connection.socket.sendall(chunk[:cut])
        while sent < megabytes << 20:
            connection.socket.sendall(chunk[cut:] + chunk[:cut])
            sent += len(chunk)
    except (OSError, ssl.SSLError):
        pass
    answers = [payload for kind, _, _, payload in connection.read(0.2) if kind == GOAWAY]
    connection.close()
    return sent, answers


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_costs_its_own_connection(orderer, kind):
    """Beside it clients are served, and nothing is left of it."""
    channel = orderer.create_channel()
    for _ in range(3):
        flood(orderer, FLOODS[kind], 7)
    before = orderer.resident_megabytes()
    highest = before
    with GoodClients(orderer, channel):
        for _ in until():
            flood(orderer, FLOODS[kind], 7)
            highest = max(highest, orderer.resident_megabytes())
    assert highest < before + GROWTH
    assert orderer.process.poll() is None
    assert orderer.height(channel, org_user(1)) > 1


def test_a_gigabyte_that_is_to_be_ignored(orderer):
    """Large frames of unknown types, cut anywhere, end the connection long before they add up."""
    before = orderer.resident_megabytes()
    sent, answers = flood(orderer, FLOODS["unknown"], 7, megabytes=1024)
    assert sent < 200 << 20
    assert orderer.resident_megabytes() < before + GROWTH
    # A client that is still sending may lose the answer to the reset of its connection.
    assert all(answer[4:8] == ENHANCE_YOUR_CALM.to_bytes(4, "big") for answer in answers)
    wait_for(lambda: "sends too many unknown frames" in orderer.log, "the log says so")


def test_a_few_unknown_frames_are_ignored(orderer):
    """HTTP/2 may be extended; who does so is served."""
    connection = RawConnection(orderer)
    for size in (0, 1, 100, 16384):
        connection.socket.sendall(frame(UNKNOWN, 0xff, 0, bytes(size)))
        connection.socket.sendall(frame(UNKNOWN, 0, 9, bytes(size))[:5])
        connection.socket.sendall(frame(UNKNOWN, 0, 9, bytes(size))[5:])
    connection.ping()
    kinds = [kind for kind, _, _, _ in connection.read(1)]
    assert PING in kinds and GOAWAY not in kinds
    connection.close()


def test_a_frame_that_never_ends(orderer):
    """Thousands of frames that are not finished hold no more than one of them each."""
    before = orderer.resident_megabytes()
    connections = []
    for _ in range(500):
        connection = RawConnection(orderer)
        connection.socket.sendall(frame(HEADERS, 4, 1, bytes(16384))[:16000])
        connections.append(connection)
    assert orderer.resident_megabytes() < before + 500 * 0.25
    for connection in connections:
        connection.close()
