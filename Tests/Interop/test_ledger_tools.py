"""`orderer ledger` tells the truth about a folder, also while a node writes to it."""

import json
import subprocess

from fabric_protos.common import common_pb2
from harness import SYSTEM_CHANNEL, Sender, envelope, orderer_admin, org_user, wait_for


def ledger(executable, orderer, *arguments):
    """(exit status, standard output) of a subcommand on the orderer's folder."""
    done = subprocess.run(
        [executable, "ledger", *arguments, "--ledger", orderer.directory / "ledger"],
        capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_tools_on_a_running_node(executable, orderer, tmp_path):
    """Heights, signatures and exported blocks are right while the node orders."""
    channel, user = orderer.create_channel(), org_user(1)
    sender = Sender(orderer, [envelope(channel, user, bytes(1000)).SerializeToString()
                              for _ in range(1000)])
    sender.start()
    while sender.is_alive():
        status, output, error = ledger(executable, orderer, "verify", "--json")
        assert status == 0, (output, error)
    sender.join()

    def whole():
        now = orderer.height(channel, user)
        blocks, _ = orderer.deliver(channel, user, 1, now - 1)
        return sum(len(block.data.data) for block in blocks) == 1000 and now
    height = wait_for(whole, "all blocks")
    reports = {each["channel"]: each for each in
               json.loads(ledger(executable, orderer, "verify", "--json")[1])}
    assert set(reports) == {channel, SYSTEM_CHANNEL}
    assert reports[channel]["blocks"] == height
    assert reports[channel]["validSignatures"] == height - 1
    listed = json.loads(ledger(executable, orderer, "list", "--json")[1])
    assert {each["channel"]: each["height"] for each in listed}[channel] == height
    info = json.loads(ledger(executable, orderer, "info", channel, "--json")[1])
    assert info["height"] == height and info["configuration"]["consensusType"] == "solo"
    shown = json.loads(ledger(executable, orderer, "show", channel, "newest", "--json")[1])
    assert shown["number"] == height - 1 and shown["hash"] == info["lastBlockHash"]
    assert shown["transactions"][0]["creator"] == "Org1MSP"
    assert "ENDORSER_TRANSACTION" in ledger(executable, orderer, "show", channel, "1")[1]
    status, _, error = ledger(executable, orderer, "export", channel, "--from", "1", "--to", "5",
                              "--output", tmp_path / "out")
    assert status == 0, error
    blocks, _ = orderer.deliver(channel, user, 1, 5)
    for block in blocks:
        path = tmp_path / f"out/{channel}_{block.header.number}.block"
        assert common_pb2.Block.FromString(path.read_bytes()) == block


def test_tools_on_a_damaged_folder(executable, orderer):
    """A changed bit is reported with file, offset and block, and ends with status 1."""
    channel, user = orderer.create_channel(), org_user(1)
    for index in range(20):
        assert orderer.broadcast(envelope(channel, user, b"%d" % index)) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, user) >= 2, "a block")
    orderer.stop()
    path = orderer.directory / "ledger/chains" / channel / "blockfile_000000"
    data = bytearray(path.read_bytes())
    shown = json.loads(ledger(executable, orderer, "show", channel, "1", "--json")[1])
    data[shown["offset"] + 200] ^= 1
    path.write_bytes(data)
    status, output, _ = ledger(executable, orderer, "verify", channel)
    assert status == 1
    assert f"block 1, {path} at offset {shown['offset']}: the block's data does not match" in output
    status, _, error = ledger(executable, orderer, "show", "nothere", "0")
    assert status == 1 and "there is no channel nothere" in error


def test_damage_under_a_running_node(orderer):
    """A damaged block is not served, its channel halts with the reason, and the other goes on."""
    channel, user = orderer.create_channel(), org_user(1)
    blocks = 30
    for index in range(blocks):
        assert orderer.broadcast(envelope(channel, user, bytes(60_000 + index))) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, user) > blocks // 2, "the blocks")
    orderer.stop()
    orderer.start()
    path = orderer.directory / "ledger/chains" / channel / "blockfile_000000"
    data = path.read_bytes()
    with open(path, "r+b") as file:
        file.seek(len(data) // 2)
        file.write(bytes([data[len(data) // 2] ^ 1]))
    height = orderer.height(channel, user)
    found, status = orderer.deliver(channel, user, 0, height - 1)
    assert status in ("INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE")
    assert 0 < len(found) < height
    assert orderer.broadcast(envelope(channel, user, b"more")) == ["SERVICE_UNAVAILABLE"]
    assert f"block file {path} is damaged at offset" in orderer.log
    # What concerns the other channel works as before.
    assert orderer.process.poll() is None
    admin = orderer_admin()
    assert orderer.deliver(SYSTEM_CHANNEL, admin, 0, 1)[1] == "SUCCESS"
    assert orderer.broadcast(envelope(SYSTEM_CHANNEL, admin, b"more")) == ["SUCCESS"]
