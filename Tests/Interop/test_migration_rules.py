"""What orderers answer to changes that the way from one consensus type to another does not allow.

The answers were recorded from Go's orderer 2.5.16. HEDDLE_RIVALS=2.5=PATH asks it again.
"""

import json
import subprocess

import pytest
from fabric_protos.common import configuration_pb2, policies_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2

from channelclient import submit
from configupdates import change_value, difference, signed
from harness import SYSTEM_CHANNEL, creation, envelope, orderer_admin, org_user, rivals, wait_for
from migration import APPLICATION_CHANNEL, MAINTENANCE, NODES, NORMAL, Network

CHECKS = ("config update for existing channel did not pass maintenance checks: config transaction "
          "inspection failed: ")
NOT_IN_MAINTENANCE = "but current config ConsensusType.State is not in maintenance mode"
ENTERING = "but ConsensusType.State is changing from STATE_NORMAL to STATE_MAINTENANCE"
LEAVING = "but ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL"
MORE_THAN_TYPE = ("config update contain more then just the ConsensusType value in the Orderer "
                  "group")
OTHERS = rivals("2.5")
EXECUTABLES = [pytest.param(None, id="ours")] + [
    pytest.param(path, id=version) for version, path in OTHERS]


# Edits of a configuration's root group.

def consensus(**changes):
    """An edit of the consensus type: type, state and metadata."""
    def edit(root):
        def apply(kind):
            for name, value in changes.items():
                setattr(kind, name, value)
        change_value(root.groups["Orderer"], "ConsensusType", orderer_pb2.ConsensusType, apply)
    return edit


def batch_size(root):
    """One more message in a block."""
    def more(size):
        size.max_message_count += 1
    change_value(root.groups["Orderer"], "BatchSize", orderer_pb2.BatchSize, more)


def add_address(group, name):
    """One more address in a group."""
    change_value(group, name, configuration_pb2.OrdererAddresses,
                 lambda addresses: addresses.addresses.append("elsewhere:7050"))


def channel_address(root):
    """One more address of the channel."""
    add_address(root, "OrdererAddresses")


def organization_address(root):
    """One more address of an organization."""
    add_address(root.groups["Orderer"].groups["OrdererOrg"], "Endpoints")


def consortium(root):
    """Another policy of a consortium."""
    value = root.groups["Consortiums"].groups["SampleConsortium"].values["ChannelCreationPolicy"]
    value.value = policies_pb2.Policy(
        type=policies_pb2.Policy.IMPLICIT_META,
        value=policies_pb2.ImplicitMetaPolicy(
            sub_policy="Writers", rule=policies_pb2.ImplicitMetaPolicy.ANY).SerializeToString()
    ).SerializeToString()


def raft(count=1, certificate=None, **options):
    """Metadata of Raft with the first nodes of the fixtures as its consenters."""
    metadata = raft_pb2.ConfigMetadata()
    for number in range(1, count + 1):
        own = certificate or (NODES / f"node{number}/tls/server.crt").read_bytes()
        metadata.consenters.add(host="127.0.0.1", port=7050 + number, client_tls_cert=own,
                                server_tls_cert=own)
    metadata.options.CopyFrom(raft_pb2.Options(
        **{"tick_interval": "200ms", "election_tick": 10, "heartbeat_tick": 1,
           "max_inflight_blocks": 5, "snapshot_interval_size": 16 << 20, **options}))
    return metadata.SerializeToString()


def ask(network, channel, *edits, signers=None, sender=None, running=None):
    """(status, information) of an update. Ours has to foretell it.

    `running` is the type that is still ordered with, before the restart.
    """
    def edit(root):
        for each in edits:
            each(root)
    update = difference(channel, network.config(channel), edit)
    message = signed(update, signers, sender)
    report = foretell(network.nodes[0], message, running)
    status, info = submit(network.nodes[0], message)
    if report:
        assert report["isAccepted"] == (status == "SUCCESS"), (report, info)
        refusals = [(check["status"], check["reason"]) for check in report["checks"]
                    if not check["isPassed"]]
        assert not refusals or any(
            (status, info[-len(reason):]) == (code, reason) for code, reason in refusals), (
                refusals, info)
    return status, info


def foretell(node, message, running=None):
    """What `orderer config check-update` says; None if the node is another program."""
    if node.executable in [path for _, path in OTHERS]:
        return None
    path = node.directory / "update.pb"
    path.write_bytes(message.SerializeToString())
    done = subprocess.run(
        [node.executable, "config", "check-update", path, "--json", "--ledger",
         node.directory / "ledger", *(["--running", running] if running else [])], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["isAccepted"] else 1), done.stderr
    return report


def ask_once_in_force(network, channel, *edits, running=None):
    """As `ask`; waits for the block of an update that is accepted."""
    node, admin = network.nodes[0], orderer_admin()
    before = node.height(channel, admin)
    answer = ask(network, channel, *edits, running=running)
    if answer[0] == "SUCCESS":
        wait_for(lambda: node.height(channel, admin) > before, "the update is in a block")
    return answer


TO_RAFT = consensus(type="etcdraft", metadata=raft())
# Edits, and the reason of the refusal.
IN_NORMAL_STATE = [
    ([TO_RAFT], f"attempted to change consensus type from solo to etcdraft, {NOT_IN_MAINTENANCE}"),
    ([consensus(type="paxos")],
     f"attempted to change consensus type from solo to paxos, {NOT_IN_MAINTENANCE}"),
    ([TO_RAFT, consensus(state=MAINTENANCE)],
     f"attempted to change ConsensusType.Type from solo to etcdraft, {ENTERING}"),
    ([consensus(metadata=raft(), state=MAINTENANCE)],
     f"attempted to change ConsensusType.Metadata, {ENTERING}"),
    ([batch_size, consensus(state=MAINTENANCE)], MORE_THAN_TYPE),
    ([batch_size, consensus(state=7)], MORE_THAN_TYPE),
    ([channel_address, consensus(state=MAINTENANCE)],
     "config update contains changes to values in group Channel"),
    ([consortium, consensus(state=MAINTENANCE)],
     "config update contains changes to more than one group"),
    ([organization_address, consensus(state=MAINTENANCE)],
     "config update contains changes to groups within the Orderer group"),
]
IN_MAINTENANCE = [
    ([TO_RAFT, consensus(state=NORMAL)],
     f"attempted to change ConsensusType.Type from solo to etcdraft, {LEAVING}"),
    ([consensus(metadata=raft(), state=NORMAL)],
     f"attempted to change ConsensusType.Metadata, {LEAVING}"),
    ([batch_size, consensus(state=NORMAL)], MORE_THAN_TYPE),
    ([consensus(type="paxos")],
     "attempted to change consensus type from solo to paxos, transition not supported"),
    ([consensus(type="BFT")],
     "attempted to change consensus type from solo to BFT, transition not supported"),
    ([consensus(type="etcdraft", metadata=b"\xff")],
     "failed to unmarshal etcdraft metadata configuration: proto: cannot parse invalid wire-format "
     "data"),
]
INVALID = ("error applying config update to existing channel 'moving': consensus metadata update for "
           "channel config update is invalid: ")


@pytest.fixture(name="network", params=EXECUTABLES)
def fixture_network(request, executable, tmp_path):
    """A node of solo."""
    network = Network("solo", [request.param or executable], tmp_path).start()
    yield network
    network.stop()


def refuses(network, cases):
    """Every update is refused, for its reason."""
    for edits, reason in cases:
        status, info = ask(network, SYSTEM_CHANNEL, *edits)
        # Go's protobuf library puts either kind of space there.
        assert (status, info.replace("\xa0", " ")) == ("BAD_REQUEST", CHECKS + reason)


def test_updates_that_are_refused(network):
    """Neither in normal state nor in maintenance mode does anything change that must not."""
    refuses(network, IN_NORMAL_STATE)
    network.enter_maintenance()
    refuses(network, IN_MAINTENANCE)


def test_maintenance_mode(network):
    """It is for orderers' organizations alone, and for nothing but configuration."""
    network.enter_maintenance()
    node = network.nodes[0]
    for channel, user in [(APPLICATION_CHANNEL, org_user(1)), (SYSTEM_CHANNEL, orderer_admin()),
                          (APPLICATION_CHANNEL, org_user(3))]:
        assert submit(node, envelope(channel, user, b"x")) == (
            "SERVICE_UNAVAILABLE", "normal transactions are rejected: maintenance mode")
    assert submit(node, creation("another")) == (
        "SERVICE_UNAVAILABLE", "channel creation is not permitted: maintenance mode")
    assert ask(network, APPLICATION_CHANNEL, batch_size, sender=org_user(1, "admin")) == (
        "FORBIDDEN",
        "config update for existing channel did not pass initial checks: implicit policy evaluation "
        "failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' "
        "sub-policies to be satisfied: permission denied")
    assert node.deliver(APPLICATION_CHANNEL, org_user(1), 0, 0) == ([], "FORBIDDEN")
    assert node.deliver(APPLICATION_CHANNEL, orderer_admin(), 0, 0)[1] == "SUCCESS"
    assert ask(network, APPLICATION_CHANNEL, batch_size)[0] == "SUCCESS"


def test_a_raft_channel_keeps_its_type_and_its_consenters_in_order(network):
    """Once it is there, nothing leads back in normal state, and metadata are checked."""
    network.enter_maintenance()
    network.move()
    network.restart()
    network.up()
    network.leave_maintenance()
    for channel in network.channels:
        assert ask(network, channel, consensus(type="kafka")) == (
            "BAD_REQUEST",
            f"{CHECKS}attempted to change consensus type from etcdraft to kafka, "
            f"{NOT_IN_MAINTENANCE}")
    consenters = network.metadata()
    for metadata, reason in [
            (raft_pb2.ConfigMetadata(consenters=consenters.consenters),
             "invalid new config metadata: nil Raft config metadata options"),
            (raft_pb2.ConfigMetadata(options=consenters.options),
             "invalid new config metadata: empty consenter set"),
            (network.metadata(election_tick=1),
             "invalid new config metadata: ElectionTick (1) must be greater than HeartbeatTick (1)"),
            (raft_pb2.ConfigMetadata.FromString(raft(3)),
             "update of more than one consenter at a time is not supported, requested changes: add 2 "
             "node(s), remove 0 node(s)")]:
        assert ask(network, APPLICATION_CHANNEL, consensus(
            metadata=metadata.SerializeToString())) == ("BAD_REQUEST", INVALID + reason)


# What follows is refused by ours and not by Go's.

@pytest.fixture(name="ours")
def fixture_ours(executable, tmp_path):
    """A node of ours, of solo, in maintenance mode."""
    network = Network("solo", [executable], tmp_path).start()
    network.enter_maintenance()
    yield network
    network.stop()


def test_types_that_nothing_leads_to_are_refused(ours):
    """From solo only Raft can be reached, and from Raft nothing, even in maintenance mode."""
    refusal = "attempted to change consensus type from {} to {}, transition not supported"
    status, info = ask(ours, APPLICATION_CHANNEL, consensus(type="kafka"))
    assert status == "BAD_REQUEST" and info.endswith(refusal.format("solo", "kafka"))
    ours.move()
    ours.restart()
    ours.up()
    for kind in ("kafka", "solo"):
        for metadata in (b"", ours.metadata().SerializeToString()):
            status, info = ask(ours, APPLICATION_CHANNEL, consensus(type=kind, metadata=metadata))
            assert status == "BAD_REQUEST" and info.endswith(refusal.format("etcdraft", kind))
    ours.leave_maintenance()
    ours.submit_everywhere()
    ours.settle()


def test_metadata_that_no_node_could_begin_with_are_refused(ours):
    """Go's would change the type, and end at the restart."""
    for metadata, reason in [
            (b"", "invalid new config metadata: nil Raft config metadata options"),
            (raft_pb2.ConfigMetadata(options=ours.metadata().options).SerializeToString(),
             "invalid new config metadata: empty consenter set"),
            (raft(certificate=b"none"), "has invalid certificate: parsing tls client cert"),
            (raft(certificate=org_user(1).cert), "x509: certificate signed by unknown authority")]:
        status, info = ask(ours, APPLICATION_CHANNEL, consensus(type="etcdraft", metadata=metadata))
        assert status == "BAD_REQUEST" and reason in info
        assert info.startswith("config update for existing channel did not pass maintenance checks: ")


def test_before_the_restart_there_is_a_way_back(ours):
    """The type can change back, and only then does the channel leave maintenance mode."""
    ours.move()
    for channel in ours.channels:
        status, info = ask(ours, channel, consensus(state=NORMAL), running="solo")
        assert status == "SERVICE_UNAVAILABLE", info
        assert "this orderer still orders the channel with solo" in info
        assert ask_once_in_force(ours, channel, consensus(type="solo", metadata=b""),
                                 running="solo")[0] == "SUCCESS"
    assert "restart all orderers" in ours.nodes[0].log
    ours.leave_maintenance()
    ours.submit_everywhere()
    ours.settle()
    ours.restart()
    ours.up()
    ours.submit_everywhere()
    ours.settle()
