"""The ledger folder changes hands between another orderer and ours, and back, with nothing lost.

Needs HEDDLE_RIVALS=1.4=PATH,2.5=PATH,3.1=PATH. Both order with solo in turn, only the other one with
etcdraft.
"""

import hashlib
import json
import shutil
import subprocess

import grpc
import pytest

from harness import (SYSTEM_CHANNEL, Orderer, envelope, org_user, payload_data, rivals, wait_for)
from raftorderer import RaftOrderer


def parameters(*versions):
    """The other orderers of these versions as parameters of a test."""
    pairs = [pytest.param(*each, id=each[0]) for each in rivals(*versions)]
    return pairs or [pytest.param("", "", marks=pytest.mark.skip("HEDDLE_RIVALS names no rival"))]


def verified(executable, orderer):
    """Heights by channel according to `orderer ledger verify`, which has to find no fault."""
    done = subprocess.run(
        [executable, "ledger", "verify", "--json", "--ledger", orderer.directory / "ledger"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = json.loads(done.stdout)
    assert all(each["validSignatures"] == each["blocks"] - 1 for each in reports), reports
    return {each["channel"]: each["blocks"] for each in reports}


def files(orderer):
    """Digests of everything in the orderer's folder but the index, its settings and its log."""
    ledger = orderer.directory / "ledger"
    return {str(path.relative_to(ledger)):
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in ledger.rglob("*") if path.relative_to(ledger).parts[0] != "index"}


class Chain:
    """What was ordered in a channel so far."""

    def __init__(self, name):
        self.name, self.user = name, org_user(1)
        self.data, self.blocks = [], []

    def height(self, orderer):
        """The height, 0 as long as the channel cannot be read."""
        try:
            return orderer.height(self.name, self.user)
        except grpc.RpcError:
            return 0

    def order(self, orderer, count):
        """Order messages, some of them alone, and check that all blocks are there, old and new."""
        wait_for(lambda: self.height(orderer) >= max(1, len(self.blocks)), "the channel is there")
        messages = [b"%d" % (len(self.data) + number) for number in range(count)]
        groups = [[data] for data in messages[:3]] + [messages[3:]]
        for group in groups:
            for data in group:
                message = envelope(self.name, self.user, data)
                wait_for(lambda: orderer.broadcast(message) == ["SUCCESS"],  # pylint: disable=W0640
                         "the message is taken")
            self.data += group
            wait_for(lambda: self.read(orderer)[1] == self.data, "the messages are in blocks")
        blocks, _ = self.read(orderer)
        assert blocks[:len(self.blocks)] == self.blocks
        self.blocks = blocks

    def read(self, orderer):
        """(serialized blocks, data of the messages in them)."""
        blocks, status = orderer.deliver(self.name, self.user, 0, self.height(orderer) - 1)
        assert status == "SUCCESS"
        data = [payload_data(each) for block in blocks[1:] for each in block.data.data]
        return [block.SerializeToString() for block in blocks], data


def hand_over(orderer, executable):
    """Start another executable on the folder of an orderer that was stopped."""
    orderer.executable = str(executable)
    orderer.start()


@pytest.mark.parametrize("version, path", parameters("1.", "2."))
def test_solo_is_ordered_in_turn(executable, tmp_path, version, path):
    """Either orderer serves all blocks of the other and orders on, with the index or without."""
    orderer = Orderer(path, tmp_path / "node", flavor=version)
    try:
        orderer.start()
        chain = Chain(orderer.create_channel("v14" if version == "1.4" else "v20"))
        chain.order(orderer, 20)
        for keeps_index in (True, False):
            for program in (executable, path):
                orderer.stop()
                heights = verified(executable, orderer)
                assert heights[chain.name] == len(chain.blocks)
                assert SYSTEM_CHANNEL in heights
                if not keeps_index:
                    shutil.rmtree(orderer.directory / "ledger/index")
                hand_over(orderer, program)
                chain.order(orderer, 10)
        orderer.stop()
        assert verified(executable, orderer)[chain.name] == len(chain.blocks)
    finally:
        orderer.stop(9)


@pytest.mark.parametrize("_version, path", parameters("2.5", "3."))
def test_a_raft_channel_is_left_as_it_is(executable, tmp_path, _version, path):
    """Ours does not order with etcdraft: it tells so, changes no file, and the other one goes on.

    That works with the index that ours has made, too.
    """
    orderer = RaftOrderer(path, tmp_path / "node")
    try:
        orderer.start()
        name, block = orderer.genesis()
        orderer.join(block)
        chain = Chain(name)
        chain.order(orderer, 20)
        for keeps_index in (True, False):
            orderer.stop()
            assert verified(executable, orderer) == {name: len(chain.blocks)}
            before = files(orderer)
            assert any(entry.startswith("etcdraft/wal/") for entry in before)
            if not keeps_index:
                shutil.rmtree(orderer.directory / "ledger/index")
            hand_over(orderer, executable)
            wait_for(lambda: orderer.deliver(name, chain.user, 0, 0)[1] == "SERVICE_UNAVAILABLE",
                     "it refuses")
            message = envelope(name, chain.user, b"refused")
            assert orderer.broadcast(message) == ["SERVICE_UNAVAILABLE"]
            assert "Error retrieving consenter of type: etcdraft" in orderer.log
            orderer.stop()
            assert files(orderer) == before
            hand_over(orderer, path)
            chain.order(orderer, 10)
        orderer.stop()
        assert verified(executable, orderer) == {name: len(chain.blocks)}
    finally:
        orderer.stop(9)
