"""Ways out of disasters of Raft channels: a majority that is lost for good, backups, wiped disks, forked chains.

HEDDLE_RIVALS=2.5=PATH,3.1=PATH names other orderers, whose folders are recovered and who lead the restored node.
"""

import os
import re
import shutil
import signal
import subprocess

import grpc
import pytest
from fabric_protos.common import common_pb2
from harness import rivals, wait_for
from raftorderer import RaftOrderer
from test_consenters import Members
from test_raft_cluster import Group

RIVALS = [pytest.param(path, id=version) for version, path in rivals("2.5", "3.1")]
OTHERS = [pytest.param(None, id="ours")] + RIVALS


class Channel(Members):
    """Three nodes that order a channel, and perhaps a fourth that is going to."""

    def __init__(self, executables, directory):  # pylint: disable=super-init-not-called
        self.group = Group(executables, directory)
        self.name = self.group.name
        self.fourth = None

    def stop(self):
        """End all processes."""
        for node in [*self.group.nodes, *filter(None, [self.fourth])]:
            node.stop(signal.SIGKILL)

    def blocks(self, node):
        """Header and data of the blocks that a node gives to whoever does not mind that its channel is in error."""
        try:
            height = node.height(self.name, self.group.user, best_effort=True)
            blocks, _ = node.deliver(self.name, self.group.user, 0, height - 1, best_effort=True)
        except grpc.RpcError:
            return []
        return [(block.header.SerializeToString(), block.data.SerializeToString())
                for block in blocks]

    def consenters(self, *nodes):
        """Change the consenters to these nodes, by one update; the nodes keep their places."""
        def change(consenters):
            known = {each.server_tls_cert: each for each in consenters}
            wanted = {node.certificate: node for node in nodes}
            for certificate in set(known) - set(wanted):
                consenters.remove(known[certificate])
            for certificate in set(wanted) - set(known):
                consenters.add(host="127.0.0.1", port=wanted[certificate].port,
                               client_tls_cert=certificate, server_tls_cert=certificate)
        self.set_consenters(change)


def recover(executable, node, channel, *arguments):
    """(exit status, standard output, standard error) of `orderer raft recover` on a node's folders."""
    done = subprocess.run(
        [executable, "raft", "recover", channel, *arguments], capture_output=True, text=True,
        timeout=120, check=False, stdin=subprocess.DEVNULL, cwd=node.directory,
        env=os.environ | {"FABRIC_CFG_PATH": str(node.directory)})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="make_channel")
def fixture_make_channel(tmp_path):
    """A function that makes a channel of nodes with these executables."""
    made = []

    def make(executables):
        made.append(Channel(executables, tmp_path))
        return made[-1]
    yield make
    for channel in made:
        channel.stop()


@pytest.mark.parametrize("others", OTHERS)
def test_the_only_survivor_goes_on(executable, make_channel, others, tmp_path):
    """It orders, removes the dead, takes in a new node, and may be handed to another orderer."""
    channel = make_channel([others or executable] * 3)
    first, *lost = channel.group.nodes
    wait_for(channel.group.leader, "there is a leader", 90)
    channel.group.submit(first)
    channel.group.settle()

    status, _, error = recover(executable, first, channel.name, "--confirm", channel.name)
    assert status == 1 and ("in use by another" in error or "is running on" in error)
    for node in channel.group.nodes:
        node.stop(signal.SIGKILL)
    for node in lost:
        shutil.rmtree(node.directory)
    files = sorted(path for path in (first.directory / "ledger/etcdraft").rglob("*"))
    for arguments in [[], ["--confirm", "another"], ["--voters", "2"], ["--node", "9"]]:
        status, output, error = recover(executable, first, channel.name, *arguments)
        assert status == 1 and "error:" in error
    assert recover(executable, first, channel.name, "--dry-run")[0] == 0
    assert sorted(path for path in (first.directory / "ledger/etcdraft").rglob("*")) == files

    status, output, error = recover(executable, first, channel.name, "--confirm", channel.name)
    assert status == 0, error
    assert "1 127.0.0.1" in output and output.count("IS GIVEN UP") == 2
    first.executable = executable
    first.start()
    channel.group.submit(first)
    channel.consenters(first, lost[0])
    channel.consenters(first)
    assert channel.consenter_ids() == [1]

    channel.fourth = RaftOrderer(executable, tmp_path / "node4", 4).start()
    channel.consenters(first, channel.fourth)
    channel.fourth.join(channel.config_block())
    channel.becomes("consenter")
    channel.orders()
    assert channel.consenter_ids() == [1, 4]
    channel.group.nodes = [first, channel.fourth]
    if others:
        first.stop()
        first.executable = others
        first.start()
        for node in channel.group.nodes:
            channel.group.submit(node)
        channel.group.settle()
    messages = [each for each in channel.group.messages(first) if each.isdigit()]
    assert sorted(messages, key=int) == channel.group.sent


def forget(node, *names):
    """Delete what is in these folders of a node's ledger."""
    for name in names:
        shutil.rmtree(node.directory / "ledger" / name)


def bring_back(node, backup, *names):
    """Put back what a backup has of these folders."""
    forget(node, *names)
    for name in names:
        shutil.copytree(backup / name, node.directory / "ledger" / name)


LEDGER = ("chains", "index")
DISASTERS = {
    "old ledger and log": lambda node, backup: bring_back(node, backup, *LEDGER, "etcdraft"),
    "old ledger": lambda node, backup: bring_back(node, backup, *LEDGER),
    "old log": lambda node, backup: bring_back(node, backup, "etcdraft"),
    "no log": lambda node, backup: forget(node, "etcdraft/wal"),
    "no log and snapshots": lambda node, backup: forget(node, "etcdraft"),
    "no ledger": lambda node, backup: forget(node, *LEDGER),
    "nothing": lambda node, backup: forget(node, *LEDGER, "etcdraft"),
}


@pytest.mark.parametrize("disaster", DISASTERS)
@pytest.mark.parametrize("others", OTHERS[:2])
def test_a_node_that_has_lost_something_gets_all_blocks(
        executable, make_channel, others, disaster, tmp_path):
    """It never ends, has the same blocks as the others, and orders again once it was removed and added."""
    channel = make_channel([others or executable] * 2 + [executable])
    first, second, restored = channel.group.nodes
    # It may miss its removal, and has to find out then.
    restored.settings["Consensus"]["EvictionSuspicion"] = "5s"
    wait_for(channel.group.leader, "there is a leader", 90)
    genesis = first.deliver(channel.name, channel.group.user, 0, 0)[0][0]
    channel.group.submit(restored)
    channel.group.settle()
    restored.stop(signal.SIGKILL)
    shutil.copytree(restored.directory / "ledger", tmp_path / "backup")
    restored.start()
    channel.group.submit(restored, 10)
    channel.group.settle()

    restored.stop(signal.SIGKILL)
    DISASTERS[disaster](restored, tmp_path / "backup")
    restored.start()
    if not restored.info(channel.name):
        restored.join(genesis)
    for node in (first, second):
        channel.group.submit(node)
    wait_for(lambda: channel.blocks(restored) == channel.blocks(first) != [],
             "the restored node has all blocks", 120)
    restored.stop(signal.SIGKILL)
    restored.start()
    channel.group.submit(first)
    wait_for(lambda: channel.blocks(restored) == channel.blocks(first) != [],
             "the restored node has all blocks after a restart", 120)

    channel.consenters(first, second)
    wait_for(lambda: restored.info(channel.name)["consensusRelation"] == "follower",
             "the restored node follows", 120)
    channel.consenters(first, second, restored)
    wait_for(lambda: restored.info(channel.name)["consensusRelation"] == "consenter"
             and restored.info(channel.name)["status"] == "active",
             "the restored node is a consenter again", 120)
    channel.group.submit(restored)
    channel.group.settle()
    assert channel.consenter_ids() == [1, 2, 4]
    assert restored.process.poll() is None


def test_a_forked_chain_halts_with_both_hashes(executable, make_channel, tmp_path):
    """A node whose backup has other blocks tells so, and writes none; the others go on."""
    channel = make_channel([executable] * 3)
    first, _, third = channel.group.nodes
    wait_for(channel.group.leader, "there is a leader", 90)
    channel.group.submit(first)
    channel.group.settle()
    for node in channel.group.nodes:
        node.stop()
    shutil.copytree(third.directory / "ledger", tmp_path / "backup")
    # The third node goes on alone, and the two others do so without it.
    assert recover(executable, third, channel.name, "--confirm", channel.name)[0] == 0
    third.start()
    channel.group.submit(third, 3)
    third.stop()
    fork = tmp_path / "fork"
    shutil.copytree(third.directory / "ledger", fork)
    bring_back(third, tmp_path / "backup", *LEDGER, "etcdraft")
    channel.group.sent = channel.group.sent[:-3]
    for node in channel.group.nodes:
        node.start()
    channel.group.submit(first, 5)
    channel.group.settle()

    third.stop()
    bring_back(third, fork, *LEDGER)
    third.start()
    channel.group.submit(first)
    wait_for(lambda: f"orderer raft recover {channel.name}" in third.log, "the fork is told", 120)
    # Found in the log or among the blocks of others: either way with both hashes.
    assert re.search(r"has the hash [0-9a-f]{64} in the ledger and [0-9a-f]{64} in entry"
                     r"|blocks, the newest with the hash [0-9a-f]{64}.*[0-9a-f]{64}", third.log)
    blocks = channel.blocks(third)
    channel.group.submit(first)
    assert channel.blocks(third) == blocks
    assert third.process.poll() is None
    assert common_pb2.BlockHeader.FromString(blocks[-1][0]).number == len(blocks) - 1
