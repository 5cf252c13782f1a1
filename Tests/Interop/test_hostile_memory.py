"""What clients announce is not believed: memory grows with what has arrived."""

import pathlib
import resource

from hostile import GoodClients, until
from harness import org_user
from rawhttp2 import DATA, RawConnection, frame

MEGABYTE = 1 << 20
BROADCAST = "/orderer.AtomicBroadcast/Broadcast"


def virtual_megabytes(orderer):
    """Address space of the process."""
    status = pathlib.Path(f"/proc/{orderer.process.pid}/status").read_text()
    return int(status.partition("VmSize:")[2].split()[0]) / 1024


def announce(orderer, megabytes=100, arrived=11 * MEGABYTE // 10):
    """A connection with a message that is announced as large, of which a little arrives."""
    connection = RawConnection(orderer)
    stream = connection.call(BROADCAST, b"", announced=megabytes * MEGABYTE)
    part = frame(DATA, 0, stream, bytes(16384))
    left = arrived
    # No faster than the node lets a client.
    window = 65535 - 5
    while left > 0:
        while window >= 16384 and left > 0:
            connection.socket.sendall(part)
            left -= 16384
            window -= 16384
        if left > 0:
            for kind, _, number, payload in connection.read(10):
                if kind == 8 and number == stream:
                    window += int.from_bytes(payload, "big")
                    if window >= 16384:
                        break
            else:
                raise AssertionError("the node grants no window")
    return connection


def test_announced_messages_reserve_what_has_arrived(make_orderer):
    """40 messages announced as 100 MiB, of each of which 1.1 MiB arrive, cost a fraction of 4 GiB."""
    orderer = make_orderer().start()
    channel = orderer.create_channel()
    announce(orderer).close()
    before = orderer.resident_megabytes()
    space = virtual_megabytes(orderer)
    connections = [announce(orderer) for _ in range(40)]
    assert orderer.resident_megabytes() < before + 40 * 4
    assert virtual_megabytes(orderer) < space + 40 * 10
    # Also where the process may have no more than 1 GiB beyond what it has now.
    limit = int(virtual_megabytes(orderer) + 1024) * MEGABYTE
    resource.prlimit(orderer.process.pid, resource.RLIMIT_AS, (limit, limit))
    with GoodClients(orderer, channel):
        for _ in until():
            connections += [announce(orderer) for _ in range(10)]
            while len(connections) > 100:
                connections.pop(0).close()
    assert orderer.process.poll() is None
    assert orderer.height(channel, org_user(1)) > 1
    for connection in connections:
        connection.close()
