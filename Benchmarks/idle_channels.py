#!/usr/bin/env python3
"""Measures what idle channels cost three nodes, in turn with three nodes of a rival.

    python3 Benchmarks/idle_channels.py --orderer .build/release/orderer [--rival OTHER] \
        [--channels 500] [--seconds 60] [--rounds 1] [--json FILE]

Every channel is ordered by the same three nodes, and joined through the participation API. Once each has a
leader, the nodes are left alone for some seconds, and then for as long as is measured: user and system time of
all three processes, their memory that is resident (RSS) and what of it is their own (PSS), threads and
descriptors. Leadership is as the elections brought it. CPU is that of processes, so that other load on the
machine matters little, but figures of different runs should not be compared. Needs the packages of
Tests/Interop/requirements.txt.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import statistics
import sys
import tempfile
import time

from fabric_protos.common import common_pb2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import wait_for  # noqa: E402
from raftorderer import RaftOrderer  # noqa: E402

# The first seconds of a channel are elections and connections.
SETTLING = 20


def named(block, name):
    """The genesis block of another channel with the same configuration."""
    block = common_pb2.Block.FromString(block.SerializeToString())
    message = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(message.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    header.channel_id = name
    payload.header.channel_header = header.SerializeToString()
    message.payload = payload.SerializeToString()
    block.data.data[0] = message.SerializeToString()
    block.header.data_hash = hashlib.sha256(block.data.data[0]).digest()
    return block


def state(pid):
    """(CPU seconds, RSS and PSS in MB, threads, descriptors) of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()

    def megabytes(text, key):
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) / 1024
    return {"CPU s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            "RSS MB": megabytes(status, "VmRSS"), "PSS MB": megabytes(rollup, "Pss"),
            "threads": int(fields[17]), "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


def led_channels(node):
    """How many channels of a node have a leader, as far as it knows."""
    changes = re.findall(r"Raft leader changed: \d+ -> (\d+).*?channel=(\S+)", node.log)
    leaders = {channel: leader for leader, channel in changes}
    return sum(leader != "0" for leader in leaders.values())


def measure(options, executable):
    """What three idle nodes with all channels cost."""
    with tempfile.TemporaryDirectory() as directory:
        nodes = [RaftOrderer(executable, pathlib.Path(directory) / f"node{number}", number)
                 for number in (1, 2, 3)]
        try:
            for node in nodes:
                node.start()
            _, block = nodes[0].genesis(nodes[1:], tick_interval="500ms")
            began = time.monotonic()
            for number in range(options.channels):
                genesis = named(block, f"channel{number}")
                for node in nodes:
                    node.join(genesis)
            joined = time.monotonic() - began
            for node in nodes:
                wait_for(lambda: led_channels(node) == options.channels,  # pylint: disable=W0640
                         "every channel has a leader", 300)
            time.sleep(SETTLING)
            before = [state(node.process.pid) for node in nodes]
            time.sleep(options.seconds)
            after = [state(node.process.pid) for node in nodes]
            total = {key: sum(each[key] for each in after) for key in after[0]}
            total["CPU s"] -= sum(each["CPU s"] for each in before)
            return {"s to join": joined} | total
        finally:
            for node in nodes:
                node.stop(signal.SIGKILL)


def main():
    """Measure in turn, and print sums over the three nodes and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--channels", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json")
    options = parser.parse_args()
    executables = [each for each in (options.orderer, options.rival) if each]
    results = [[] for _ in executables]
    for _ in range(options.rounds):
        for executable, found in zip(executables, results):
            found.append(measure(options, executable))
            print(executable, {key: round(value, 2) for key, value in found[-1].items()}, flush=True)
    medians = [{key: statistics.median(each[key] for each in found) for key in found[0]}
               for found in results]
    for key, value in medians[0].items():
        ratio = f"  {value / medians[1][key]:.2f} of the rival's" if len(medians) > 1 else ""
        print(f"{key:12} {value:10.2f}{ratio}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
