#!/usr/bin/env python3
"""Measures three nodes that order a channel by Raft, in turn with three nodes of a rival.

    python3 Benchmarks/raft_cluster.py --orderer .build/release/orderer [--rival OTHER] [--nodes 3] \
        [--rounds 3] [--what leader,followers,ones,stop,kill,syncs] [--json FILE]

* `leader`, `followers`: flat out through the leader, or through the others; blocks of 500 messages, or of
  as many as `--block-messages` says. CPU is user and system time of all nodes' processes over the run.
* `ones`: the same through the leader with blocks of one message: transactions per second.
* `syncs`: fsync(2) and fdatasync(2) of each node for each block of one message, under strace, which makes
  all else slower.
* `stop`, `kill`: clients at the followers send one message after the other, while the leader is ended by
  SIGTERM or SIGKILL: the longest time that one of them was without SUCCESS, and a reader without a block,
  in seconds. The election time-out is that of Fabric's default, 5 s.

With `--nodes 1` there is no leader to lose, and `leader` and `ones` measure one node. The load comes from
`orderer benchmark` of the first executable (or of `--client`), whose envelopes of 2 KB are signed before the
clock starts; it runs on the same machine, and is not counted. Machines differ and drift, and processes of
Go's orderer differ from one another: quote ratios of one run, of many rounds. A virtual machine may take
some 1.5 ms for each megabyte of memory that it has never used, which is then most of what a follower
costs: let a program use all free memory once before. Needs the packages of
Tests/Interop/requirements.txt.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import grpc
from fabric_protos.orderer import ab_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import FIXTURES, Tail, envelope, org_user, seek, wait_for  # noqa: E402
from raftorderer import NODE, RaftOrderer  # noqa: E402

USER = FIXTURES / "crypto/org1.test/users/user1"
# Where less is better.
COSTS = {"us CPU per tx", "MB at most", "s without SUCCESS", "s without a block", "syncs per block"}
LOWEST, HIGHEST = "to the rival's lowest", "to the rival's highest"


class Traced(RaftOrderer):
    """A node whose synchronizations with the disk are counted."""

    def __init__(self, executable, directory, number=1):
        super().__init__(executable, directory, number)
        self.program = self.executable
        self.executable = str(self.directory / "traced")
        self.trace = self.directory / "trace"
        pathlib.Path(self.executable).write_text(
            f"#!/bin/sh\nexec strace -D -f -qq --seccomp-bpf -e trace=fsync,fdatasync -e signal=none "
            f"-o '{self.trace}' '{self.program}'\n")
        os.chmod(self.executable, 0o755)

    def syncs(self):
        """How many there were."""
        return len(re.findall(r"f(?:data)?sync\(", self.trace.read_text()))


class Cluster:
    """Nodes of one executable, and a channel that they order together."""

    def __init__(self, executable, directory, count, kind=RaftOrderer, **batches):
        self.nodes = [kind(executable, pathlib.Path(directory) / f"node{number}", number)
                      for number in range(1, count + 1)]
        try:
            for node in self.nodes:
                node.start()
            self.channel, block = self.nodes[0].genesis(
                self.nodes[1:], tick_interval="500ms", **batches)
            for node in self.nodes:
                node.join(block)
            self.leader = self.nodes[wait_for(self.leader_index, "there is a leader", 120) - 1]
            wait_for(lambda: self.leader.broadcast(self.message()) == ["SUCCESS"], "messages are taken")
            for node in self.nodes:
                wait_for(lambda: node.height(self.channel, org_user(1)) > 1,  # pylint: disable=W0640
                         "all have a block")
        except BaseException:
            self.stop()
            raise

    def leader_index(self):
        """The id of the leader, once all know the same one; nothing otherwise."""
        known = set()
        for node in self.nodes:
            if node.process.poll() is not None:
                continue
            changes = re.findall(r"Raft leader changed: \d+ -> (\d+)", node.log)
            known.add(int(changes[-1]) if changes else 0)
        return known.pop() if len(known) == 1 else 0

    def message(self):
        """A small signed envelope."""
        return envelope(self.channel, org_user(1), bytes(64))

    def followers(self):
        """All nodes but the leader."""
        return [node for node in self.nodes if node is not self.leader]

    def cpu_seconds(self):
        """User and system time of all nodes."""
        return sum(node.cpu_seconds() for node in self.nodes)

    def settled_height(self):
        """The channel's height, once all nodes have the same."""
        heights = {node.height(self.channel, org_user(1)) for node in self.nodes}
        return heights.pop() if len(heights) == 1 else 0

    def stop(self):
        """End all nodes."""
        for node in self.nodes:
            node.stop(signal.SIGKILL)


@contextlib.contextmanager
def running(*arguments, **batches):
    """A started cluster."""
    with tempfile.TemporaryDirectory() as directory:
        cluster = Cluster(arguments[0], directory, *arguments[1:], **batches)
        try:
            yield cluster
        finally:
            cluster.stop()


def load(client, cluster, nodes, messages, warm_up=0):
    """Sends envelopes through `nodes` and reads the blocks from the first; what the client reports."""
    command = [client, "benchmark", "--channel", cluster.channel, "--msp-id", "Org1MSP",
               "--cert", USER / "cert.pem", "--key", USER / "key.pem", "--tls-ca", NODE / "ca.crt",
               "--messages", str(messages), "--warm-up", str(warm_up), "--json", "-"]
    for node in nodes:
        command += ["--address", node.address]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout
    return json.JSONDecoder().raw_decode(done.stdout)[0]["runs"][0]


def flat_out(options, executable, through, block_messages):
    """What a transaction costs all nodes together, and how many there are in a second."""
    with running(executable, options.nodes, max_message_count=block_messages) as cluster:
        nodes = cluster.followers() if through == "followers" else [cluster.leader]
        load(options.client, cluster, nodes, options.messages // 5)
        before = wait_for(cluster.settled_height, "all have all blocks")
        cpu = cluster.cpu_seconds()
        run = load(options.client, cluster, nodes, options.messages)
        after = wait_for(cluster.settled_height, "all have all blocks")
        spent = cluster.cpu_seconds() - cpu
        return {"us CPU per tx": spent / options.messages * 1e6,
                "tx/s": run["deliveredPerSecond"],
                "blocks/s": run["blocksPerSecond"],
                "messages per block": options.messages / (after - before),
                "MB at most": sum(node.peak_megabytes() for node in cluster.nodes) / options.nodes}


def syncs(options, executable, block_messages):
    """How often a node synchronizes with the disk for a block."""
    with running(executable, options.nodes, Traced, max_message_count=block_messages) as cluster:
        before, syncs_before = cluster.settled_height(), sum(node.syncs() for node in cluster.nodes)
        load(options.client, cluster, [cluster.leader], options.messages)
        after = wait_for(cluster.settled_height, "all have all blocks")
        count = sum(node.syncs() for node in cluster.nodes) - syncs_before
        return {"syncs per block": count / options.nodes / (after - before)}


class Reader(Tail):
    """Reads a node's blocks from the tip on, and notes when each came."""

    def __init__(self, cluster, node):
        start = node.height(cluster.channel, org_user(1))
        super().__init__(node, cluster.channel, org_user(1), start)
        # The stream is to outlive the leader.
        self.request = seek(cluster.channel, org_user(1), start, 2**64 - 1, best_effort=True)
        self.came = []

    def run(self):
        collector = threading.Thread(target=self.collect, daemon=True)
        collector.start()
        super().run()

    def collect(self):
        """Notes times for as long as the process lives."""
        while True:
            self.blocks.get()
            self.came.append(time.monotonic())


def longest_gap(times, since):
    """The longest time between two of `times` that ended after `since`."""
    return max(after - before for before, after in zip(times, times[1:]) if after > since)


class Client(threading.Thread):
    """Sends one message after the other to a node, on a stream as long as it lives, and notes when each
    was taken."""

    def __init__(self, cluster, node):
        super().__init__(daemon=True)
        self.cluster, self.node = cluster, node
        self.taken = []
        self.ended = threading.Event()

    def run(self):
        with self.node.channel() as channel:
            broadcast = channel.stream_stream(
                "/orderer.AtomicBroadcast/Broadcast", request_serializer=None,
                response_deserializer=ab_pb2.BroadcastResponse.FromString)
            while not self.ended.is_set():
                try:
                    for response in broadcast(self.messages()):
                        if response.status == 200:
                            self.taken.append(time.monotonic())
                except grpc.RpcError:
                    pass
                time.sleep(0.01)

    def messages(self):
        """Messages, each once the one before it was answered; a refusal ends the stream."""
        sent = len(self.taken)
        while not self.ended.is_set():
            yield self.cluster.message().SerializeToString()
            sent += 1
            while len(self.taken) < sent and not self.ended.is_set():
                time.sleep(0.001)
            time.sleep(0.005)


def fail_over(options, executable, number):
    """How long clients are without SUCCESS when the leader ends."""
    with running(executable, options.nodes, max_message_count=10) as cluster:
        clients = [Client(cluster, node) for node in cluster.followers()]
        reader = Reader(cluster, cluster.followers()[0])
        for each in (*clients, reader):
            each.start()
        for client in clients:
            wait_for(lambda: len(client.taken) > 100,  # pylint: disable=cell-var-from-loop
                     "messages are taken")
        old = cluster.leader_index()
        cluster.leader.process.send_signal(number)
        ended = time.monotonic()
        wait_for(lambda: cluster.leader.process.poll() is not None, "the leader has ended")
        wait_for(lambda: cluster.leader_index() not in (0, old), "there is another leader", 120)
        elected = time.monotonic()
        for times in (*(client.taken for client in clients), reader.came):
            wait_for(lambda: times[-1] > elected + 1,  # pylint: disable=cell-var-from-loop
                     "messages get into blocks again", 120)
        for client in clients:
            client.ended.set()
        return {"s without SUCCESS": max(longest_gap(client.taken, ended) for client in clients),
                "s without a block": longest_gap(reader.came, ended)}


def measure(options, what, executable):
    """One measurement of one executable."""
    if what in ("leader", "followers"):
        return flat_out(options, executable, what, options.block_messages)
    if what == "ones":
        return flat_out(options, executable, "leader", 1)
    if what == "syncs":
        return syncs(options, executable, 1)
    return fail_over(options, executable, {"stop": signal.SIGTERM, "kill": signal.SIGKILL}[what])


def compared(results, names):
    """The medians of each figure, and the ratio of the first executable's to the second's."""
    summary = {}
    for figure in results[names[0]][0]:
        medians = [statistics.median(run[figure] for run in results[name]) for name in names]
        entry = dict(zip(names, medians))
        if len(medians) == 2 and medians[1]:
            pairs = [ours[figure] / theirs[figure] for ours, theirs in zip(*results.values())]
            # Processes of Go's orderer have modes, so the cheapest and the dearest are told apart.
            theirs = sorted(run[figure] for run in results[names[1]])
            entry |= {"ratio": medians[0] / medians[1], "from": min(pairs), "to": max(pairs),
                      LOWEST: medians[0] / theirs[0], HIGHEST: medians[0] / theirs[-1]}
        summary[figure] = entry
    return summary


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--client", help="the executable that sends; by default --orderer")
    parser.add_argument("--nodes", type=int, default=3, choices=[1, 3])
    parser.add_argument("--what", default="leader,followers,ones,syncs,stop,kill")
    parser.add_argument("--block-messages", type=int, default=500)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    options.client = options.client or options.orderer
    names = [options.orderer] + ([options.rival] if options.rival else [])
    report = {}
    for what in options.what.split(","):
        results = {name: [] for name in names}
        for turn in range(options.rounds):
            for name in names:
                results[name].append(measure(options, what, name))
                figures = ", ".join(f"{value:.3g} {figure}" if value < 100 else f"{value:,.0f} {figure}"
                                    for figure, value in results[name][-1].items())
                print(f"{what}, round {turn + 1}  {name}: {figures}", flush=True)
        report[what] = {"runs": results, "medians": compared(results, names)}
        for figure, entry in report[what]["medians"].items():
            if "ratio" in entry:
                print(f"{what}: {figure}, ours to the rival's: {entry['ratio']:.3f} "
                      f"(pair by pair from {entry['from']:.3f} to {entry['to']:.3f}; to its lowest "
                      f"{entry[LOWEST]:.3f}, to its highest {entry[HIGHEST]:.3f})"
                      f"{'' if figure in COSTS else ', more is better'}", flush=True)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
