"""What a running node does when the disk under its ledger fails: it refuses what it cannot keep, says
why, shows what it has, and goes on only when that is safe.

System calls are made to fail with the errno that a file system would give (faults.py); after each test
the process is killed, and has to have lost nothing when it starts on a disk that works.

HEDDLE_FAULT_ROUNDS sets how often test_random_faults kills it; 10 times by default.
"""

import os
import random
import signal
import time

import grpc
import pytest
from channelclient import ChannelClient, submit
from faults import CREATE, HALF, OPEN, READ, REMOVE, RENAME, SYNC, TRUNCATE, WRITE
from faults import Faults, compile_library
from harness import SYSTEM_CHANNEL, Sender, creation, envelope, orderer_admin, wait_for

BLOCK_FILES = "*/chains/{}/blockfile_*"
INDEX = "*/ledger/index/*"
FAILED = "until a restart"
ROUNDS = int(os.environ.get("HEDDLE_FAULT_ROUNDS", "10"))
SEED = int(os.environ.get("HEDDLE_FAULT_SEED", str(random.randrange(2**32))))


@pytest.fixture(scope="session", name="library")
def fixture_library(tmp_path_factory):
    """The library that makes calls fail."""
    return compile_library(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def faults(library, tmp_path):
    """The faults of the processes of one test."""
    return Faults(library, tmp_path)


@pytest.fixture
def orderer(make_orderer, faults):
    """A running orderer with the library, and two channels with a block each."""
    node = make_orderer()
    node.environment = faults.environment
    node.start()
    assert faults.loaded, "the library is not in the process"
    return node


@pytest.fixture(name="clients")
def fixture_clients(orderer, faults):
    """A client of each of two channels. At the end the node is killed and looked at."""
    clients = [ChannelClient(orderer, orderer.create_channel()),
               ChannelClient(orderer, orderer.create_channel(name="other"))]
    for client in clients:
        assert client.accepts()
        client.settle()
    yield clients
    faults.clear()
    orderer.stop(signal.SIGKILL)
    orderer.environment = {}
    orderer.start()
    for client in clients:
        client.is_sound()
        assert client.accepts()
        client.settle()
    assert "is damaged" not in orderer.log


@pytest.fixture
def client(clients):
    """The client of the channel that has trouble."""
    return clients[0]


@pytest.fixture
def other(clients):
    """The client of a channel that has none."""
    return clients[1]


def goes_on(client):
    """Check that a channel orders and shows."""
    for _ in range(3):
        assert client.accepts()
    client.settle()


def stays_stopped(client):
    """Check that a channel takes nothing, not even when the fault is long gone, but shows its blocks."""
    for _ in range(4):
        time.sleep(0.5)
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and FAILED in info, (status, info)
        client.read(best_effort=True)


# MARK: Writing blocks

@pytest.mark.parametrize("error, text", [
    ("EIO", "Input/output error"), ("EROFS", "Read-only file system"),
    ("ENOSPC", "no space left"), ("EDQUOT", "no space left")])
def test_failing_writes(orderer, faults, client, other, error, text):
    """While blocks cannot be written a channel refuses and shows; it resumes by itself."""
    files = BLOCK_FILES.format(client.channel)
    for _ in range(2):
        with faults.failing(WRITE, files, error) as rule:
            reason = client.until_refused()
            assert text in reason and f"chains/{client.channel}/blockfile_000000" in reason
            goes_on(other)
            seen = client.read()
            assert seen == client.accepted[:len(seen)]
            wait_for(lambda rule=rule: rule.hits > 2, "it tries again")
            assert text in orderer.log and "no restart is needed" in orderer.log
        wait_for(client.accepts, "the channel resumes by itself")
        client.settle()
    assert orderer.stop() == 0


def test_writes_that_fail_half_way(orderer, faults, client, other):
    """What was written of a block is taken back before it is tried again."""
    files = BLOCK_FILES.format(client.channel)
    for error in ("ENOSPC", "EIO"):
        half, rest = faults.fail(WRITE, files, HALF, times=1), faults.fail(WRITE, files, error)
        client.until_refused()
        assert half.hits == 1 and rest.hits > 0
        goes_on(other)
        client.read()
        faults.clear()
        wait_for(client.accepts, "the channel resumes by itself")
        client.settle()


def test_writes_that_cannot_be_taken_back(orderer, faults, client, other):
    """If what was written of a block cannot be taken back, the channel stops; a start cuts it off."""
    files = BLOCK_FILES.format(client.channel)
    faults.fail(WRITE, files, HALF, times=1)
    faults.fail(WRITE | TRUNCATE, files, "EIO")
    reason = client.until_refused()
    assert FAILED in reason and "taking back" in reason and "blockfile_000000" in reason
    goes_on(other)
    faults.clear()
    stays_stopped(client)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_failed_synchronization(orderer, faults, client, other, error):
    """After a failed fsync a channel stops for good: its block is not shown, and the reason is told."""
    before = client.read()
    with faults.failing(SYNC, BLOCK_FILES.format(client.channel), error, times=1) as rule:
        reason = client.until_refused()
        assert "could not synchronize" in reason and FAILED in reason
        assert f"chains/{client.channel}/blockfile_000000" in reason
        assert rule.hits == 1
    goes_on(other)
    # A success the next time would prove nothing, so it is not tried again.
    stays_stopped(client)
    assert client.read(best_effort=True) == before
    assert "could not synchronize" in orderer.log and "Restart the orderer" in orderer.log


def test_interrupted_and_partial_calls(orderer, faults, clients):
    """Calls that a signal interrupts, or that do a part, are gone on with; nobody is told."""
    before = len(orderer.log)
    for client in clients:
        files = BLOCK_FILES.format(client.channel)
        rules = [faults.fail(SYNC, files, "EINTR", times=20),
                 faults.fail(WRITE | READ, files, "EINTR", skip=3, times=20),
                 faults.fail(WRITE | READ, files, HALF)]
        for size in (0, 1, 5000, 200_000):
            assert client.accepts(size)
            client.settle()
        assert all(rule.hits > 0 for rule in rules[:1] + rules[2:])
        faults.clear()
    faults.fail(WRITE, INDEX, HALF)
    goes_on(clients[0])
    for word in ("ERROR", "WARN", "could not"):
        assert word not in orderer.log[before:]


# MARK: The index

@pytest.mark.parametrize("operations, error", [
    (WRITE, "ENOSPC"), (WRITE, "EIO"), (WRITE | SYNC | CREATE | RENAME | REMOVE, "EROFS"),
    (SYNC | WRITE, "EIO")])
def test_failing_index(orderer, faults, client, operations, error):
    """Blocks go on while the index cannot be written, and are in it once it can."""
    for _ in range(3):
        with faults.failing(operations, INDEX, error):
            goes_on(client)
        goes_on(client)
    assert "could not be entered into the index" in orderer.log
    # Go's orderer would believe the index, so it has to be complete without a repair.
    orderer.stop(signal.SIGKILL)
    before = len(orderer.log)
    orderer.start()
    client.settle()
    assert "Indexed" not in orderer.log[before:] and "damaged" not in orderer.log


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_killed_with_a_failing_index(orderer, faults, client, error):
    """An index that lacks blocks when the process dies catches up at the next start."""
    faults.fail(WRITE, INDEX, HALF, times=1)
    faults.fail(WRITE | SYNC | CREATE, INDEX, error)
    goes_on(client)
    orderer.stop(signal.SIGKILL)
    faults.clear()
    before = len(orderer.log)
    orderer.start()
    client.settle()
    assert "Indexed " in orderer.log[before:]


def test_unreadable_index(orderer, faults, client):
    """Blocks are found without the index while it cannot be read."""
    goes_on(client)
    orderer.stop()
    orderer.start()
    with faults.failing(READ | OPEN, INDEX, "EIO"):
        client.settle()


# MARK: Reading

def test_unreadable_blocks(orderer, faults, client, other):
    """A disk that does not answer now may answer later: nothing is declared damaged."""
    orderer.stop()
    orderer.start()
    with faults.failing(READ, BLOCK_FILES.format(client.channel), "EIO") as rule:
        blocks, status = orderer.deliver(client.channel, client.user, 0, 0)
        assert blocks == [] and status == "SERVICE_UNAVAILABLE"
        assert rule.hits > 0
        goes_on(other)
    client.settle()
    goes_on(client)
    assert f"chains/{client.channel}/blockfile_000000" in orderer.log


# MARK: New block files

LARGE = 200_000


def fill_file(client):
    """Fill the first block file until less than half a megabyte of its 64 is left."""
    path = client.orderer.directory / "ledger/chains" / client.channel / "blockfile_000000"
    while (left := (64 << 20) - 400_000 - path.stat().st_size) > 100_000:
        client.submit_many(max(1, left // (LARGE + 3000)), LARGE)
        client.settle()


def test_new_block_file(orderer, faults, client, other):
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
        orderer.stop(signal.SIGKILL)
        orderer.start()
        client.settle()
        files = sorted((orderer.directory / "ledger/chains" / client.channel).glob("blockfile_*"))
        if len(files) > 1:
            break
    assert len(files) == 2


def test_new_block_file_that_may_not_be_durable(orderer, faults, client, other):
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
def test_failing_creation(orderer, faults, clients, operations, path, error):
    """A channel is created as soon as that is possible; the others go on meanwhile."""
    with faults.failing(operations, path, error) as rule:
        assert submit(orderer, creation("new"))[0] == "SUCCESS"
        wait_for(lambda: rule.hits > 1, "it is tried again")
        status, info = submit(orderer, creation("newer"))
        assert status == "SERVICE_UNAVAILABLE" and "chains/new" in info
        for client in clients:
            goes_on(client)
        assert orderer.height("new", clients[0].user) == 0
    wait_for(lambda: orderer.height("new", clients[0].user), "the channel exists")
    clients.append(ChannelClient(orderer, "new"))
    goes_on(clients[-1])
    assert submit(orderer, creation("newer"))[0] == "SUCCESS"


@pytest.mark.parametrize("path", [
    "*/ledger/chains", "*/ledger/chains/new", "*/ledger/chains/new/blockfile_000000"])
def test_creation_that_may_not_be_durable(orderer, faults, clients, path):
    """After a failed fsync no channels are created until a restart; those there are go on."""
    with faults.failing(SYNC, path, "EIO", times=1) as rule:
        assert submit(orderer, creation("new"))[0] == "SUCCESS"
        wait_for(lambda: rule.hits, "the fsync fails")
    for client in clients:
        goes_on(client)
    for _ in range(3):
        time.sleep(0.5)
        status, info = submit(orderer, creation("newer"))
        assert status == "SERVICE_UNAVAILABLE" and "could not synchronize" in info
        assert orderer.height("new", clients[0].user) == 0
    orderer.stop(signal.SIGKILL)
    orderer.start()
    assert submit(orderer, creation("new"))[0] == "SUCCESS"
    wait_for(lambda: orderer.height("new", clients[0].user), "the channel exists")
    clients.append(ChannelClient(orderer, "new"))


# MARK: Starting

def tear(client):
    """Leave the beginning of a block at the end of a stopped node's channel."""
    path = client.orderer.directory / "ledger/chains" / client.channel / "blockfile_000000"
    with open(path, "ab") as file:
        file.write(b"\xff\x7fsomething that is cut short")


@pytest.mark.parametrize("operations, error", [
    (TRUNCATE, "EIO"), (OPEN, "EROFS"), (READ, "EIO")])
def test_recovery_that_fails(orderer, faults, client, other, operations, error):
    """A channel whose ledger cannot be repaired is not served until it can; the others are."""
    orderer.stop(signal.SIGKILL)
    tear(client)
    with faults.failing(operations, BLOCK_FILES.format(client.channel), error) as rule:
        orderer.start()
        assert rule.hits > 0
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and "blockfile_000000" in info
        goes_on(other)
    wait_for(client.accepts, "the channel is opened by itself")
    client.settle()


def test_recovery_that_may_not_be_durable(orderer, faults, client, other):
    """A ledger whose repair could not be synchronized is not served until a restart."""
    orderer.stop(signal.SIGKILL)
    tear(client)
    with faults.failing(SYNC, BLOCK_FILES.format(client.channel), "EIO", times=1) as rule:
        orderer.start()
        assert rule.hits == 1
    goes_on(other)
    for _ in range(4):
        time.sleep(0.5)
        status, info = client.submit()
        assert status == "SERVICE_UNAVAILABLE" and "could not synchronize" in info
    orderer.stop()
    orderer.start()
    goes_on(client)


@pytest.mark.parametrize("operations, error", [
    (WRITE, "ENOSPC"), (WRITE | SYNC, "EIO"), (CREATE | RENAME, "EROFS")])
def test_start_without_a_writable_index(orderer, faults, client, operations, error):
    """Without an index that can be opened the node ends and says what to do; later it starts."""
    orderer.stop(signal.SIGKILL)
    before = len(orderer.log)
    with faults.failing(operations, INDEX, error) as rule:
        with pytest.raises(RuntimeError):
            orderer.start()
        assert rule.hits > 0
    assert orderer.process.returncode != 0
    log = orderer.log[before:]
    assert "ledger/index" in log and ("no space left" in log or "remove the index folder" in log)
    orderer.start()
    client.settle()


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_rebuild_of_the_index_that_fails(orderer, faults, clients, error):
    """If an index that is being rebuilt cannot be written, channels are served as soon as it can."""
    orderer.stop(signal.SIGKILL)
    (orderer.directory / "ledger/index").rename(orderer.directory / "ledger/index.old")

    def refused():
        try:
            return clients[0].submit()[0] == "SERVICE_UNAVAILABLE"
        except grpc.RpcError:
            return False
    with faults.failing(WRITE, f"{INDEX}.log", error) as rule:
        orderer.start(wait=False)
        wait_for(lambda: rule.hits, "the index is written")
        wait_for(refused, "the channel is refused")
        assert clients[0].submit()[1].count("ledger/index")
    wait_for(orderer.serves, "the system channel is opened by itself")
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


# MARK: Anything

def random_rule(faults, channel, chance):
    """Begin a fault of any kind."""
    operations = chance.choice([WRITE, WRITE, SYNC, TRUNCATE | WRITE, CREATE, RENAME | REMOVE])
    target = chance.choice([BLOCK_FILES.format(channel), BLOCK_FILES.format(channel), INDEX,
                            f"*/ledger/chains/{channel}", "*/ledger/*"])
    error = chance.choice(["EIO", "ENOSPC", "EROFS", "EDQUOT", "EINTR", HALF])
    endless = error not in ("EINTR", HALF) and chance.random() < 0.5
    faults.fail(operations, target, error, skip=chance.choice([0, 0, 1, 5]),
                times=-1 if endless else chance.randrange(1, 20))


def test_random_faults(orderer, faults, client):
    """Whatever fails, and whenever the process is killed: what was shown stays, and it serves again."""
    print(f"{ROUNDS} rounds, HEDDLE_FAULT_SEED={SEED}")
    chance = random.Random(SEED)
    messages = [envelope(client.channel, client.user, b"%d:" % index + bytes(chance.choice([9, 3000])))
                .SerializeToString() for index in range(100)]
    for turn in range(ROUNDS):
        sender = Sender(orderer, messages * 10, window=20)
        sender.start()
        for _ in range(chance.randrange(1, 4)):
            random_rule(faults, client.channel, chance)
            time.sleep(chance.uniform(0, 0.3))
            client.read(best_effort=True)
        if chance.random() < 0.5:
            faults.clear()
            time.sleep(chance.uniform(0, 0.5))
            client.read(best_effort=True)
        orderer.stop(signal.SIGKILL)
        sender.join(30)
        faults.clear()
        before = len(orderer.log)
        orderer.start()
        client.read()
        assert client.accepts(), f"round {turn}"
        assert "is damaged" not in orderer.log[before:], f"round {turn}"
    # The sender's messages count as well, now that all of them are in blocks or lost.
    wait_for(lambda: client.accepted[-1] in client.read(), "the last message is in a block")
    client.accepted = client.read()
