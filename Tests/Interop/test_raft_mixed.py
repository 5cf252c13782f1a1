"""Raft channels that nodes of several releases order together under load.

HEDDLE_RIVALS=1.4=PATH,2.5=PATH,3.1=PATH names the others; a mix with one that is not named is skipped. Go 1.4 and 3.1 are
in no group together: the one knows channels only that are created through a system channel, the other none that are.
"""

import os
import random
import signal
import time

import grpc
import pytest
from fabric_protos.orderer import configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from configupdates import change_value, config_block, config_of, difference, signed
from harness import free_port, wait_for
from raftmix import OURS, RELEASES, Load, MixedGroup, messages
from raftorderer import NODES

# How long each mix is under load; a round of kills more may be needed until each kind has led.
SECONDS = float(os.environ.get("HEDDLE_MIX_SECONDS", "20"))
MIXES = ["ours,ours,1.4", "ours,1.4,1.4", "ours,1.4,2.5", "ours,2.5,2.5", "ours,ours,2.5",
         "ours,2.5,3.1", "ours,3.1,3.1", "ours,ours,3.1"]


def named(*mixes):
    """Parameters: each mix as its kinds, skipped if not all of them are named."""
    return [pytest.param(
        mix.split(","), id=mix.replace(",", "+"),
        marks=[] if set(mix.split(",")) <= {OURS, *RELEASES}
        else pytest.mark.skip("HEDDLE_RIVALS does not name all kinds")) for mix in mixes]


@pytest.fixture(name="make_group")
def fixture_make_group(executable, tmp_path):
    """A function that makes a group of nodes of these kinds."""
    made = []

    def make(kinds, **options):
        made.append(MixedGroup(executable, kinds, tmp_path, **options))
        return made[-1]
    yield make
    for group in made:
        group.stop()


@pytest.mark.parametrize("kinds", named("ours,ours,ours", *MIXES))
def test_every_kind_leads_and_every_node_is_killed_under_load(make_group, kinds):
    """What our nodes have accepted is in one block, and all nodes have the same blocks."""
    group = make_group(kinds)
    led = {group.wait_leader().kind}
    load = Load(group)
    end = time.monotonic() + SECONDS
    rounds = elections = 0
    while time.monotonic() < end or not led >= set(kinds):
        assert rounds < SECONDS + 60, f"only {led} have led"
        leader = group.wait_leader()
        # Every other time whoever leads, so that another kind may.
        victim = leader if rounds % 2 == 0 else random.choice(group.nodes)
        victim.kill()
        elections += victim is leader
        led.add(group.wait_leader().kind)
        time.sleep(random.uniform(0, 3))
        victim.start()
        group.catch_up(victim)
        rounds += 1
    load.end()
    blocks = group.settle()
    print(f"\n{'+'.join(kinds)}: {rounds} kills, {elections} of them of the leader; led: {sorted(led)}; "
          f"{len(blocks)} blocks; {load.check(blocks)}")


@pytest.mark.parametrize("kinds", named("1.4,1.4,1.4", "2.5,2.5,2.5", "3.1,3.1,3.1"))
def test_nodes_are_replaced_by_ours_and_back_under_load(make_group, kinds):
    """One after another, on the same folders, there by an orderly stop and back by a kill."""
    group = make_group(kinds)
    group.wait_leader()
    load = Load(group)
    for kind, end in [(OURS, lambda node: node.stop()), (kinds[0], lambda node: node.kill()),
                      (OURS, lambda node: node.kill()), (kinds[0], lambda node: node.stop())]:
        for node in group.nodes:
            time.sleep(SECONDS / 20)
            end(node)
            group.wait_leader()
            node.become(kind).start()
            group.catch_up(node)
    load.end()
    blocks = group.settle()
    print(f"\n{kinds[0]} and back: {len(blocks)} blocks; {load.check(blocks)}")


@pytest.mark.parametrize("kinds", named("ours,ours,ours", *MIXES))
def test_consenters_change_through_every_node_whoever_leads(make_group, kinds):
    """A fourth consenter, which does not run, is added and removed."""
    group = make_group(kinds)
    certificate = (NODES / "node4/tls/server.crt").read_bytes()
    consenter = raft_pb2.Consenter(host="127.0.0.1", port=free_port(), client_tls_cert=certificate,
                                   server_tls_cert=certificate)
    changes = 0
    for kind in sorted(set(kinds)):
        for node in group.nodes:
            leader = group.lead_by(kind)
            # Go's later releases refuse what they cannot judge: Go 1.4 does not tell who is alive.
            if leader.kind == "1.4" and node.kind not in (OURS, "1.4"):
                continue
            set_consenters(group, node, lambda raft: raft.consenters.append(consenter))
            set_consenters(group, node, lambda raft: raft.consenters.pop())
            data = b"%d" % changes
            group.submit(node, data)
            wait_for(lambda: data in messages(group.blocks(node)),  # pylint: disable=W0640
                     "the message is in a block", 90)
            changes += 2
    blocks = group.settle()
    assert sum(data.isdigit() for data in messages(blocks)) * 2 == changes


def newest_config(group, node):
    """The newest config block of a node; None while it serves none."""
    try:
        return config_block(node, group.name)
    except (IndexError, grpc.RpcError):
        return None


def set_consenters(group, node, change):
    """Change the consenters through a node, and wait until every node has the new ones."""
    before = wait_for(lambda: newest_config(group, node), "the node serves", 90)

    def change_root(root):
        def change_type(kind):
            raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
            change(raft)
            kind.metadata = raft.SerializeToString()
        change_value(root.groups["Orderer"], "ConsensusType", configuration_pb2.ConsensusType,
                     change_type)

    def is_known(each):
        block = newest_config(group, each)
        return block and block.header.number > before.header.number
    message = signed(difference(group.name, config_of(before), change_root))
    for _ in range(5):
        wait_for(lambda: node.broadcast(message) == ["SUCCESS"], "the update is accepted", 90)
        try:
            wait_for(lambda: is_known(node), "the update is in a block", 30)
            break
        except TimeoutError:
            # Go's leaders drop an update that they get while they have not heard of all followers.
            assert group.wait_leader().kind != OURS
            print(f"an update by way of {node.kind} was dropped")
    for each in group.running():
        wait_for(lambda: is_known(each),  # pylint: disable=W0640
                 f"{each.kind} at {each.address} has the update", 90)


@pytest.mark.parametrize("kinds", named(*MIXES))
def test_nodes_of_every_kind_catch_up_past_snapshots(make_group, kinds):
    """Each sleeps until what it misses is in no log any more, while nodes of every kind lead the others."""
    group = make_group(kinds, snapshot_interval_size=1, max_message_count=1)
    for kind in sorted(set(kinds)):
        for sleeper in group.nodes:
            if kinds.count(kind) == 1 and sleeper.kind == kind:
                continue
            group.lead_by(kind)
            sleeper.process.send_signal(signal.SIGSTOP)
            leader = wait_for(
                lambda: next((node for node in group.nodes if node is group.leader()
                              and node is not sleeper), None),  # pylint: disable=W0640
                "another node leads", 90)
            for number in range(40):
                group.submit(leader, b"%d" % number)
            known = sleeper.log.count("Catching up with snapshot")
            sleeper.process.send_signal(signal.SIGCONT)
            group.catch_up(sleeper)
            assert sleeper.log.count("Catching up with snapshot") > known, sleeper.kind
    group.settle()
