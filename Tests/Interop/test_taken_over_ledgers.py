"""The ledger folder changes hands between another orderer and ours, and back, with nothing lost.

Needs HEDDLE_RIVALS=1.4=PATH,2.5=PATH,3.1=PATH. Both order in turn, with solo and with etcdraft.
"""

import json
import shutil
import signal
import subprocess
import threading
import time

import grpc
import pytest
from fabric_protos.common import common_pb2

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

    def adopt(self, orderer, sent):
        """Take what was sent meanwhile: in the order in which it was sent, none of it twice."""
        # What the log has and the ledger lacked comes before it.
        last = b"%d after load" % len(self.data)
        message = envelope(self.name, self.user, last)
        wait_for(lambda: self.height(orderer) >= len(self.blocks), "the channel is there")
        wait_for(lambda: orderer.broadcast(message) == ["SUCCESS"], "the message is taken")
        wait_for(lambda: self.read(orderer)[1][-1] == last, "the message is in a block")
        blocks, data = self.read(orderer)
        assert blocks[:len(self.blocks)] == self.blocks
        assert data[:len(self.data)] == self.data
        added = data[len(self.data):]
        assert added == [each for each in [*sent, last] if each in set(added)]
        self.blocks, self.data = blocks, data

    def read(self, orderer):
        """(serialized blocks, data of the messages in them)."""
        blocks, status = orderer.deliver(self.name, self.user, 0, self.height(orderer) - 1)
        assert status == "SUCCESS"
        data = [payload_data(each) for block in blocks[1:] for each in block.data.data]
        return [block.SerializeToString() for block in blocks], data


class Load(threading.Thread):
    """Sends messages one after the other until it is told to finish or the connection breaks."""

    def __init__(self, orderer, chain):
        super().__init__(daemon=True)
        self.orderer, self.chain = orderer, chain
        self.sent = []
        self.is_over = False

    def run(self):
        while not self.is_over:
            batch = [b"%d under load" % (len(self.chain.data) + len(self.sent) + number)
                     for number in range(20)]
            self.sent += batch
            try:
                self.orderer.broadcast(
                    *[envelope(self.chain.name, self.chain.user, each) for each in batch])
            except grpc.RpcError:
                return

    def finish(self):
        """Return once nothing more is sent."""
        self.is_over = True
        self.join()


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("_version, path", parameters("2.5", "3."))
def test_raft_is_ordered_in_turn(executable, tmp_path, _version, path, number):
    """A Raft channel of one node changes hands with its log and snapshots, stopped or killed under load."""
    orderer = RaftOrderer(path, tmp_path / "node")
    try:
        orderer.start()
        name, block = orderer.genesis()
        orderer.join(block)
        chain = Chain(name)
        for program in (path, executable) * 3 + (path,):
            hand_over(orderer, program)
            chain.order(orderer, 20)
            load = Load(orderer, chain)
            load.start()
            time.sleep(1)
            if number == signal.SIGTERM:
                load.finish()
            orderer.stop(number)
            load.finish()
            hand_over(orderer, program)
            chain.adopt(orderer, load.sent)
            orderer.stop(number)
        assert verified(executable, orderer) == {name: len(chain.blocks)}
        for words in ("put aside", "does not follow", "damaged"):
            assert words not in orderer.log
    finally:
        orderer.stop(9)


@pytest.mark.parametrize("_version, path", parameters("2.5", "3."))
def test_joins_and_removals_change_hands(executable, tmp_path, _version, path):
    """What either orderer has joined or begun to remove, the other one knows, goes on with and can leave."""
    node = RaftOrderer(path, tmp_path / "node")
    name, first = node.genesis()
    later = common_pb2.Block.FromString(first.SerializeToString())
    later.header.number = 3

    def leave():
        assert node.ask("DELETE", f"/{name}")[0] == 204
        wait_for(lambda: node.info(name) is None, "the channel is gone")
    try:
        node.start()
        for here, there in ((path, executable), (executable, path)):
            for block in (later, first):
                node.stop()
                hand_over(node, here)
                node.join(block)
                described = node.info(name)
                node.stop()
                hand_over(node, there)
                wait_for(lambda: node.info(name) == described,  # pylint: disable=W0640
                         "the other one knows the channel")
                leave()
        node.join(first)
        node.stop()
        removals = node.directory / "ledger/pendingops/remove"
        (removals / f"{name}.remove").touch()
        hand_over(node, executable)
        assert node.channels() == [] and not list(removals.iterdir())
    finally:
        node.stop(9)
