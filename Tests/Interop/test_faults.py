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

import pytest
from faults import BLOCK_FILES, CREATE, HALF, INDEX, OPEN, READ, REMOVE, RENAME, SYNC, TRUNCATE, WRITE
from faults import FAILED, goes_on, stays_stopped
from harness import Sender, envelope, wait_for

ROUNDS = int(os.environ.get("HEDDLE_FAULT_ROUNDS", "10"))
SEED = int(os.environ.get("HEDDLE_FAULT_SEED", str(random.randrange(2**32))))


# MARK: Writing blocks

@pytest.mark.parametrize("error, text", [
    ("EIO", "Input/output error"), ("EROFS", "Read-only file system"),
    ("ENOSPC", "no space left"), ("EDQUOT", "no space left")])
def test_failing_writes(node, faults, client, other, error, text):
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
            assert text in node.log and "no restart is needed" in node.log
        wait_for(client.accepts, "the channel resumes by itself")
        client.settle()
    assert node.stop() == 0


def test_writes_that_fail_half_way(node, faults, client, other):
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


def test_writes_that_cannot_be_taken_back(node, faults, client, other):
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
def test_failed_synchronization(node, faults, client, other, error):
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
    assert "could not synchronize" in node.log and "Restart the orderer" in node.log


def test_interrupted_and_partial_calls(node, faults, clients):
    """Calls that a signal interrupts, or that do a part, are gone on with; nobody is told."""
    before = len(node.log)
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
        assert word not in node.log[before:]


# MARK: The index

@pytest.mark.parametrize("operations, error", [
    (WRITE, "ENOSPC"), (WRITE, "EIO"), (WRITE | SYNC | CREATE | RENAME | REMOVE, "EROFS"),
    (SYNC | WRITE, "EIO")])
def test_failing_index(node, faults, client, operations, error):
    """Blocks go on while the index cannot be written, and are in it once it can."""
    for _ in range(3):
        with faults.failing(operations, INDEX, error):
            goes_on(client)
        goes_on(client)
    assert "could not be entered into the index" in node.log
    # Go's orderer would believe the index, so it has to be complete without a repair.
    node.stop(signal.SIGKILL)
    before = len(node.log)
    node.start()
    client.settle()
    assert "Indexed" not in node.log[before:] and "damaged" not in node.log


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_killed_with_a_failing_index(node, faults, client, error):
    """An index that lacks blocks when the process dies catches up at the next start."""
    faults.fail(WRITE, INDEX, HALF, times=1)
    faults.fail(WRITE | SYNC | CREATE, INDEX, error)
    goes_on(client)
    node.stop(signal.SIGKILL)
    faults.clear()
    before = len(node.log)
    node.start()
    client.settle()
    assert "Indexed " in node.log[before:]


def test_unreadable_index(node, faults, client):
    """Blocks are found without the index while it cannot be read."""
    goes_on(client)
    node.stop()
    node.start()
    with faults.failing(READ | OPEN, INDEX, "EIO"):
        client.settle()


# MARK: Reading

def test_unreadable_blocks(node, faults, client, other):
    """A disk that does not answer now may answer later: nothing is declared damaged."""
    node.stop()
    node.start()
    with faults.failing(READ, BLOCK_FILES.format(client.channel), "EIO") as rule:
        blocks, status = node.deliver(client.channel, client.user, 0, 0)
        assert blocks == [] and status == "SERVICE_UNAVAILABLE"
        assert rule.hits > 0
        goes_on(other)
    client.settle()
    goes_on(client)
    assert f"chains/{client.channel}/blockfile_000000" in node.log


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


def test_random_faults(node, faults, client):
    """Whatever fails, and whenever the process is killed: what was shown stays, and it serves again."""
    print(f"{ROUNDS} rounds, HEDDLE_FAULT_SEED={SEED}")
    chance = random.Random(SEED)
    messages = [envelope(client.channel, client.user, b"%d:" % index + bytes(chance.choice([9, 3000])))
                .SerializeToString() for index in range(100)]
    for turn in range(ROUNDS):
        sender = Sender(node, messages * 10, window=20)
        sender.start()
        for _ in range(chance.randrange(1, 4)):
            random_rule(faults, client.channel, chance)
            time.sleep(chance.uniform(0, 0.3))
            client.read(best_effort=True)
        if chance.random() < 0.5:
            faults.clear()
            time.sleep(chance.uniform(0, 0.5))
            client.read(best_effort=True)
        node.stop(signal.SIGKILL)
        sender.join(30)
        faults.clear()
        before = len(node.log)
        node.start()
        client.read()
        assert client.accepts(), f"round {turn}"
        assert "is damaged" not in node.log[before:], f"round {turn}"
    # The sender's messages count as well, now that all of them are in blocks or lost.
    wait_for(lambda: client.accepted[-1] in client.read(), "the last message is in a block")
    client.accepted = client.read()
