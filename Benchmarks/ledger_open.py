#!/usr/bin/env python3
"""Measures how soon an orderer serves a large ledger folder, in turn with a rival.

    python3 Benchmarks/ledger_open.py --orderer .build/release/orderer [--rival OTHER] \
        [--channels 1000] [--blocks 1000000]

Makes a folder with many channels of a few blocks each and the same organizations, one with as many
channels that all have organizations of their own, and one with a channel of very many small blocks, each
next to a system channel. The first start indexes them; what counts is the second one, from
the start of the process to the first block served. Needs the packages of Tests/Interop/requirements.txt.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Interop"))
from harness import Orderer, org_user, wait_for  # noqa: E402
from made_ledger import source, with_own_organizations, write_channel  # noqa: E402


def measure(orderer, channel):
    """(seconds from the start of the process to a block of `channel`, height, resident MB)."""
    began = time.monotonic()
    try:
        orderer.start()
        # A channel whose ledger is still being opened is refused for the time being.
        blocks = wait_for(
            lambda: orderer.deliver(channel, org_user(1), None, None)[0], "the channel is served")
        elapsed = time.monotonic() - began
        memory = orderer.resident_megabytes()
    finally:
        orderer.stop()
    return elapsed, blocks[0].header.number + 1, memory


def main():
    """Generate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orderer", required=True)
    parser.add_argument("--rival")
    parser.add_argument("--flavor", default="2.5")
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    base, genesis = source(options.orderer, options.flavor)
    kinds = []
    if options.channels:
        names = [f"channel{n:05}" for n in range(options.channels)]
        kinds.append((f"{options.channels} channels", [(name, 3, genesis) for name in names]))
        # The last one is read, by a member that exists.
        own = [(name, 3, with_own_organizations(genesis)) for name in names[:-1]]
        kinds.append((f"{options.channels} channels of different organizations",
                      own + [(names[-1], 3, genesis)]))
    if options.blocks:
        kinds.append((f"a channel of {options.blocks} blocks", [("large", options.blocks, genesis)]))
    names = [options.orderer] + ([options.rival] if options.rival else [])
    for what, channels in kinds:
        with tempfile.TemporaryDirectory() as directory:
            directory = pathlib.Path(directory)
            shutil.copytree(base / "ledger", directory / "ledger")
            for channel, count, first in channels:
                write_channel(directory / "ledger", first, channel, count,
                              lambda number: [b"%d" % number])
            for index, name in enumerate(names):
                copy = directory / str(index)
                copy.mkdir()
                shutil.copytree(directory / "ledger", copy / "ledger")
                orderer = Orderer(name, copy, flavor=options.flavor)
                try:
                    first = measure(orderer, channels[-1][0])
                except TimeoutError as error:
                    print(f"{what}  {name}: {error}", flush=True)
                    continue
                later = [measure(orderer, channels[-1][0])[0] for _ in range(options.repeat)]
                print(f"{what}  {name}: {first[0]:.2f} s without an index, then "
                      f"{', '.join(f'{each:.2f} s' for each in later)}; height {first[1]}, "
                      f"{first[2]:.0f} MB resident", flush=True)
    shutil.rmtree(base)


if __name__ == "__main__":
    main()
