"""What a running node tells of its channels' health, and of the folders and addresses it is given."""

import pytest
from channelclient import ChannelClient
from harness import envelope, org_user, wait_for
from operations import ask, health
from test_full_disk import Ballast, small_disk  # noqa: F401 (a fixture)


def test_full_disk_shows(make_orderer, small_disk):  # noqa: F811
    """A channel whose ledger takes no blocks is unhealthy until there is room, and only it."""
    orderer = make_orderer(options={"FileLedger.Location": str(small_disk / "ledger")}).start()
    channel = orderer.create_channel()
    client, ballast = ChannelClient(orderer, channel), Ballast(small_disk)
    assert health(orderer) == {}
    ballast.fill()
    client.until_refused()
    found = health(orderer)
    assert set(found) == {channel}
    assert "no space left" in found[channel] and "no restart is needed" in found[channel]
    ballast.drop()
    wait_for(client.accepts, "the node resumes by itself")
    wait_for(lambda: health(orderer) == {}, "the node is healthy again")


def test_damaged_ledger_shows(make_orderer):
    """A channel that cannot be opened is unhealthy, and says so from the start."""
    orderer = make_orderer().start()
    channel = orderer.create_channel()
    client = ChannelClient(orderer, channel)
    assert client.accepts()
    client.settle()
    orderer.stop()
    file = orderer.directory / f"ledger/chains/{channel}/blockfile_000000"
    content = bytearray(file.read_bytes())
    content[20:200] = bytes(180)
    file.write_bytes(content)
    orderer.start()
    wait_for(lambda: set(health(orderer)) == {channel}, "the damage is told")
    assert len(health(orderer)[channel]) > 20


def test_log_entries_are_counted(make_orderer):
    """The counts of log entries catch up with the log."""
    orderer = make_orderer(options={"Metrics.Provider": "prometheus"}).start()
    before = orderer.log.count(" WARN")
    for _ in range(7):
        orderer.broadcast(envelope("nowhere", org_user(1), b"x"))
    wait_for(lambda: f'logging_entries_written{{level="warn"}} {before + 7}\n'
             in ask(orderer, "/metrics")[1], "the warnings are counted")


def test_missing_trace_folder(make_orderer, tmp_path):
    """A folder for traces that is not there costs a line in the log, and nothing else."""
    orderer = make_orderer(options={
        "Debug.BroadcastTraceDir": str(tmp_path / "missing")}).start()
    client = ChannelClient(orderer, orderer.create_channel())
    for _ in range(5):
        assert client.accepts()
    client.settle()
    assert orderer.stop() == 0
    assert orderer.log.count("Debug.BroadcastTraceDir): No such file or directory") == 1


@pytest.mark.parametrize("setting", ["Operations.ListenAddress", "General.Profile.Address"])
def test_address_in_use(make_orderer, setting):
    """An address that is taken ends the start, with the setting's name."""
    first = make_orderer().start()
    second = make_orderer(options={setting: first.address, "General.Profile.Enabled": True})
    second.start(wait=False)
    wait_for(lambda: second.process.poll() is not None, "the node gives up")
    assert second.process.returncode != 0
    assert "address already in use" in second.log and f"({setting})" in second.log
