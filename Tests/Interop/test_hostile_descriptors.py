"""Clients cannot take the node's descriptors, and at the limit nothing spins."""

import os
import pathlib
import socket
import time

import pytest

from faults import ACCEPT, CONNECTION
from hostile import GoodClients
from harness import org_user, wait_for


@pytest.fixture(name="limited")
def fixture_limited(make_orderer, tmp_path):
    """A running orderer that may have 128 descriptors."""
    orderer = make_orderer()
    script = tmp_path / "limited"
    script.write_text(f'#!/bin/sh\nulimit -n 128\nexec "{orderer.executable}" "$@"\n')
    script.chmod(0o755)
    orderer.executable = str(script)
    return orderer.start()


def descriptors(orderer):
    """How many descriptors the process has open."""
    return len(os.listdir(f"/proc/{orderer.process.pid}/fd"))


def connect(orderer, count, port=None):
    """Connections that do nothing."""
    return [socket.create_connection(("127.0.0.1", port or orderer.port), 10) for _ in range(count)]


def close(connections):
    """Close them all."""
    for connection in connections:
        connection.close()


def test_connections_leave_the_node_its_descriptors(limited):
    """Hundreds of connections: some stay, the others are closed, and the node goes on."""
    channel = limited.create_channel()
    own = descriptors(limited)
    with GoodClients(limited, channel, clients=2):
        time.sleep(0.5)
        connections = connect(limited, 300)
        wait_for(lambda: "Refusing connections: of 128 file descriptors" in limited.log,
                 "a line in the log")
        # Some are being refused.
        highest = max(descriptors(limited) for _ in range(100))
        assert highest < 128 - 4
        wait_for(lambda: descriptors(limited) <= 128 - 16, "the others are closed")
        # Files of the node's own, with all the connections there.
        close(connections[:20])
        wait_for(lambda: descriptors(limited) < 128 - 16, "room for a client")
        limited.create_channel(name="another")
        time.sleep(1)
    close(connections)
    wait_for(lambda: descriptors(limited) < own + 30, "connections are forgotten")
    assert limited.height("another", org_user(1)) > 0
    wait_for(lambda: limited.height(channel, org_user(1)) > 1, "the channel has blocks")
    wait_for(lambda: "Accepting connections again" in limited.log, "a line in the log")
    # Each client is not a line.
    assert limited.log.count("Refusing connections") < 10


def test_without_a_descriptor_nothing_spins(make_orderer, faults):
    """No descriptor for the next connection: no processor time, one line, and it passes.

    Only accepting fails. A limit that is lowered below what is in use would say the same, but then libdispatch
    ends the process on a busy machine: see docs/dependencies.md.
    """
    orderer = make_orderer()
    orderer.environment = faults.environment
    orderer.start()
    assert faults.loaded, "the library is not in the process"
    channel = orderer.create_channel()
    with GoodClients(orderer, channel, clients=2, rate=5):
        time.sleep(0.5)
        with faults.failing(ACCEPT, CONNECTION, "EMFILE"):
            connections = connect(orderer, 20)
            wait_for(
                lambda: "Cannot accept connections: accept: too many open files" in orderer.log,
                "a line in the log")
            start = orderer.cpu_seconds()
            time.sleep(3)
            assert orderer.cpu_seconds() - start < 0.5
        wait_for(lambda: "Accepting connections again" in orderer.log, "a line in the log")
    assert orderer.log.count("Cannot accept connections") == 1
    close(connections)
    assert orderer.height(channel, org_user(1)) > 1


def test_the_limit_is_raised(make_orderer, tmp_path):
    """The process takes all that it may have, as Go's does."""
    orderer = make_orderer()
    script = tmp_path / "limited"
    script.write_text(
        f'#!/bin/sh\nulimit -S -n 100\nulimit -H -n 600\nexec "{orderer.executable}" "$@"\n')
    script.chmod(0o755)
    orderer.executable = str(script)
    orderer.start()
    limits = pathlib.Path(f"/proc/{orderer.process.pid}/limits").read_text()
    assert limits.partition("Max open files")[2].split()[:2] == ["600", "600"]
