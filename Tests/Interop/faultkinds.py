"""What can happen to a group of nodes, and how it is mended.

Each kind is a generator: it begins the fault, yields for how many seconds that is to last, and goes on to mend it.
`run` picks the nodes that it happens to; a node has one fault of its own at a time.
"""

import signal
import time

from faults import CHANGES, CREATE, HALF, KILL, SYNC, WRITE
from relay import DEAF, MUTE, RESET, SILENT, Rule

LEDGER, LOG, BLOCKS = "*/ledger/*", "*/etcdraft/wal/*", "*/chains/*/blockfile_*"


# MARK: Processes

def killed(run, draw):
    """SIGKILL, and a new start."""
    for member in run.pick(draw, draw.choice([1, 1, 2]), ends=True):
        run.say(f"kill {member.name}")
        member.kill()
    yield draw.uniform(0, 6)


def killed_at_once(run, draw):
    """SIGKILL to all that may end."""
    members = run.pick(draw, len(run.members), ends=True)
    run.say(f"kill {' '.join(member.name for member in members)}")
    for member in members:
        member.kill()
    yield draw.uniform(0, 3)


def stopped(run, draw):
    """SIGTERM, and a new start."""
    for member in run.pick(draw, ends=True):
        run.say(f"stop {member.name}")
        run.stop(member)
    yield draw.uniform(0, 5)


def paused(run, draw):
    """SIGSTOP and SIGCONT: to itself, no time has passed."""
    members = run.pick(draw, draw.choice([1, 1, 2]))
    run.say(f"pause {' '.join(member.name for member in members)}")
    for member in members:
        member.signal(signal.SIGSTOP)
    yield draw.uniform(0.2, 9)
    for member in members:
        member.signal(signal.SIGCONT)


# MARK: The network

def isolated(run, draw):
    """Nobody reaches a node, and it reaches nobody."""
    for member in run.pick(draw):
        run.cut(draw, run.pairs([member], run.others(member), both=True), [RESET, SILENT])
    yield draw.uniform(1, 9)


def cut_one_way(run, draw):
    """A node cannot dial others, or others cannot dial it; or all that one side sends is held up."""
    for member in run.pick(draw):
        pairs = run.pairs([member], run.others(member))
        if draw.random() < 0.5:
            pairs = [(listener, dialler) for dialler, listener in pairs]
        run.cut(draw, pairs, [RESET, SILENT, DEAF, MUTE])
    yield draw.uniform(1, 9)


def cut_between_two(run, draw):
    """Two nodes do not reach each other, while both reach the rest."""
    members = run.pick(draw, 2)
    run.cut(draw, run.pairs(members[:1], members[1:], both=True), [RESET, SILENT])
    yield draw.uniform(1, 12)


def split(run, draw):
    """Two halves that do not reach each other."""
    names = sorted(run.members, key=lambda member: draw.random())
    size = draw.randint(1, len(names) - 1)
    run.cut(draw, run.pairs(names[:size], names[size:], both=True), [RESET, SILENT])
    yield draw.uniform(1, 9)


def flapping(run, draw):
    """Connections break again and again."""
    pairs = [pair for pair in run.all_pairs() if draw.random() < 0.6]
    run.say(f"flap {len(pairs)} pairs")
    for _ in range(draw.randint(3, 8)):
        run.relay.set(pairs, Rule(RESET))
        time.sleep(draw.uniform(0.02, 0.6))
        run.relay.set(pairs, Rule())
        time.sleep(draw.uniform(0.05, 1.2))
    yield 0


def slow_network(run, draw):
    """All that is sent comes late, or little at a time."""
    pairs = [pair for pair in run.all_pairs() if draw.random() < 0.7]
    rule = draw.choice([Rule(delay=draw.uniform(0.01, 0.4)), Rule(rate=draw.randint(20_000, 200_000)),
                        Rule(delay=draw.uniform(0.01, 0.2), rate=draw.randint(50_000, 400_000))])
    run.say(f"{rule} for {len(pairs)} pairs")
    run.relay.set(pairs, rule)
    yield draw.uniform(2, 9)


# MARK: Disks

def full_disk(run, draw):
    """What is written does not fit; the node goes on by itself when there is room."""
    for member in run.pick(draw, ours=True):
        operations, path = draw.choice([WRITE, WRITE | CREATE]), draw.choice([LEDGER, LOG, BLOCKS])
        run.say(f"no room in {path} of {member.name}")
        if draw.random() < 0.5:
            member.faults.fail(operations, path, HALF, times=1)
        member.faults.fail(operations, path, "ENOSPC")
    yield draw.uniform(1, 6)


def lost_syncs(run, draw):
    """Syncs fail: nothing may leave that rests on them, until a restart."""
    for member in run.pick(draw, ours=True, ends=True):
        path = draw.choice([LOG, BLOCKS])
        run.say(f"syncs fail in {path} of {member.name}")
        member.life.may_halt = True
        member.faults.fail(SYNC, path, "EIO", skip=draw.randint(0, 5), times=1)
    yield draw.uniform(1, 5)
    for member in run.hit():
        if member.life.may_halt and member.runs:
            member.kill()


def killed_at_a_call(run, draw):
    """SIGKILL just before any change that the node makes on the disk."""
    for member in run.pick(draw, ours=True, ends=True):
        run.say(f"kill {member.name} at a system call")
        member.life.may_die = True
        member.faults.fail(CHANGES, LEDGER, KILL, skip=draw.randint(0, 150))
    yield draw.uniform(2, 5)
    for member in run.hit():
        if member.life.may_die and member.runs:
            member.kill()


# MARK: Members

def joined_or_left(run, draw):
    """A node more becomes a consenter, or ceases to be one and follows."""
    extra = run.extra
    if extra.is_consenter:
        run.say(f"remove {extra.name}")
        run.remove(extra, draw)
    else:
        run.say(f"add {extra.name}")
        run.add(extra, draw)
    yield 0


def wiped(run, draw):
    """A node is removed, loses all that it has kept, and is added again."""
    for member in run.pick(draw, ends=True):
        run.say(f"remove, wipe and add {member.name}")
        run.remove(member, draw)
        if member.runs:
            member.kill()
        run.wipe(member)
        run.add(member, draw)
    yield 0


def rotated(run, draw):
    """A node gets a new certificate, and is started with it."""
    for member in run.pick(draw, ends=True):
        run.say(f"rotate the certificate of {member.name}")
        run.rotate(member, draw)
        # With the old one it has reached nobody.
        run.stop(member, is_cut_off=True)
    yield 0


PASSING = [killed, killed_at_once, stopped, paused, isolated, cut_one_way, cut_between_two, split, flapping,
           slow_network, full_disk, lost_syncs, killed_at_a_call]
# These want a group that is whole when they begin.
ALONE = [joined_or_left, wiped, rotated]


def plan(draw):
    """Rounds without end: each kind comes once, in an order of the seed's, then all again."""
    while True:
        deck = PASSING + ALONE + [joined_or_left]
        draw.shuffle(deck)
        while deck:
            kinds = [deck.pop()]
            if kinds[0] not in ALONE:
                for _ in range(draw.choice([0, 0, 1, 2])):
                    if deck and deck[-1] not in ALONE:
                        kinds.append(deck.pop())
            yield kinds
