"""TLS and SASL towards the brokers: what works, and what an operator sees of what does not."""

import pathlib
import time

import pytest

from harness import (SYSTEM_CHANNEL, envelope, orderer_admin, org_user, payload_data, rivals,
                     wait_for)
from kafka import Broker, KafkaOrderer, genesis, header_and_data
from kafka_certificates import Certificate, authority, client_settings, server_context
from kafka_gate import Gate
from test_kafka import chain

HOSTS = ("localhost", "127.0.0.1")
PASSWORD = "secret, = and more"


class Site:
    """A broker behind a gate, with its certificates; and the settings of orderers that fit."""

    def __init__(self, directory, executable, host="localhost"):
        self.directory, self.executable = directory, executable
        self.gate = Gate(host)
        self.broker = Broker(directory, self.gate.address).start()
        self.ca, self.other_ca = authority("Kafka CA"), authority("Other CA")
        self.middle = authority("Middle CA", self.ca)
        self.server = Certificate("broker", self.ca, HOSTS)
        self.client = Certificate("orderer", self.middle)
        self.options, self.environment, self.orderers = {}, {}, []

    def use_tls(self, server=None, clients=None, client=None, roots=None):
        """Let the gate speak TLS; client certificates are asked for if a CA is given."""
        self.gate.tls = server_context(self.directory, server or self.server, clients)
        self.options.setdefault(
            "Kafka.TLS", client_settings(client or self.client, *(roots or [self.other_ca, self.ca])))

    def use_sasl(self, mechanism="PLAIN", password=PASSWORD, named=True):
        """Let the gate ask for a password."""
        self.gate.mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        self.gate.users = {"orderer,=1": PASSWORD}
        self.options["Kafka.SASLPlain"] = {
            "Enabled": True, "User": "orderer,=1", "Password": password,
            **({"Mechanism": mechanism} if named else {})}

    def use_files(self):
        """Name the texts' files in the settings, as operators do, and the password in the environment."""
        tls = self.options["Kafka.TLS"]

        def file(name, text):
            (self.directory / name).write_text(text)
            return str(self.directory / name)
        for key in ("Certificate", "PrivateKey"):
            tls[key] = {"File": file(key, tls[key])}
        tls["RootCAs"] = {"File": file("RootCAs", "".join(tls["RootCAs"]))}
        password = self.options["Kafka.SASLPlain"].pop("Password")
        self.environment["ORDERER_KAFKA_SASLPLAIN_PASSWORD"] = password

    def orderer(self, library, executable=None, flavor="2.5", style="v20"):
        """A started orderer; its library is that of the system or of the confluent-kafka package."""
        if not self.gate.server:
            self.gate.start(self.broker.port)
        number = len(self.orderers)
        made = KafkaOrderer(executable or self.executable, self.directory / f"orderer{number}",
                            genesis(self.gate.address, style), node=number % 4 + 1, flavor=flavor,
                            options=self.options)
        made.environment |= self.environment
        if library == "system":
            made.environment["LD_LIBRARY_PATH"] = ""
        self.orderers.append(made)
        return made.start()

    def close(self):
        """End everything."""
        for orderer in self.orderers:
            orderer.stop(9)
        self.broker.stop()
        self.gate.stop()


@pytest.fixture
def site(tmp_path, executable):
    """A broker behind a gate that asks for nothing yet."""
    made = Site(pathlib.Path(tmp_path), executable)
    yield made
    made.close()


@pytest.fixture(params=["system", "newer"])
def library(request):
    """Which librdkafka the orderer has."""
    return request.param


def secure(site, how):
    """Set both sides up for a kind of security."""
    if "mutual" in how:
        site.use_tls(clients=site.ca)
    elif "tls" in how:
        site.use_tls()
    for word, mechanism in [("plain", "PLAIN"), ("scram256", "SCRAM-SHA-256"),
                            ("scram512", "SCRAM-SHA-512")]:
        if word in how:
            site.use_sasl(mechanism)


@pytest.mark.parametrize("how", ["nothing", "tls", "mutual tls", "plain", "scram256", "scram512",
                                 "plain over tls", "scram512 over mutual tls"])
def test_orders_and_restarts(site, library, how):
    """Two orderers on one topic write the same, also after a restart."""
    secure(site, how)
    if how == "scram512 over mutual tls":
        site.use_files()
    orderers = [site.orderer(library).wait_ready() for _ in range(2)]
    channel, user = orderers[0].create_channel(), org_user(1)
    for orderer in orderers:
        orderer.wait_ready(channel, user)
    sent = [b"%d" % number for number in range(30)]
    for number, data in enumerate(sent):
        if number == 15:
            orderers[1].stop(9)
            orderers[1].start().wait_ready(channel, user)
        assert orderers[number % 2].broadcast(envelope(channel, user, data)) == ["SUCCESS"]

    def found(orderer):
        return [payload_data(data) for block in chain(orderer, channel, user)[1:]
                for data in block.data.data]
    for orderer in orderers:
        wait_for(lambda o=orderer: sorted(found(o)) == sorted(sent), "all messages are in blocks")
        assert " ERRO" not in orderer.log
    assert header_and_data(chain(orderers[0], channel, user)) == header_and_data(
        chain(orderers[1], channel, user))
    if "plain" in how or "scram" in how:
        assert site.gate.authenticated > 3


def expired(name, issuer, hosts=()):
    """A certificate that was good until yesterday."""
    return Certificate(name, issuer, hosts, days=(-9, -1))


def refuse_password(site):
    site.use_sasl(password="wrong")
    return "refuses Kafka.SASLPlain.User and Password", lambda: site.gate.users.update(
        {"orderer,=1": "wrong"})


def refuse_scram_password(site):
    site.use_sasl("SCRAM-SHA-512", password="wrong")
    return "refuses Kafka.SASLPlain.User and Password", lambda: site.gate.users.update(
        {"orderer,=1": "wrong"})


def lack_mechanism(site):
    site.use_sasl("PLAIN")
    site.gate.mechanisms = ["SCRAM-SHA-512"]
    return ("does not accept Kafka.SASLPlain.Mechanism: broker's supported mechanisms: SCRAM-SHA-512",
            lambda: site.gate.mechanisms.append("PLAIN"))


def distrust_authority(site):
    site.use_tls(server=Certificate("broker", authority("Strange CA"), HOSTS))
    return "issued by CN=Strange CA, which is not in Kafka.TLS.RootCAs", site.use_tls


def show_expired_certificate(site):
    site.use_tls(server=expired("broker", site.ca, HOSTS))
    return "the certificate of CN=broker has expired on", site.use_tls


def be_called_otherwise(site):
    site.use_tls(server=Certificate("broker", site.ca, ("broker.example.com",)))
    return "is not for localhost", site.use_tls


def have_only_a_common_name(site):
    site.use_tls(server=Certificate("localhost", site.ca))
    return "subject alternative name localhost", site.use_tls


def ask_for_another_certificate(site):
    site.use_tls(clients=site.other_ca)
    return ("refuses this orderer's certificate",
            lambda: site.use_tls(clients=site.ca))


def refuse_expired_client(site):
    site.use_tls(clients=site.ca, client=expired("orderer", site.ca))
    return "refuses this orderer's certificate (certificate expired)", site.use_tls


def want_tls(site):
    site.gate.tls = server_context(site.directory, site.server)
    return "its listener may want TLS (Kafka.TLS.Enabled)", lambda: setattr(site.gate, "tls", None)


def speak_no_tls(site):
    site.use_tls()
    site.gate.tls = None
    return "may not speak TLS (Kafka.TLS.Enabled)", site.use_tls


def want_password(site):
    site.gate.mechanisms = ["PLAIN"]
    return "want a password (Kafka.SASLPlain.Enabled)", site.gate.mechanisms.clear


@pytest.mark.parametrize("break_it", [
    refuse_password, refuse_scram_password, lack_mechanism, distrust_authority,
    show_expired_certificate, be_called_otherwise, have_only_a_common_name,
    ask_for_another_certificate, refuse_expired_client, want_tls, speak_no_tls, want_password])
def test_is_told_and_mended(site, library, break_it):
    """The log tells what is wrong, clients are sent away; and it goes on once it is mended."""
    words, mend = break_it(site)
    orderer = site.orderer(library)
    wait_for(lambda: words in orderer.log, f"the log says '{words}'")
    wait_for(lambda: "None of the Kafka brokers" in orderer.log, "the log says that there is no broker")
    message = envelope(SYSTEM_CHANNEL, orderer_admin(), b"")
    assert orderer.broadcast(message) == ["SERVICE_UNAVAILABLE"]
    assert orderer.deliver(SYSTEM_CHANNEL, orderer_admin(), 0, 0)[1] == "SERVICE_UNAVAILABLE"
    assert PASSWORD not in orderer.log
    time.sleep(3)
    told = [line for line in orderer.log.splitlines() if words in line and "Rejecting" not in line]
    # Once by itself, once as the reason why nothing works.
    assert len(told) <= 2, told
    mend()
    orderer.wait_ready()
    channel, user = orderer.create_channel(), org_user(1)
    orderer.wait_ready(channel, user)
    assert orderer.broadcast(envelope(channel, user, b"after")) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, user) == 2, "the message is in a block")


def test_a_password_that_changes_while_the_orderer_runs(site):
    """Connections that break cannot be made again; until the old password is back."""
    site.use_tls()
    site.use_sasl("SCRAM-SHA-256")
    orderer = site.orderer("newer").wait_ready()
    channel, user = orderer.create_channel(), org_user(1)
    orderer.wait_ready(channel, user)
    site.gate.users = {"orderer,=1": "new"}
    site.gate.drop()
    wait_for(lambda: "refuses Kafka.SASLPlain.User and Password" in orderer.log, "the log tells")
    wait_for(lambda: orderer.broadcast(envelope(channel, user, b"no")) == ["SERVICE_UNAVAILABLE"],
             "messages are refused")
    wait_for(lambda: orderer.deliver(channel, user, 0, 0)[1] == "SERVICE_UNAVAILABLE",
             "the channel is in error")
    site.gate.users = {"orderer,=1": PASSWORD}
    wait_for(lambda: orderer.broadcast(envelope(channel, user, b"yes")) == ["SUCCESS"],
             "messages are taken again")
    wait_for(lambda: orderer.deliver(channel, user, 0, 0)[1] == "SUCCESS", "the channel works again")


@pytest.mark.parametrize("roots", ["middle", "broker"])
def test_what_is_in_root_cas_is_trusted_as_it_is(site, library, roots):
    """As for Go, it need not be self-signed."""
    if roots == "middle":
        site.use_tls(server=Certificate("broker", site.middle, HOSTS), roots=[site.middle])
    else:
        site.use_tls(roots=[site.server])
    site.orderer(library).wait_ready()


def test_texts_that_are_no_certificates_halt_the_channel_only(site):
    """The setting is named."""
    site.use_tls()
    site.options["Kafka.TLS"]["PrivateKey"] = Certificate("other", site.ca).key_pem
    orderer = site.orderer("newer")
    wait_for(lambda: "Kafka.TLS.PrivateKey" in orderer.log.partition("has halted")[2], "the log tells")
    assert orderer.process.poll() is None


@pytest.mark.parametrize("how", ["tls", "mutual tls", "plain", "plain over tls"])
@pytest.mark.parametrize("flavor, path", rivals("1.", "2."))
def test_another_implementation_behind_the_same_gate(site, flavor, path, how):
    """It takes the same settings, and writes the same blocks."""
    style = "v14" if flavor == "1.4" else "v20"
    if "tls" in how:
        site.use_tls(clients=site.ca if "mutual" in how else None)
    if "plain" in how:
        site.use_sasl(named=False)
    orderers = [site.orderer("newer", flavor=flavor, style=style),
                site.orderer("newer", path, flavor, style)]
    for orderer in orderers:
        orderer.wait_ready()
    channel, user = orderers[0].create_channel(style), org_user(1)
    for orderer in orderers:
        orderer.wait_ready(channel, user)
    for number in range(40):
        message = envelope(channel, user, b"%d" % number)
        assert orderers[number % 2].broadcast(message) == ["SUCCESS"]

    def count(orderer):
        return sum(len(block.data.data) for block in chain(orderer, channel, user)[1:])
    for orderer in orderers:
        wait_for(lambda o=orderer: count(o) == 40, "all messages are in blocks")
    assert header_and_data(chain(orderers[0], channel, user)) == header_and_data(
        chain(orderers[1], channel, user))


def test_connections_that_the_broker_ends_are_made_again(site):
    """As brokers end those that nobody uses: that is no alarm."""
    orderer = site.orderer("newer").wait_ready()
    channel, user = orderer.create_channel(), org_user(1)
    orderer.wait_ready(channel, user)
    for number in range(3):
        time.sleep(1)
        site.gate.drop()
        time.sleep(2)
        message = envelope(channel, user, b"%d" % number)
        wait_for(lambda m=message: orderer.broadcast(m) == ["SUCCESS"], "messages are taken")
    assert "can be reached" not in orderer.log
