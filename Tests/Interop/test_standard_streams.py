"""Standard streams that are closed, full, or have no reader."""

import pathlib
import subprocess

import pytest

from channelclient import ChannelClient
from harness import FIXTURES


def without_streams(orderer, tmp_path, closing):
    """Let the orderer start with some of its standard streams closed."""
    script = tmp_path / "closing"
    script.write_text(f'#!/bin/sh\nexec "{orderer.executable}" "$@" {closing}\n')
    script.chmod(0o755)
    orderer.executable = str(script)


@pytest.mark.parametrize("closing", ["2>&-", "<&- >&- 2>&-", "<&-", "<&- 2>&-"])
def test_the_node_without_streams(make_orderer, tmp_path, closing):
    """What it logs goes nowhere, least of all into its ledger."""
    orderer = make_orderer()
    whole = orderer.executable
    without_streams(orderer, tmp_path, closing)
    orderer.start()
    client = ChannelClient(orderer, orderer.create_channel())
    for _ in range(3):
        assert client.accepts(100)
    client.settle()
    named = {number: pathlib.Path(f"/proc/{orderer.process.pid}/fd/{number}").readlink()
             for number in range(3)}
    assert named[0] == pathlib.Path("/dev/null")
    if "2>&-" in closing:
        assert named[2] == pathlib.Path("/dev/null")
    assert orderer.stop() == 0
    for path in (orderer.directory / "ledger").rglob("*"):
        if path.is_file():
            assert b"orderer.common.server" not in path.read_bytes(), path
    orderer.executable = whole
    orderer.start()
    client.settle()
    assert client.accepts()


COMMANDS = {
    "version": ["version"],
    "help": ["--help"],
    "config show": ["config", "show", "--block", str(FIXTURES / "blocks/system-solo-v20.block")],
}


def run(executable, arguments, streams):
    """Status and what was written to standard error."""
    command = " ".join(f'"{argument}"' for argument in [executable, *arguments])
    done = subprocess.run(["sh", "-c", f"{command} {streams}"], capture_output=True, timeout=60,
                          check=False)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_that_cannot_be_written(executable, name):
    """Whoever asked for it learns that from the status, and from standard error if there is one."""
    for streams in (">&-", ">/dev/full"):
        status, text = run(executable, COMMANDS[name], streams)
        assert status == 1
        assert "cannot write to standard output" in text
    assert run(executable, COMMANDS[name], ">&- 2>&-")[0] == 1
    assert run(executable, COMMANDS[name], "<&-")[0] == 0


def test_a_complaint_that_cannot_be_written(executable):
    """The status tells."""
    for arguments in (["nonsense"], ["config"], ["config", "show", "--block", "/nowhere"],
                      ["ledger", "list"]):
        for streams in ("2>&-", "2>/dev/full", "<&- >&- 2>&-"):
            assert run(executable, arguments, streams)[0] in (1, 64)
