"""The processes of a group under faults: each with its lives, what its log says, and what it uses."""

import collections
import datetime
import os
import pathlib
import re
import shutil
import signal
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from faults import Faults
from harness import FIXTURES
from kafka_certificates import DAY, Certificate
from raftorderer import RaftOrderer

TLS_CA = FIXTURES / "crypto/orderer.test/tlsca"
# What no log may have. A halted channel is one that needs a restart.
TROUBLE = re.compile(r"(?i)\bfatal\b|\bpanic|\btrap\b|crashed|precondition|out of range|\bis damaged|channel .*halted")
LEADER = re.compile(r"Raft leader changed: \d+ -> (\d+).*?node=(\d+)")
COLOURS = re.compile(r"\x1b\[[\d;]*m")
# Counted in the logs: what the run is to have seen.
SEEN = {"snapshots taken": "Snapshot is taken at index", "snapshots received": "Catching up with snapshot",
        "leader changes": "Start accepting requests as Raft leader",
        "submitted again": "in no block yet are submitted again"}


class TLSAuthority:
    """The TLS CA of the fixtures' orderer organization, which issues new certificates for nodes."""

    def __init__(self):
        self.certificate = x509.load_pem_x509_certificate((TLS_CA / "cert.pem").read_bytes())
        self.key = serialization.load_pem_private_key((TLS_CA / "key.pem").read_bytes(), None)
        self.chain, self.issuer = "", None

    def issue(self, folder):
        """A folder with a new pair as the fixtures' nodes have them."""
        folder.mkdir(parents=True)
        # Go takes serial numbers of 20 bytes at most, and looks at validity.
        made = Certificate(folder.name, self, ["localhost", "127.0.0.1"], days=(-1, 365))
        assert made.certificate.not_valid_after_utc > datetime.datetime.now(datetime.timezone.utc) + DAY
        (folder / "server.crt").write_text(made.pem)
        (folder / "server.key").write_text(made.key_pem)
        return folder


class Life:
    """One process of a member, from its start on."""

    def __init__(self, number):
        self.number = number
        # How it ended: "killed", "stopped", "stopped while cut off" (from the leader, which then does not get what the
        # node still has), or not at all.
        self.ended = None
        # The disk ended the channel, or will end the process: so the log says it, and messages are lost.
        self.may_halt = self.may_die = False


class Member:
    """One node of the group over all its lives."""

    def __init__(self, executable, directory, number, library, authority):
        # Without `library` it is another orderer, whose system calls nobody can stand before.
        self.name, self.is_ours = directory.name, library is not None
        self.authority, self.certificates = authority, 0
        self.node = RaftOrderer(executable, directory, (number - 1) % 4 + 1)
        self.node.settings["Consensus"]["EvictionSuspicion"] = "5s"
        self.faults = Faults(library, directory) if library else None
        if self.faults:
            self.node.environment = self.faults.environment
        self.life, self.lives, self.beginnings = Life(0), 0, 0
        self.is_up = self.is_consenter = False
        self.answers, self.seen = collections.Counter(), collections.Counter()
        self.trouble, self.is_leading, self.led_since = [], False, 0.0
        self._read = 0
        self.new_certificate()

    @property
    def pid(self):
        """The process."""
        return self.node.process.pid if self.node.process else 0

    @property
    def runs(self):
        """Whether there is a process."""
        return self.node.process is not None and self.node.process.poll() is None

    def new_certificate(self):
        """Take a new certificate from the next start on."""
        self.certificates += 1
        self.node.take_certificate(
            self.authority.issue(self.node.directory / f"tls{self.certificates}"))

    # MARK: Lives

    def start(self):
        """Begin a new life, and wait until it serves."""
        self.lives += 1
        self.life = Life(self.lives)
        self.node.start()
        self.is_up = True

    def kill(self):
        """SIGKILL."""
        self.is_up, self.life.ended, self.is_leading = False, "killed", False
        self.node.process.kill()
        self.node.process.wait()

    def stop(self, is_cut_off):
        """An orderly end; the exit status."""
        self.is_up, self.is_leading = False, False
        self.life.ended = "stopped while cut off" if is_cut_off else "stopped"
        return self.node.stop()

    def signal(self, number):
        """Send a signal to the process."""
        self.node.process.send_signal(number)

    def wipe(self):
        """Remove all that the node has kept."""
        assert not self.runs
        shutil.rmtree(self.node.directory / "ledger")

    def ended_by_itself(self):
        """Why the process is gone although nobody ended it; None if all is well."""
        process = self.node.process
        if process is None or process.poll() is None or self.life.ended:
            return None
        if self.life.may_die and process.returncode == -signal.SIGKILL:
            self.is_up, self.life.ended, self.is_leading = False, "killed", False
            return None
        return f"{self.name} ended by itself with {process.returncode}"

    # MARK: Looking at it

    def read_log(self):
        """Take in what has come to the log; the lines that no log may have."""
        path = self.node.directory / "orderer.log"
        if not path.exists():
            return []
        with open(path, "rb") as file:
            file.seek(self._read)
            new = file.read()
        new = new[:new.rfind(b"\n") + 1]
        self._read += len(new)
        text = COLOURS.sub("", new.decode(errors="replace"))
        for leader, own in LEADER.findall(text):
            self.is_leading = leader == own and self.life.ended is None
            self.led_since = time.monotonic()
        for what, words in SEEN.items():
            self.seen[what] += text.count(words)
        found = [line for line in text.splitlines() if TROUBLE.search(line)]
        found = [] if self.life.may_halt else found
        self.trouble += found
        return found

    def usage(self):
        """What the process uses: descriptors, threads, resident megabytes."""
        threads = pathlib.Path(f"/proc/{self.pid}/task")
        return {"life": self.life.number, "descriptors": len(os.listdir(f"/proc/{self.pid}/fd")),
                "threads": len(os.listdir(threads)), "megabytes": round(self.node.resident_megabytes(), 1)}

    def rests(self):
        """The least of what the process uses within a moment: connections may just be about to end."""
        samples = []
        for _ in range(4):
            samples.append(self.usage())
            time.sleep(0.3)
        return {key: min(each[key] for each in samples) for key in samples[0]}

