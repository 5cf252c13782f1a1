"""What a node does when the disk fails while it begins something: a block file, a channel, or itself.

As in test_faults.py, the process is killed after each test and has to have lost nothing.
"""

import signal
import time

import grpc
import pytest
from channelclient import ChannelClient, submit
from faults import BLOCK_FILES, CREATE, HALF, INDEX, OPEN, READ, RENAME, SYNC, TRUNCATE, WRITE
from faults import FAILED, goes_on, stays_stopped
from harness import SYSTEM_CHANNEL, creation, orderer_admin, wait_for


# MARK: New block files

LARGE = 200_000


def fill_file(client):
    """Fill the first block file until less than half a megabyte of its 64 is left."""
    path = client.orderer.directory / "ledger/chains" / client.channel / "blockfile_000000"
    while (left := (64 << 20) - 400_000 - path.stat().st_size) > 100_000:
        client.submit_many(max(1, left // (LARGE + 3000)), LARGE)
        client.settle()


def test_new_block_file(node, faults, client, other):
    """A block file that cannot be made is tried again; one that may not be durable stops the channel."""
    fill_file(client)
    folder = f"*/ledger/chains/{client.channel}"
    for operations, path, error in [
            (CREATE, f"{folder}/blockfile_000001", "ENOSPC"),
            (CREATE | OPEN, f"{folder}/blockfile_000001", "EROFS"),
            (WRITE, f"{folder}/blockfile_000001", "EIO"),
            (SYNC | WRITE, INDEX, "EIO")]:
        with faults.failing(operations, path, error) as rule:
            reason = client.until_refused(LARGE)
            assert rule.hits > 0
            assert "blockfile_000001" in reason or "ledger/index" in reason
            client.read()
            if "index" not in path:
                goes_on(other)
        wait_for(client.accepts, "the channel resumes by itself")
        client.settle()
        node.stop(signal.SIGKILL)
        node.start()
        client.settle()
        files = sorted((node.directory / "ledger/chains" / client.channel).glob("blockfile_*"))
        if len(files) > 1:
            break
    assert len(files) == 2


def test_new_block_file_that_may_not_be_durable(node, faults, client, other):
    """A channel stops if the entry of its new block file could not be made durable."""
    fill_file(client)
    with faults.failing(SYNC, f"*/ledger/chains/{client.channel}", "EIO", times=1) as rule:
        reason = client.until_refused(LARGE)
        assert rule.hits == 1
        assert "could not synchronize" in reason and FAILED in reason
    goes_on(other)
    stays_stopped(client)


# MARK: New channels

@pytest.mark.parametrize("operations, path, error", [
    (CREATE, "*/ledger/chains/new", "ENOSPC"), (CREATE, "*/ledger/chains/new/*", "EROFS"),
    (WRITE, "*/ledger/chains/new/*", "EIO"), (WRITE, "*/ledger/chains/new/*", "ENOSPC")])
def test_failing_creation(node, faults, clients, operations, path, error):
    """A channel is created as soon as that is possible; the others go on meanwhile."""
    with faults.failing(operations, path, error) as rule:
        assert submit(node, creation("new"))[0] == "SUCCESS"
        wait_for(lambda: rule.hits > 1, "it is tried again")
        status, info = submit(node, creation("newer"))
        assert status == "SERVICE_UNAVAILABLE" and "chains/new" in info
        for client in clients:
            goes_on(client)
        assert node.height("new", clients[0].user) == 0
    wait_for(lambda: node.height("new", clients[0].user), "the channel exists")
    clients.append(ChannelClient(node, "new"))
    goes_on(clients[-1])
    assert submit(node, creation("newer"))[0] == "SUCCESS"


@pytest.mark.parametrize("path", [
    "*/ledger/chains", "*/ledger/chains/new", "*/ledger/chains/new/blockfile_000000"])
def test_creation_that_may_not_be_durable(node, faults, clients, path):
    """After a failed fsync no channels are created until a restart; those there are go on."""
    with faults.failing(SYNC, path, "EIO", times=1) as rule:
        assert submit(node, creation("new"))[0] == "SUCCESS"
        wait_for(lambda: rule.hits, "the fsync fails")
    for client in clients:
        goes_on(client)
    for _ in range(3):
        time.sleep(0.5)
        status, info = submit(node, creation("newer"))
        assert status == "SERVICE_UNAVAILABLE" and "could not synchronize" in info
        assert node.height("new", clients[0].user) == 0
    node.stop(signal.SIGKILL)
    node.start()
    assert submit(node, creation("new"))[0] == "SUCCESS"
    wait_for(lambda: node.height("new", clients[0].user), "the channel exists")
    clients.append(ChannelClient(node, "new"))


# MARK: Starting

def tear(client):
    """Leave the beginning of a block at the end of a stopped node's channel."""
    path = client.orderer.directory / "ledger/chains" / client.channel / "blockfile_000000"
    with open(path, "ab") as file:
        file.write(b"\xff\x7fsomething that is cut short")


@pytest.mark.parametrize("operations, error", [
    (TRUNCATE, "EIO"), (OPEN, "EROFS"), (READ, "EIO")])
def test_recovery_that_fails(node, faults, client, other, operations, error):
    """A channel whose ledger cannot be repaired is not served until it can; the others are."""
    node.stop(signal.SIGKILL)
    tear(client)
    with faults.failing(operations, BLOCK_FILES.format(client.channel), error) as rule:
        node.start()
        assert rule.hits > 0
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and "blockfile_000000" in info
        goes_on(other)
    wait_for(client.accepts, "the channel is opened by itself")
    client.settle()


def test_recovery_that_may_not_be_durable(node, faults, client, other):
    """A ledger whose repair could not be synchronized is not served until a restart."""
    node.stop(signal.SIGKILL)
    tear(client)
    with faults.failing(SYNC, BLOCK_FILES.format(client.channel), "EIO", times=1) as rule:
        node.start()
        assert rule.hits == 1
    goes_on(other)
    for _ in range(4):
        time.sleep(0.5)
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and "could not synchronize" in info
    node.stop()
    node.start()
    goes_on(client)


def test_block_that_could_neither_be_synchronized_nor_taken_back(node, faults, client, other):
    """A block that a failed fsync has left in the file is written again before anybody sees it."""
    files = BLOCK_FILES.format(client.channel)
    with faults.failing(SYNC | TRUNCATE, files, "EIO"):
        assert FAILED in client.until_refused()
    goes_on(other)
    node.stop(signal.SIGKILL)
    # Half of the bytes at a time, which does not matter, but tells that they are written.
    with faults.failing(WRITE, files, HALF) as rule:
        node.start()
        assert rule.hits > 0
    client.is_sound()
    goes_on(client)


@pytest.mark.parametrize("operations, error", [
    (WRITE, "ENOSPC"), (WRITE | SYNC, "EIO"), (CREATE | RENAME, "EROFS")])
def test_start_without_a_writable_index(node, faults, client, operations, error):
    """Without an index that can be opened the node ends and says what to do; later it starts."""
    node.stop(signal.SIGKILL)
    before = len(node.log)
    with faults.failing(operations, INDEX, error) as rule:
        with pytest.raises(RuntimeError):
            node.start()
        assert rule.hits > 0
    assert node.process.returncode != 0
    log = node.log[before:]
    assert "ledger/index" in log and ("no space left" in log or "remove the index folder" in log)
    node.start()
    client.settle()


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_rebuild_of_the_index_that_fails(node, faults, clients, error):
    """If an index that is being rebuilt cannot be written, channels are served as soon as it can."""
    node.stop(signal.SIGKILL)
    (node.directory / "ledger/index").rename(node.directory / "ledger/index.old")

    def refused():
        try:
            return clients[0].submit()[0] == "SERVICE_UNAVAILABLE"
        except grpc.RpcError:
            return False
    with faults.failing(WRITE, f"{INDEX}.log", error) as rule:
        node.start(wait=False)
        wait_for(lambda: rule.hits, "the index is written")
        wait_for(refused, "the channel is refused")
        assert clients[0].submit()[1].count("ledger/index")
    wait_for(node.serves, "the system channel is opened by itself")
    for client in clients:
        wait_for(client.accepts, "the channel is opened by itself")
        client.settle()


@pytest.mark.parametrize("operations, path", [
    (CREATE, "*/ledger/chains/syschannel"), (WRITE, "*/ledger/chains/*/blockfile_000000"),
    (SYNC, "*/ledger/chains/*/blockfile_000000"), (SYNC, "*/ledger/chains")])
def test_first_start_that_fails(make_orderer, faults, operations, path):
    """A node that cannot write its first block says so and ends; the next start begins anew."""
    node = make_orderer()
    node.environment = faults.environment
    faults.fail(operations, path, "EIO")
    with pytest.raises(RuntimeError):
        node.start()
    assert "ledger/chains" in node.log and "Input/output error" in node.log
    faults.clear()
    node.start()
    assert node.height(SYSTEM_CHANNEL, orderer_admin()) == 1
    node.create_channel()
