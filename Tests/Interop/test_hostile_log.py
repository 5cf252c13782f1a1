"""What clients send cannot fill the log, forge its lines, or command the terminal that shows it."""

import socket
import ssl

import pytest

from hostile import GoodClients, until
from harness import FIXTURES, Sender, envelope, org_user, wait_for

NODE = FIXTURES / "crypto/orderer.test/nodes/node1"


def log_bytes(orderer):
    """How long the log is."""
    return (orderer.directory / "orderer.log").stat().st_size


@pytest.mark.parametrize("name", [
    "x\n2026-01-01 00:00:00.000 UTC 0001 INFO [forged] run -> line", "\x1b[2Jx\rforged",
    "\u202ex\u2028forged", "x" * 5_000_000], ids=["newline", "escape", "direction", "long"])
def test_names_of_channels(orderer, name):
    """A name that a client made up is escaped and cut wherever it is logged."""
    before = log_bytes(orderer)
    user = org_user(1)
    assert orderer.broadcast(envelope(name, user, b"")) != ["SUCCESS"]
    blocks, status = orderer.deliver(name, user, 0, 0)
    assert not blocks and status != "SUCCESS"
    wait_for(lambda: "Rejecting broadcast" in orderer.log, "a line in the log")
    log = (orderer.directory / "orderer.log").read_bytes()[before:].decode()
    assert len(log) < 20_000
    for line in log.splitlines():
        assert not line.lstrip().startswith(("forged", "2026-01-01"))
    assert "\x1b[2J" not in log and "\r" not in log and "\u202e" not in log and "\u2028" not in log


def test_refused_calls_are_counted(orderer):
    """Thousands of refusals are a few hundred lines, and good clients are served meanwhile."""
    channel = orderer.create_channel()
    bad = envelope("nosuchchannel", org_user(1), b"").SerializeToString()
    before = log_bytes(orderer)
    refused = 0
    with GoodClients(orderer, channel):
        for _ in until():
            senders = [Sender(orderer, [bad] * 500) for _ in range(4)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(60)
                refused += len(sender.statuses)
    # A refusal ends its stream with the first message that is not taken, or it goes on; either counts.
    assert refused > 0
    lines = orderer.log.count("Rejecting broadcast")
    assert lines <= 100 + 10 * 60
    assert log_bytes(orderer) - before < 400 * (lines + 100)


def test_tls_errors_have_no_paths_of_the_machine_that_built_it(make_orderer):
    """They name the reason, and that is all."""
    orderer = make_orderer(options={
        "General.TLS.Enabled": True, "General.TLS.ClientAuthRequired": True,
        "General.TLS.ClientRootCAs": [str(NODE / "tls/ca.crt")]})
    orderer.start(wait=False)
    wait_for(lambda: "Beginning to serve requests" in orderer.log, "the orderer serves")
    for data in (b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n",
                 b"\x16\x03\x03\x00\x04\x01\x00\x00\x00"):
        with socket.create_connection(("127.0.0.1", orderer.port), 5) as connection:
            connection.sendall(data)
            connection.recv(1000)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", orderer.port), 5) as connection:
        try:
            with context.wrap_socket(connection) as wrapped:
                wrapped.recv(1000)
        except ssl.SSLError:
            pass
    wait_for(lambda: orderer.log.count("TLS handshake failed") >= 4, "four lines in the log")
    assert "tls: bad certificate" in orderer.log
    for part in (".build", "checkouts", ".cc", "OPENSSL_internal", "Error:"):
        assert part not in orderer.log, part
