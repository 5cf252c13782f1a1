"""Joining and leaving channels: killed at every step, and with the real `osnadmin`.

HEDDLE_OSNADMIN=2.5=PATH,3.1=PATH names the executables; without it their tests are skipped.
"""

import http.client
import json
import os
import subprocess

import grpc
import pytest

from faults import CHANGES, KILL
from harness import FIXTURES, SYSTEM_CHANNEL, envelope, free_port, org_user, wait_for
from raftorderer import CHANNELS, NODE, RaftOrderer


@pytest.fixture(name="node")
def fixture_node(executable, tmp_path, faults):
    """An orderer without a system channel that is not started, and that can be killed at any step."""
    node = RaftOrderer(executable, tmp_path / "node")
    node.environment = faults.environment
    yield node
    node.stop(9)


def needs_raft(node, block):
    """Skip the test if the executable cannot order channels of the only type that can be joined."""
    node.start()
    _, text = node.try_join(block)
    if "Error retrieving consenter of type: etcdraft" in text:
        pytest.skip("this executable has no consenter of type etcdraft")
    name = json.loads(text)["name"]
    assert node.ask("DELETE", f"/{name}")[0] == 204
    is_gone(node, name)
    node.stop()


def left_of(node, name):
    """The files and folders of a channel."""
    ledger = node.directory / "ledger"
    return [str(path.relative_to(ledger)) for path in ledger.rglob("*")
            if path.relative_to(ledger).parts[0] != "index"
            and path.name in (name, f"{name}.join", f"{name}.join~", f"{name}.remove")]


def takes(node, name):
    """Whether a channel takes a message; also False if the process is gone."""
    try:
        return node.broadcast(envelope(name, org_user(1), b"data")) == ["SUCCESS"]
    except grpc.RpcError:
        return False


def orders(node, name):
    """Check that a channel takes messages."""
    wait_for(lambda: takes(node, name), "the message is taken")


def is_gone(node, name):
    """Check that nothing is left of a channel, once what goes in the background has gone."""
    wait_for(lambda: node.info(name) is None, "the channel is gone")
    assert left_of(node, name) == []
    assert node.deliver(name, org_user(1), 0, 0)[1] == "NOT_FOUND"


def ended(action):
    """The result of a request; None if the process died of it."""
    try:
        return action()
    except (OSError, http.client.HTTPException):
        return None


def test_killed_at_each_step_of_a_join(node, faults):
    """After the next start the channel is whole, or there is nothing of it; whole if that was answered."""
    name, block = node.genesis()
    needs_raft(node, block)
    wholes = kills = answered = 0
    for step in range(500):
        node.start()
        rule = faults.fail(CHANGES, "*/ledger/*", KILL, skip=step)
        answer = ended(lambda: node.try_join(block))
        if answer:
            # What the chain does at first may still be killed.
            wait_for(lambda: node.process.poll() is not None or takes(node, name), "the join ends")
        rule.end()
        faults.clear()
        if not rule.hits:
            assert answer[0] == 201, answer
            break
        node.process.wait(60)
        kills += 1
        answered += bool(answer)
        node.start()
        if node.info(name):
            wholes += 1
            assert node.info(name)["consensusRelation"] == "consenter"
            orders(node, name)
            assert node.ask("DELETE", f"/{name}")[0] == 204
        else:
            assert not answer
        is_gone(node, name)
        node.stop()
    orders(node, name)
    print(f"killed {kills} times, {answered} times after the answer; {wholes} times the channel was "
          "there afterwards")
    assert 0 < wholes < kills


def test_killed_at_each_step_of_a_removal(node, faults):
    """After the next start the channel is whole or gone, and gone if that was answered."""
    name, block = node.genesis()
    needs_raft(node, block)
    wholes = kills = answered = 0
    for step in range(500):
        node.start()
        if not node.info(name):
            node.join(block)
            orders(node, name)
        rule = faults.fail(CHANGES, "*/ledger/*", KILL, skip=step)
        answer = ended(lambda: node.ask("DELETE", f"/{name}"))
        if answer:
            # What goes in the background may still be killed.
            wait_for(lambda: node.process.poll() is not None or not ended(lambda: node.info(name)),
                     "the removal ends")
        rule.end()
        faults.clear()
        if node.process.poll() is None and not rule.hits:
            break
        node.process.wait(60)
        kills += 1
        answered += bool(answer)
        node.start()
        if node.info(name):
            wholes += 1
            assert not answer
            orders(node, name)
        else:
            is_gone(node, name)
        node.stop()
    is_gone(node, name)
    print(f"killed {kills} times, {answered} times after the answer; {wholes} times the channel stayed")
    assert 0 < answered < kills and wholes < kills


@pytest.mark.parametrize("stop", [15, 9])
def test_a_channel_that_others_order_waits(node, stop):
    """It is listed and noted across restarts, but not there for clients; it can be left."""
    name, block = node.genesis()
    needs_raft(node, block)
    block.header.number = 3
    node.start()
    status, text = node.try_join(block)
    described = {"name": name, "url": f"{CHANNELS}/{name}", "consensusRelation": "consenter",
                 "status": "onboarding", "height": 0}
    assert (status, json.loads(text)) == (201, described)
    for _ in range(2):
        assert node.info(name) == described and node.channels() == [name]
        assert node.deliver(name, org_user(1), 0, 0)[1] == "NOT_FOUND"
        assert node.broadcast(envelope(name, org_user(1), b"data")) == ["BAD_REQUEST"]
        assert node.ask("GET", f"/{name}/blocks/0")[0] == 404
        assert node.try_join(block)[0] == 405
        node.stop(stop)
        noted = node.directory / f"ledger/pendingops/join/{name}.join"
        assert noted.read_bytes() == block.SerializeToString()
        node.start()
    assert node.ask("DELETE", f"/{name}")[0] == 204
    is_gone(node, name)


# ---- osnadmin


def programs():
    """The executables as parameters of a test."""
    pairs = [pair.partition("=") for pair in os.environ.get("HEDDLE_OSNADMIN", "").split(",") if pair]
    return [pytest.param(path, id=version) for version, _, path in pairs] or [
        pytest.param("", marks=pytest.mark.skip("HEDDLE_OSNADMIN names no osnadmin"))]


@pytest.mark.parametrize("program", programs())
def test_osnadmin(node, tmp_path, program):
    """An operator lists, joins and removes a channel."""
    def run(*arguments):
        done = subprocess.run(
            [program, "channel", *arguments, "-o", f"127.0.0.1:{node.admin}",
             "--ca-file", NODE / "ca.crt", "--client-cert", NODE / "server.crt",
             "--client-key", NODE / "server.key"],
            capture_output=True, text=True, timeout=60, check=False)
        status, _, body = done.stdout.partition("\n")
        return status, json.loads(body) if body.strip() else None, done.stdout + done.stderr

    name, block = node.genesis()
    needs_raft(node, block)
    path = tmp_path / "genesis.block"
    path.write_bytes(block.SerializeToString())
    node.start()
    described = {"name": name, "url": f"/participation/v1/channels/{name}"}
    status, body, text = run("list")
    assert (status, body) == ("Status: 200", {"systemChannel": None, "channels": None}), text
    status, body, text = run("join", "--channelID", name, "--config-block", path)
    full = described | {"consensusRelation": "consenter", "status": "active", "height": 1}
    assert (status, body) == ("Status: 201", full), text
    status, body, text = run("list")
    assert (status, body) == ("Status: 200", {"systemChannel": None, "channels": [described]}), text
    status, body, text = run("list", "--channelID", name)
    assert (status, body) == ("Status: 200", full), text
    status, body, text = run("join", "--channelID", name, "--config-block", path)
    assert (status, body) == ("Status: 405", {"error": "cannot join: channel already exists"}), text
    orders(node, name)
    status, body, text = run("remove", "--channelID", name)
    assert (status, body) == ("Status: 204", None), text
    is_gone(node, name)
    status, body, text = run("remove", "--channelID", name)
    assert (status, body) == (
        "Status: 404", {"error": "cannot remove: channel does not exist"}), text


# ---- without channels, and with a system channel


def test_a_node_without_channels_serves(node):
    """It says so, answers clients, and ends in good order; what is no block changes nothing."""
    for _ in range(2):
        node.start()
        assert node.channels() == []
        assert node.deliver("nothere", org_user(1), 0, 0)[1] == "NOT_FOUND"
        assert node.broadcast(envelope("nothere", org_user(1), b"data")) == ["BAD_REQUEST"]
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        assert node.ask("POST", "", b"--x--\r\n", form)[0] == 400
        assert node.channels() == []
        assert node.stop() == 0
    assert "Starting without a system channel" in node.log
    assert ("Registrar initializing without a system channel, number of application channels: 0, "
            "with 0 consensus.Chain(s) and 0 follower.Chain(s)") in node.log


def test_a_node_of_a_cluster_needs_tls(node):
    """It ends with a message that names the setting."""
    node.settings["General"]["TLS"]["Enabled"] = False
    node.start(wait=False)
    assert node.process.wait(60) == 1
    assert "TLS is required for running ordering nodes of cluster type." in node.log


def test_with_a_system_channel(make_orderer):
    """Channels are listed and described, but neither joined nor left."""
    port = free_port()
    node = make_orderer(options={"ChannelParticipation.Enabled": True,
                                 "Admin.ListenAddress": f"127.0.0.1:{port}"}).start()
    name = node.create_channel()

    def ask(method, path="", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, CHANNELS + path, body, headers or {})
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, response.headers["Allow"], json.loads(text)
        finally:
            connection.close()

    def short(channel):
        return {"name": channel, "url": f"{CHANNELS}/{channel}"}
    described = {"consensusRelation": "other", "status": "active"}
    assert ask("GET") == (200, None, {"systemChannel": short(SYSTEM_CHANNEL),
                                      "channels": [short(name)]})
    assert ask("GET", f"/{name}") == (200, None, short(name) | described | {"height": 1})
    # A channel is there a moment before the block that creates it.
    wait_for(lambda: ask("GET", f"/{SYSTEM_CHANNEL}")[2]["height"] > 1, "the block is written")
    assert ask("GET", f"/{SYSTEM_CHANNEL}") == (
        200, None, short(SYSTEM_CHANNEL) | described | {"height": 2})
    block = (FIXTURES / "blocks/app-raft-v20.block").read_bytes()
    form = (b'--x\r\nContent-Disposition: form-data; name="config-block"; filename="b"\r\n\r\n'
            + block + b"\r\n--x--\r\n")
    assert ask("POST", "", form, {"Content-Type": "multipart/form-data; boundary=x"}) == (
        405, "GET", {"error": "cannot join: system channel exists"})
    assert ask("DELETE", f"/{name}") == (405, "GET", {"error": "cannot remove: system channel exists"})
    assert ask("DELETE", "/nothere") == (405, "GET", {"error": "cannot remove: system channel exists"})
    assert ask("DELETE", f"/{SYSTEM_CHANNEL}") == (
        400, None, {"error": f"cannot remove: cannot remove solo system channel: {SYSTEM_CHANNEL}"})
    assert node.broadcast(envelope(name, org_user(1), b"data")) == ["SUCCESS"]
