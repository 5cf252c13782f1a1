"""Keys and certificates that are renewed while a node runs: on every port, and as a consenter of a channel.

HEDDLE_RIVALS=2.5=PATH,3.1=PATH names other orderers, which then order together with ours.
"""

import hashlib
import shutil
import signal
import ssl

import pytest
from harness import rivals, wait_for
from raftorderer import NODES, RaftOrderer
from test_consenters import Consenters
from test_raft_cluster import Group

OTHERS = [pytest.param(None, id="ours")] + [
    pytest.param(path, id=version) for version, path in rivals("2.5", "3.1")]


class RenewedOrderer(RaftOrderer):
    """A node of ours whose TLS files are copies, which are replaced while it runs."""

    def __init__(self, executable, directory, number):
        super().__init__(executable, directory, number)
        self.files = self.directory / "tls"
        self.files.mkdir(exist_ok=True)
        self.take(number)
        for section, names in ((self.settings["General"]["TLS"], ("Certificate", "PrivateKey")),
                               (self.settings["General"]["Cluster"],
                                ("ClientCertificate", "ClientPrivateKey")),
                               (self.settings["Admin"]["TLS"], ("Certificate", "PrivateKey"))):
            section |= dict(zip(names, (str(self.files / "server.crt"), str(self.files / "server.key"))))

    def take(self, number):
        """Have the files hold the certificate and the key of a node of the fixtures."""
        for name in ("server.key", "server.crt"):
            shutil.copy(NODES / f"node{number}/tls" / name, self.files / f"{name}.new")
            (self.files / f"{name}.new").rename(self.files / name)

    def shown(self, port):
        """The certificate that a port shows."""
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def certificate(number):
    """The certificate of a node of the fixtures."""
    return (NODES / f"node{number}/tls/server.crt").read_bytes()


def fingerprint(number):
    """Of that certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate(number).decode())).hexdigest()


class RenewedGroup(Group):
    """Three nodes that order a channel; those of ours renew their files."""

    def __init__(self, executable, others, directory):
        self.ours = []
        self.executable = executable
        super().__init__([executable] + [others or executable] * 2, directory)

    def make(self, executable, directory, number):
        """A node that is not started yet."""
        if executable != self.executable:
            return RaftOrderer(executable, directory, number)
        self.ours.append(RenewedOrderer(executable, directory, number))
        return self.ours[-1]


@pytest.fixture(name="group", params=OTHERS)
def fixture_group(request, executable, tmp_path):
    """Three nodes, the first of ours, the others of ours too or another's."""
    group = RenewedGroup(executable, request.param, tmp_path)
    yield group
    for node in group.nodes:
        node.stop(signal.SIGKILL)


def rotate(consenters, old, new):
    """Have the channel name the certificate of another node of the fixtures in place of one's."""
    def change(each):
        for consenter in each:
            if consenter.server_tls_cert == certificate(old):
                consenter.server_tls_cert = consenter.client_tls_cert = certificate(new)
                return
        raise AssertionError(f"no consenter has the certificate of node {old}")
    consenters.set_consenters(change)


def works(group):
    """Every node takes messages, and all have the same blocks."""
    for node in group.nodes:
        group.submit(node, 3)
    group.settle()


def lead(group, node):
    """Have a node lead."""
    for _ in range(20):
        leader = wait_for(group.leader, "there is a leader", 90)
        if leader is node:
            return
        leader.stop()
        wait_for(group.leader, "the others have a leader", 90)
        leader.start()
    raise AssertionError(f"{node.address} never leads")


@pytest.mark.parametrize("leads", [False, True], ids=["member", "leader"])
def test_a_consenter_is_renewed_without_a_restart(group, leads):
    """Files first and the channel afterwards, then the other way round; the node never ends."""
    node = group.ours[0]
    consenters = Consenters(group)
    works(group)
    if leads:
        lead(group, node)
    process = node.process.pid

    node.take(4)
    wait_for(lambda: "once a channel's configuration names it" in node.log, "the files are seen", 60)
    assert node.shown(node.port) == fingerprint(1)
    works(group)
    rotate(consenters, 1, 4)
    wait_for(lambda: node.shown(node.port) == fingerprint(4), "the new certificate is shown", 60)
    works(group)

    if leads:
        lead(group, node)
        process = node.process.pid
    rotate(consenters, 4, 1)
    node.take(1)
    node.process.send_signal(signal.SIGHUP)
    wait_for(lambda: node.shown(node.port) == fingerprint(1), "the first certificate is shown", 60)
    works(group)
    assert node.process.pid == process and node.process.poll() is None


def test_a_bad_pair_is_told_and_the_old_one_kept(executable, tmp_path):
    """The admin port and the client port go on with what they had, and take what fits together later."""
    node = RenewedOrderer(executable, tmp_path / "node1", 1).start()
    try:
        shutil.copy(NODES / "node4/tls/server.key", node.files / "server.key")
        node.process.send_signal(signal.SIGHUP)
        for section in ("General.TLS and General.Cluster", "Admin.TLS"):
            text = f"The TLS files of {section} cannot be used"
            wait_for(lambda: node.log.count(text) == 1, f"{section} is told of", 60)  # pylint: disable=W0640
        assert [node.shown(port) for port in (node.port, node.admin)] == [fingerprint(1)] * 2
        assert node.channels() == []
        node.take(4)
        for port in (node.port, node.admin):
            wait_for(lambda: node.shown(port) == fingerprint(4), "the new pair is shown", 60)  # pylint: disable=W0640
        assert node.channels() == []
        assert "cannot be used" not in node.log.split("have been taken")[-1]
    finally:
        node.stop()
