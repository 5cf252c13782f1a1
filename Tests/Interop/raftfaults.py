"""Lets faults happen to a group of real orderers for minutes or hours, and checks what clients were told and shown.

    raftfaults.py ORDERER FOLDER --minutes 60 --nodes 5 --seed 1 [--rivals 2.5=PATH,3.1=PATH]

A number of nodes and one more, which comes and goes as a consenter, order a channel; they reach each other through a
relay. Clients hand in messages at all nodes over TLS, and have all blocks of each shown. A plan made from the seed lets
one to three faults happen at a time (faultkinds.py), mends them, and waits until all nodes have what the highest had,
and take messages again. Between 3.1.5, 2.5.16 and ours, rivals take the place of ours from the second node on. One
node of ours, drawn from the seed, lives through the whole run: its descriptors, threads and memory are compared.

It is checked that

* all nodes have the same blocks: header, data, and what they sign; each node shows a block with the same bytes
  forever; no height goes back;
* each message that one of our nodes acknowledged is in a block, unless that node was killed, or stopped while it had no
  leader: and then no later message of its stream is; what was refused is in none; if all nodes are ours, none is there
  twice;
* messages of one stream are in blocks in their order;
* no process ends by itself, no channel halts, no log says that something crashed;
* descriptors, threads and memory at the end are those at the first mending, within BOUNDS.

How long it took after a mending until heights were equal is told, not judged: that depends on the machine.
"""

import argparse
import json
import pathlib
import random
import sys
import tempfile
import threading
import time
import traceback

import grpc
from configupdates import change_value, config_of, difference, signed
from fabric_protos.common import common_pb2
from fabric_protos.orderer import configuration_pb2
from fabric_protos.orderer.etcdraft import configuration_pb2 as raft_pb2
from faultkinds import plan
from faults import compile_library
from channelclient import submit
from rafthistory import BEGAN, History, Watcher, Writer, message
from raftcrashes import genesis
from raftmembers import Member, TLSAuthority
from relay import Relay, Rule

# What a process may use more at the end than after the first mending.
BOUNDS = {"descriptors": 16, "threads": 8, "megabytes": 96}
# A channel's settings: small enough that leaders change and followers need snapshots all the time.
TICK, BATCH_TIMEOUT, SNAPSHOT_INTERVAL = "200ms", "100ms", 100_000
# Bytes of a message besides its envelope.
SIZE = 600


class Hang(Exception):
    """Something did not come to pass within minutes."""


class Run:
    """A group, its clients, and what happens to it."""

    def __init__(self, options, folder):
        self.options, self.began = options, BEGAN
        self.draw = random.Random(options.seed)
        self.is_over, self.has_load = False, True
        self.failures, self.events, self.mended = [], {}, []
        self.lock, self.labels = threading.Lock(), 0
        self.touched, self.busy = [], set()
        authority, library = TLSAuthority(), compile_library(folder)
        rivals = [pair.split("=", 1) for pair in options.rivals.split(",") if pair]
        self.members = []
        for number in range(1, options.nodes + 1):
            rival = rivals[number - 2] if 2 <= number < 2 + len(rivals) else None
            self.members.append(Member(rival[1], folder / f"node{number}-{rival[0]}", number, None, authority)
                                if rival else
                                Member(options.orderer, folder / f"node{number}", number, library, authority))
        self.extra = Member(options.orderer, folder / f"node{options.nodes + 1}", options.nodes + 1, library,
                            authority)
        self.lasting = self.draw.choice([member for member in self.members if member.is_ours])
        self.everyone = [*self.members, self.extra]
        self.relay, self.connections = Relay(), (0, 0)
        for member in self.everyone:
            member.node.dialled = self.relay.listen(member.name, member.node.port)
        first, *others = self.members
        name, self.genesis = genesis(first.node, SNAPSHOT_INTERVAL, [each.node for each in others], options.tick,
                                     BATCH_TIMEOUT)
        self.history = History(name, not all(member.is_ours for member in self.members))
        self.make = message(name, SIZE)
        self.usage = {member.name: [] for member in self.everyone}
        self.threads = []

    # MARK: Telling

    def say(self, text):
        """One line, with the time since the beginning."""
        print(f"{time.monotonic() - self.began:8.1f} {text}", flush=True)

    def fail(self, text):
        """A check has failed."""
        self.failures.append(text)
        self.say(f"FAILED: {text}")

    def new_label(self):
        """The number of a new stream."""
        with self.lock:
            self.labels += 1
            return self.labels

    def wait(self, condition, what):
        """Wait until a condition holds, in as much time as that takes; an error after minutes, or if a check fails."""
        deadline, told = time.monotonic() + 60 * self.options.hang, time.monotonic() + 60
        while True:
            self.look()
            try:
                value = condition()
                if value:
                    return value
            except (grpc.RpcError, OSError, AssertionError):
                pass
            if self.failures:
                raise Hang(f"given up: {what}")
            if time.monotonic() > told:
                told += 60
                self.say(f"still waiting: {what}; {self.state()}")
            if time.monotonic() > deadline:
                raise Hang(f"{what}: not within {self.options.hang} minutes; {self.state()}")
            time.sleep(0.2)

    def state(self):
        """The heights that all have shown."""
        heights = {member.name: self.history.height(member) for member in self.everyone}
        return f"heights {heights} of {len(self.history.chain)}, leading: {[m.name for m in self.leaders()]}"

    def look(self):
        """Note processes that have ended, and what logs must not say."""
        for member in self.everyone:
            reason = member.ended_by_itself()
            if reason:
                member.life.ended = "by itself"
                self.fail(f"{reason}: {member.node.log[-3000:]}")
            for line in member.read_log():
                self.fail(f"{member.name} says: {line}")

    # MARK: Picking

    def leaders(self):
        """Those that last found that they lead, the newest first."""
        leading = [member for member in self.everyone if member.is_leading and member.runs]
        return sorted(leading, key=lambda member: -member.led_since)

    def pick(self, draw, count=1, ends=False, ours=False):
        """Consenters without a fault of their own, the leader preferred; `ends` says that their processes end."""
        able = [member for member in self.everyone if member.is_consenter and member.runs
                and member not in self.touched and (member.is_ours or not ours)
                and not (ends and member is self.lasting)]
        draw_order = {member.name: draw.random() for member in self.everyone}
        wants_leader = draw.random() < 0.4
        leaders = self.leaders()[:1] if wants_leader else []
        able.sort(key=lambda member: (member not in leaders, draw_order[member.name]))
        self.touched += able[:count]
        return able[:count]

    def hit(self):
        """All that have a fault of their own."""
        return list(self.touched)

    def others(self, member):
        """All but one."""
        return [each for each in self.everyone if each is not member]

    @staticmethod
    def pairs(diallers, listeners, both=False):
        """(dialler, listener) of all of these; with `both` also the other way."""
        ways = [(one.name, other.name) for one in diallers for other in listeners]
        return ways + [(other, one) for one, other in ways] if both else ways

    def all_pairs(self):
        """All of the group."""
        return [(one.name, other.name) for one in self.everyone for other in self.everyone if one is not other]

    def cut(self, draw, pairs, modes):
        """Cut connections of pairs in one of these ways."""
        mode = draw.choice(modes)
        self.say(f"{mode}: {' '.join(f'{dialler}>{listener}' for dialler, listener in pairs)}")
        self.relay.set(pairs, Rule(mode))

    # MARK: Members

    def begin(self):
        """Start all, let them join, and begin the load."""
        for member in self.everyone:
            member.start()
        for member in self.members:
            member.node.join(self.genesis)
            member.is_consenter = True
        for member in self.everyone:
            self.threads += [Watcher(self, member), Writer(self, member, self.options.rate),
                             Writer(self, member, self.options.rate)]
        for thread in self.threads:
            thread.start()
        self.say(f"{len(self.members)} nodes and {self.extra.name}; {self.lasting.name} lives through the run")

    def stop(self, member, is_cut_off=False):
        """End a node in an orderly way."""
        is_cut_off = is_cut_off or not self.relay.is_whole or not self.leaders()
        status = member.stop(is_cut_off)
        if status and member.is_ours:
            self.fail(f"{member.name} ended with {status} when told to: {member.node.log[-2000:]}")

    def wipe(self, member):
        """Take from a node that has ended all that it has."""
        self.history.forget(member)
        member.wipe()

    def reconfigure(self, holds, change, draw):
        """Change the consenters until a config block says so that all have; the block.

        The leader may be lost meanwhile: then the update is handed in again.
        """
        unlucky = draw.random() < 0.4
        while True:
            block = self.history.config_block
            if block and holds(consenters_of(block)):
                return block
            config = config_of(block)
            update = signed(difference(self.history.name, config, lambda root: change_value(
                root.groups["Orderer"], "ConsensusType", configuration_pb2.ConsensusType,
                lambda kind: change_metadata(kind, change))))
            through = draw.choice([member for member in self.everyone if member.is_up and member.is_consenter])
            try:
                status, info = submit(through.node, update)
            except grpc.RpcError as error:
                status, info = error.code(), error.details()
            self.say(f"the update through {through.name}: {status} {(info or '')[-200:]}")
            if unlucky and status == "SUCCESS":
                unlucky = False
                for leader in self.leaders()[:1]:
                    if leader is not self.lasting:
                        self.say(f"kill {leader.name} meanwhile")
                        leader.kill()
            began = time.monotonic()
            patience = 20 if status == "SUCCESS" else 1
            self.wait(lambda block=block, began=began, patience=patience: self.history.config_block is not block
                      or time.monotonic() - began > patience, "the update")
            self.restart()

    def add(self, member, draw):
        """Make a node a consenter, and let it join if it has not."""
        pem, port = member.node.certificate, member.node.dialled

        def change(consenters):
            consenters.add(host="127.0.0.1", port=port, client_tls_cert=pem, server_tls_cert=pem)
        block = self.reconfigure(lambda consenters: port in ports(consenters), change, draw)
        if not member.runs:
            member.start()
        if not self.knows_channel(member):
            member.node.join(block)
        member.is_consenter = True
        if not member.is_ours:
            # A Go node that got its members with a snapshot sends others none with its own, until it is started again.
            height = len(self.history.chain)
            self.wait(lambda: self.history.height(member) >= height, f"{member.name} has {height} blocks")
            self.stop(member)
            member.start()

    def knows_channel(self, member):
        """Whether a node orders or follows the channel; a node that is too busy to say is asked again."""
        answer = self.wait(lambda: [member.node.info(self.history.name)], f"{member.name} tells of the channel")
        return answer[0] is not None

    def remove(self, member, draw):
        """Take a node out of the consenters; it follows."""
        port = member.node.dialled

        def change(consenters):
            kept = [each for each in consenters if each.port != port]
            del consenters[:]
            consenters.extend(kept)
        self.reconfigure(lambda consenters: port not in ports(consenters), change, draw)
        member.is_consenter = False

    def rotate(self, member, draw):
        """Give a node a new certificate, in the configuration and for its next start."""
        member.new_certificate()
        pem, port = member.node.certificate, member.node.dialled

        def change(consenters):
            for each in consenters:
                if each.port == port:
                    each.client_tls_cert = each.server_tls_cert = pem
        self.reconfigure(lambda consenters: any(each.server_tls_cert == pem for each in consenters), change, draw)

    # MARK: Rounds

    def restart(self):
        """Start what has ended."""
        for member in self.everyone:
            if member.faults:
                member.faults.clear()
            if not member.runs:
                member.start()

    def mend(self):
        """Undo all faults, and wait until all nodes have what the highest had, and take messages."""
        self.relay.heal()
        self.look()
        self.restart()
        self.touched = []
        began, height = time.monotonic(), len(self.history.chain)
        consenters = [member for member in self.everyone if member.is_consenter]
        answered = {member.name: member.answers["SUCCESS"] for member in consenters}
        self.wait(lambda: all(self.history.height(member) >= height for member in consenters),
                  f"all nodes have {height} blocks")
        equal = time.monotonic() - began
        self.wait(lambda: all(member.answers["SUCCESS"] > answered[member.name] for member in consenters),
                  "all nodes take messages")
        serving = time.monotonic() - began
        if not self.extra.is_consenter and self.knows_channel(self.extra):
            self.wait(lambda: self.extra.node.info(self.history.name)["height"] >= height,
                      f"{self.extra.name} follows up to {height} blocks")
        self.mended.append((equal, serving))
        wrong = self.history.left_out() + self.history.refused_and_there() + self.history.reordered
        if all(member.is_ours for member in self.everyone):
            wrong += self.history.twice
        for text in wrong[:20]:
            self.fail(text)
        for member in self.everyone:
            self.usage[member.name].append(member.rests())
        self.say(f"mended: equally high after {equal:.1f} s, all take messages after {serving:.1f} s; "
                 f"{len(self.history.chain)} blocks, {self.history.found} messages")

    def round(self, kinds):
        """Let faults of some kinds happen together."""
        draw = random.Random(self.draw.randrange(2**64))
        faults = []
        for kind in kinds:
            self.events[kind.__name__] = self.events.get(kind.__name__, 0) + 1
            fault = kind(self, draw)
            faults.append((fault, time.monotonic() + next(fault)))
            time.sleep(draw.uniform(0, 1))
        for fault, end in faults:
            self.wait(lambda end=end: time.monotonic() >= end, "time")
            next(fault, None)
        self.mend()

    def go(self):
        """Rounds until the minutes are over, then what clients were told is compared with the chain."""
        self.begin()
        self.mend()
        for kinds in plan(self.draw):
            if time.monotonic() - self.began > 60 * self.options.minutes or self.failures:
                break
            self.round(kinds)
        self.has_load = False
        for thread in self.threads:
            if isinstance(thread, Writer) and thread.stream:
                thread.stream.stopping = True
        streams = list(self.history.streams.values())
        self.wait(lambda: all(stream.ended for stream in streams), "all streams have ended")
        self.wait(lambda: not self.history.missing(None, "stopped"), "all that was acknowledged is in blocks")
        self.mend_last()
        self.compare_usage()

    def mend_last(self):
        """All are equally high in the end."""
        consenters = [member for member in self.everyone if member.is_consenter]
        self.wait(lambda: {self.history.height(member) for member in consenters} == {len(self.history.chain)},
                  "all are equally high in the end")

    def compare_usage(self):
        """Hold what processes use at the end against what they used after the first mending."""
        for name, samples in self.usage.items():
            for what, bound in BOUNDS.items():
                first, last = samples[1 if len(samples) > 1 else 0][what], samples[-1][what]
                if last > first + bound:
                    self.fail(f"{name} uses {last} {what} in the end, after {first}")

    def end(self):
        """End all."""
        self.is_over = True
        for member in self.everyone:
            if member.runs:
                member.kill()
        self.connections = self.relay.counts()
        self.relay.stop()

    def summary(self):
        """What happened, and what came of it."""
        streams = list(self.history.streams.values())

        def count(ours, success):
            return sum((status == common_pb2.SUCCESS) == success for stream in streams
                       if stream.member.is_ours == ours for status in stream.statuses)
        equal, serving = zip(*self.mended) if self.mended else ((), ())
        return {
            "seed": self.options.seed, "nodes": self.options.nodes, "rivals": self.options.rivals,
            "minutes": round((time.monotonic() - self.began) / 60, 1), "rounds": len(self.mended),
            "events": dict(sorted(self.events.items())), "blocks": len(self.history.chain),
            "blocks shown": self.history.reads, "messages in blocks": self.history.found,
            "acknowledged by ours": count(True, True), "refused by ours": count(True, False),
            "acknowledged by rivals": count(False, True), "streams": len(streams),
            "lost with a node": len(self.history.missing("killed", "stopped while cut off")),
            "lost otherwise": len(self.history.missing(None, "stopped")),
            "blocks without consenter metadata": sorted(self.history.bare),
            "twice": len(self.history.twice), "out of order": len(self.history.reordered),
            "logs": {what: sum(member.seen[what] for member in self.everyone)
                     for what in self.everyone[0].seen},
            "lives": {member.name: member.lives for member in self.everyone},
            "connections": self.connections[0], "of strangers": self.connections[1],
            "seconds until equally high": percentiles(equal), "seconds until all serve": percentiles(serving),
            "usage": {name: {"first": samples[1 if len(samples) > 1 else 0], "last": samples[-1]}
                      for name, samples in self.usage.items() if samples},
            "examples": {"lost": self.history.missing(None, "stopped")[:20], "twice": self.history.twice[:20],
                         "out of order": self.history.reordered[:20]},
            "failures": self.failures}


def percentiles(values):
    """Median, 90th of a hundred, and greatest."""
    ordered = sorted(values)
    return {str(part): round(ordered[min(len(ordered) - 1, len(ordered) * part // 100)], 1)
            for part in (50, 90, 100)} if ordered else {}


def consenters_of(block):
    """The consenters in a config block."""
    value = config_of(block).channel_group.groups["Orderer"].values["ConsensusType"].value
    kind = configuration_pb2.ConsensusType.FromString(value)
    return raft_pb2.ConfigMetadata.FromString(kind.metadata).consenters


def ports(consenters):
    """By which nodes are told apart here: it stays when a certificate changes."""
    return [each.port for each in consenters]


def change_metadata(kind, change):
    """Change the consenters in a consensus type."""
    raft = raft_pb2.ConfigMetadata.FromString(kind.metadata)
    change(raft.consenters)
    kind.metadata = raft.SerializeToString()


def let_faults_happen(options, folder):
    """The summary of a run with these options."""
    run = Run(options, pathlib.Path(folder))
    try:
        run.go()
    except BaseException as error:  # pylint: disable=broad-exception-caught
        run.fail(f"{error}")
        traceback.print_exc()
    finally:
        run.end()
    return run.summary()


def parser():
    """The command line."""
    made = argparse.ArgumentParser(description="Lets faults happen to a group of orderers.")
    made.add_argument("orderer", type=pathlib.Path)
    made.add_argument("folder", type=pathlib.Path, nargs="?", help="a new one in the system's by default")
    made.add_argument("--minutes", type=float, default=60)
    made.add_argument("--nodes", type=int, choices=[3, 5], default=3)
    made.add_argument("--seed", type=int, default=random.randrange(2**32))
    made.add_argument("--rivals", default="", help="VERSION=PATH,...: others, from the second node on")
    made.add_argument("--rate", type=float, default=10, help="messages a second on each of two streams to a node")
    made.add_argument("--tick", default=TICK, help="of the channel; ten without a leader lead to an election")
    made.add_argument("--hang", type=float, default=10, help="minutes after which a wait is given up")
    return made


def main():
    """Run, and tell."""
    options = parser().parse_args()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="raft-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {options.seed}, in {folder}", flush=True)
    summary = let_faults_happen(options, folder)
    print(json.dumps(summary, indent=1), flush=True)
    sys.exit(1 if summary["failures"] else 0)


if __name__ == "__main__":
    main()
