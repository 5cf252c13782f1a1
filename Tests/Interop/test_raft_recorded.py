"""Folders that Go's orderers left are gone on with by real nodes, and handed back where HEDDLE_RIVALS names that release.

HEDDLE_RAFT_VECTORS is the folder with the recordings. Groups listen where they did then: it stands in their channels.
"""

import hashlib
import json
import os
import pathlib
import subprocess

import pytest
from fabric_protos.common import common_pb2

from raftmix import OURS, RELEASES, MixedGroup, MixedNode, messages
from harness import org_user, wait_for

VECTORS = os.environ.get("HEDDLE_RAFT_VECTORS")
ARCHIVES = ["raft-single-v2.5.16", "raft-single-v2.5.16-killed", "raft-single-v3.1.5",
            "raft-single-v3.1.5-killed", "raft-group-v2.5.16-behind", "raft-group-v3.1.5-behind",
            "raft-group-v2.5.16-killed", "raft-gap-v2.5.16", "raft-segments-v2.5.16",
            "raft-system-v1.4.12", "raft-migrated-from-kafka-v2.5.16", "raft-oldsnap-v2.5.16"]

pytestmark = pytest.mark.skipif(not VECTORS, reason="no recorded folders")


class RecordedGroup(MixedGroup):
    """Nodes on the folders of an archive."""

    def __init__(self, own, archive, directory):  # pylint: disable=super-init-not-called
        path = pathlib.Path(VECTORS) / f"{archive}.tar.gz"
        subprocess.run(["tar", "-xzf", path, "-C", directory], check=True)
        record = json.loads((path.parent / "manifest.json").read_text())[path.name]
        self.user = org_user(1)
        self.release = record["release"][1:4]
        self.name = next(name for name in record["channels"] if name != "syschannel")
        self.hashes = record["channels"][self.name]["block_header_hashes"]
        boot_block = directory / "syschannel.block"
        removed = record.get("removed", {})
        self.nodes = []
        for number in range(1, 5):
            name = f"node{number}"
            if name not in record["nodes"] or name in str(removed):
                continue
            node = MixedNode(own, directory / name, number)
            if len(record["nodes"]) > 1:
                node.port = int(record["nodes"][name]["address"].rpartition(":")[2])
                node.address = f"127.0.0.1:{node.port}"
                node.settings["General"]["ListenPort"] = node.port
            node.settings["Consensus"] = {
                key: str(node.directory / "etcdraft" / folder)
                for key, folder in [("WALDir", "wal"), ("SnapDir", "snapshot")]}
            node.boot_block = boot_block if boot_block.exists() else None
            node.kinds.add(self.release)
            (node.directory / "orderer.log").unlink()
            self.nodes.append(node)

    def go_on(self, kind, mark):
        """Start all nodes as this kind, submit through each, and stop them; their blocks."""
        for node in self.nodes:
            node.become(kind).start()
        sent = [b"%s-%d" % (mark, node.number) for node in self.nodes]
        for node, data in zip(self.nodes, sent):
            wait_for(lambda: self.height(node), "the node serves", 120)  # pylint: disable=W0640
            self.submit(node, data)
        blocks = self.settle()
        wait_for(lambda: set(sent) <= set(messages(self.settle())), "all messages are in blocks", 90)
        blocks = self.settle()
        assert [messages(blocks).count(data) for data in sent] == [1] * len(sent)
        for node in self.nodes:
            assert node.stop() == (0 if kind == OURS else node.process.returncode)
        return blocks


@pytest.fixture(name="group", params=ARCHIVES)
def fixture_group(request, executable, tmp_path):
    """The nodes of an archive."""
    group = RecordedGroup(executable, request.param, tmp_path)
    yield group
    group.stop()


def header_hash(header):
    """The hash of a serialized block header, in hexadecimal."""
    header = common_pb2.BlockHeader.FromString(header)
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    parts = b"".join(bytes([tag]) + length(part) + part for tag, part in [
        (2, number), (4, header.previous_hash), (4, header.data_hash)])
    return hashlib.sha256(b"\x30" + length(parts) + parts).hexdigest()


def length(part):
    """The length of a DER element of fewer than 128 bytes."""
    assert len(part) < 128
    return bytes([len(part)])


def test_recorded_folders_are_gone_on_with_and_handed_back(group):
    """Nothing of what was recorded changes, and all nodes have the same blocks."""
    ours = group.go_on(OURS, b"ours")
    assert [header_hash(header) for header, _, _ in ours[:len(group.hashes)]] == group.hashes
    if group.release in RELEASES:
        theirs = group.go_on(group.release, b"theirs")
        assert theirs[:len(ours)] == ours
        again = group.go_on(OURS, b"again")
        assert again[:len(theirs)] == theirs
