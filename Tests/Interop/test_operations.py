"""The operations service: what it tells, to whom, and that hostile clients do it no harm.

With HEDDLE_RIVALS=1.4=PATH,2.5=PATH the answers are compared with those of other orderers too.
"""

import concurrent.futures
import http.client
import json
import os
import re
import socket
import ssl
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

import harness
from harness import FIXTURES, Identity, Orderer, Sender, envelope, free_port, org_user, wait_for

NODE = FIXTURES / "crypto/orderer.test/nodes/node1/tls"
MEMBER = FIXTURES / "crypto/org1.test/users/user1"
# Not of Fabric's own: runtimes, and metrics that only one side has.
FOREIGN = ("go_", "etcd_", "heddle_")
# Labels whose values are not what is compared: which levels are logged, and whether a client has
# cancelled a call that was about to end by itself.
INCIDENTAL = {"level", "code"}


def rivals():
    """Other implementations to compare with; the fixture's system channel is none for 3.x."""
    pairs = [pytest.param(*each, id=each[0]) for each in harness.rivals("1.", "2.")]
    return pairs or [pytest.param("", "", marks=pytest.mark.skip("HEDDLE_RIVALS names no rival"))]


def operations_options(**more):
    """Options of an orderer with an operations service and Prometheus metrics."""
    return {"Operations.ListenAddress": f"127.0.0.1:{free_port()}",
            "Metrics.Provider": "prometheus"} | more


def address_of(orderer):
    """(host, port) of an orderer's operations service."""
    host, port = orderer.settings["Operations"]["ListenAddress"].split(":")
    return host, int(port)


def ask(orderer, method, path, body=None, headers=None, context=None):
    """One request: (status, headers, text)."""
    host, port = address_of(orderer)
    if context:
        connection = http.client.HTTPSConnection("localhost", port, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def metrics(orderer):
    """{name: (type, {labels: value})} of /metrics, as a Prometheus client reads it."""
    status, _, text = ask(orderer, "GET", "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        samples = {}
        for sample in family.samples:
            if family.type == "histogram" and not sample.name.endswith("_count"):
                continue
            samples[tuple(sorted(sample.labels.items()))] = sample.value
        found[family.name] = (family.type, samples)
    return found


def make_traffic(orderer, style="v20"):
    """A channel with transactions of every outcome, and readers; its name."""
    name = orderer.create_channel(style)
    user = org_user(1)
    assert orderer.broadcast(*[envelope(name, user, b"x") for _ in range(12)]) == ["SUCCESS"] * 12
    wait_for(lambda: count_transactions(orderer, name) == 12, "the transactions are in blocks")
    stranger = Identity("Org4MSP", FIXTURES / "crypto/org4.test/users/user1")
    assert orderer.broadcast(envelope(name, stranger, b"x")) == ["FORBIDDEN"]
    assert orderer.deliver(name, stranger, 0, 0)[1] == "FORBIDDEN"
    assert orderer.deliver("nosuchchannel", user, 0, 0)[1] == "NOT_FOUND"
    return name


def count_transactions(orderer, name):
    """Transactions in all blocks but the first."""
    blocks, _ = orderer.deliver(name, org_user(1), 0, None)
    return sum(len(block.data.data) for block in blocks[1:])


@pytest.fixture
def busy(make_orderer):
    """An orderer that has had traffic, and the channel's name."""
    orderer = make_orderer(options=operations_options()).start()
    return orderer, make_traffic(orderer)


# ---- what is told


def test_every_metric_is_valid_and_counts(busy):
    """A Prometheus client reads /metrics, and the numbers are those of the traffic."""
    orderer, name = busy
    height = orderer.height(name, org_user(1))
    found = metrics(orderer)
    kind, processed = found["broadcast_processed_count"]
    assert kind == "counter"

    def labels(status, kind="ENDORSER_TRANSACTION"):
        return (("channel", name), ("status", status), ("type", kind))
    assert processed[labels("SUCCESS")] == 12
    assert processed[labels("FORBIDDEN")] == 1
    assert found["broadcast_validate_duration"][1][labels("SUCCESS")] == 12
    assert found["broadcast_enqueue_duration"][1][labels("SUCCESS")] == 12
    assert found["ledger_blockchain_height"] == (
        "gauge", {(("channel", name),): height, (("channel", "syschannel"),): 2})
    assert found["ledger_blockstorage_commit_time"][1][(("channel", name),)] >= 2
    assert found["blockcutter_block_fill_duration"][1][(("channel", name),)] >= 2
    opened = found["grpc_comm_conn_opened"][1][()]
    wait_for(lambda: metrics(orderer)["grpc_comm_conn_closed"][1][()] >= opened,
             "the connections are closed")
    assert found["process_resident_memory_bytes"][1][()] > 1 << 20
    assert abs(found["process_start_time_seconds"][1][()] - time.time()) < 600


def test_metrics_are_there_while_the_node_works(busy):
    """Scrapes under load are complete and never go backwards."""
    orderer, name = busy
    user = org_user(1)
    messages = [envelope(name, user, b"%d" % number) for number in range(2000)]
    sender = Sender(orderer, [message.SerializeToString() for message in messages])
    sender.start()
    last = 0
    while sender.is_alive():
        value = metrics(orderer)["broadcast_processed_count"][1][
            (("channel", name), ("status", "SUCCESS"), ("type", "ENDORSER_TRANSACTION"))]
        assert value >= last
        last = value
    assert sender.error is None
    wait_for(lambda: metrics(orderer)["broadcast_processed_count"][1][
        (("channel", name), ("status", "SUCCESS"), ("type", "ENDORSER_TRANSACTION"))] == 2012,
             "all are counted")


def test_the_log_spec_takes_effect(orderer_with_operations):
    """What PUT /logspec sets is what is logged."""
    orderer = orderer_with_operations
    assert "DEBU" not in orderer.log
    assert ask(orderer, "PUT", "/logspec", '{"spec":"debug"}')[0] == 204
    orderer.height("syschannel", org_user(1))
    wait_for(lambda: "DEBU" in orderer.log, "debug lines are logged")
    assert ask(orderer, "PUT", "/logspec", '{"spec":"info"}')[0] == 204


@pytest.fixture
def orderer_with_operations(make_orderer):
    """An orderer with an operations service."""
    return make_orderer(options=operations_options()).start()


# ---- comparison with others


def shape(found):
    """{name: (type, label sets)} of what Fabric defines."""
    return {name: (kind, {tuple((key, "" if key in INCIDENTAL else value) for key, value in labels)
                          for labels in samples})
            for name, (kind, samples) in found.items() if not name.startswith(FOREIGN)}


@pytest.mark.parametrize("flavor, path", rivals())
def test_metrics_equal_a_rivals(make_orderer, tmp_path, flavor, path):
    """After the same traffic there are the same metrics with the same types, labels and values of
    labels."""
    style = "v14" if flavor == "1.4" else "v20"
    ours = make_orderer(flavor=flavor, options=operations_options()).start()
    rival = Orderer(path, tmp_path / "rival", flavor=flavor, options=operations_options())
    try:
        rival.start()
        shapes = []
        for orderer in (ours, rival):
            make_traffic(orderer, style)
            # The ends of the last streams are counted a moment later.
            time.sleep(2)
            shapes.append(shape(metrics(orderer)))
    finally:
        rival.stop(9)
    mine, theirs = shapes
    if flavor == "1.4":
        # 1.4 does not tell full blocks from headers; 2.x does, and so does this node.
        for name in ("deliver_blocks_sent", "deliver_requests_completed", "deliver_requests_received"):
            kind, sets = theirs[name]
            theirs[name] = (kind, {tuple(sorted((*labels, ("data_type", "block"))))
                                   for labels in sets})
        # 1.4 takes the time since the year 1 for that of an empty batch; 2.x does not.
        theirs["blockcutter_block_fill_duration"][1].discard((("channel", "syschannel"),))
    del mine["fabric_version"], theirs["fabric_version"]
    # What older clients of Prometheus do not have, and what 1.4 does not.
    optional = {"process_network_receive_bytes", "process_network_transmit_bytes",
                "process_virtual_memory_max_bytes"}
    if flavor == "1.4":
        optional |= {"participation_status", "participation_consensus_relation"}
    assert {name: entry for name, entry in mine.items() if name not in optional} \
        == {name: entry for name, entry in theirs.items() if name not in optional}


REQUESTS = [
    ("GET", "/healthz", None), ("POST", "/healthz", ""), ("HEAD", "/healthz", None),
    ("GET", "/version", None), ("POST", "/version", "x"), ("DELETE", "/version", None),
    ("GET", "/logspec", None), ("DELETE", "/logspec", None), ("POST", "/logspec", "{}"),
    ("PUT", "/logspec", '{"spec":"debug"}'), ("GET", "/logspec", None),
    ("PUT", "/logspec", '{"Spec":"gossip=warn:error:a.b=debug"}'), ("GET", "/logspec", None),
    ("PUT", "/logspec", '{"spec":null,"more":[1,{}]}'), ("GET", "/logspec", None),
    ("PUT", "/logspec", "{}"), ("PUT", "/logspec", "null"), ("PUT", "/logspec", ""),
    ("PUT", "/logspec", "not json"), ("PUT", "/logspec", "[]"), ("PUT", "/logspec", '{"spec":1}'),
    ("PUT", "/logspec", '{"spec":"nosuchlevel"}'), ("PUT", "/logspec", '{"spec":"=debug"}'),
    ("PUT", "/logspec", '{"spec":"a=b=debug"}'), ("PUT", "/logspec", '{"spec":"<&>=debug"}'),
    ("GET", "/logspec", None),
    ("GET", "/", None), ("GET", "/nosuch", None), ("GET", "/healthz/", None),
    ("GET", "//healthz", None), ("GET", "/a/../version", None), ("GET", "/%76ersion?x=y", None),
    ("POST", "/metrics", "x"), ("OPTIONS", "/metrics", None), ("HEAD", "/metrics", None),
]


def normalized(path, answer):
    """An answer without what differs from one run, or one JSON library, to the other."""
    status, headers, text = answer
    kind = headers.get("Content-Type", "")
    if path == "/metrics":
        return status, kind.split(";")[0], bool(text)
    if status in (301, 307):
        # 1.4 redirects for good, 2.5 for now.
        return "redirect", headers["Location"]
    if status == 400 and ("invalid" not in text or "invalid character" in text):
        # The reasons of a JSON parser are its own.
        return status, kind, sorted(json.loads(text))
    text = re.sub(r'"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"', "TIME", text)
    text = re.sub(r'"(CommitSHA|Version)":"[^"]+"', r'"\1"', text)
    return status, kind, text


@pytest.mark.parametrize("flavor, path", rivals())
def test_answers_equal_a_rivals(make_orderer, tmp_path, flavor, path):
    """Each request gets the same status, type and body."""
    ours = make_orderer(flavor=flavor, options=operations_options()).start()
    rival = Orderer(path, tmp_path / "rival", flavor=flavor, options=operations_options())
    differences = []
    try:
        rival.start()
        for method, target, body in REQUESTS:
            mine, theirs = (normalized(target, ask(orderer, method, target, body))
                            for orderer in (ours, rival))
            if mine != theirs:
                differences.append((method, target, body, mine, theirs))
    finally:
        rival.stop(9)
    assert differences == []


class StatsdListener(threading.Thread):
    """Collects names and types of what is sent to a UDP port."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.found = set()
        self.packets = []
        self.start()

    def run(self):
        while True:
            try:
                packet = self.socket.recv(65536)
            except OSError:
                return
            self.packets.append(len(packet))
            for line in packet.decode().splitlines():
                match = re.fullmatch(r"(\S+):-?\d+\.\d{6}\|(c|g|ms)(\|@\d\.\d+)?", line)
                assert match, line
                self.found.add(match.group(1, 2))

    def fabric(self):
        """The names that Fabric defines, but for logging."""
        return {(name, kind) for name, kind in self.found if name.split(".")[1] not in (
            "go", "process", "heddle", "logging", "participation", "fabric_version")
            and not name.endswith(".Canceled")}


def statsd_options(listener):
    """Options of an orderer that pushes to the listener."""
    return {"Metrics.Provider": "statsd", "Metrics.Statsd.Network": "udp",
            "Metrics.Statsd.Address": listener.address,
            "Metrics.Statsd.WriteInterval": "200ms", "Metrics.Statsd.Prefix": "pre"}


@pytest.mark.parametrize("flavor, path", rivals())
def test_statsd_names_equal_a_rivals(make_orderer, tmp_path, flavor, path):
    """The same traffic is told under the same names with the same types."""
    style = "v14" if flavor == "1.4" else "v20"
    listeners = [StatsdListener(), StatsdListener()]
    ours = make_orderer(flavor=flavor, options=statsd_options(listeners[0])).start()
    rival = Orderer(path, tmp_path / "rival", flavor=flavor, options=statsd_options(listeners[1]))
    try:
        rival.start()
        for orderer in (ours, rival):
            make_traffic(orderer, style)
        time.sleep(3)
    finally:
        rival.stop(9)
    mine, theirs = (listener.fabric() for listener in listeners)
    if flavor == "1.4":
        mine = {(re.sub(r"^(pre\.deliver\..*\.false)\.block", r"\1", name), kind)
                for name, kind in mine}
        theirs.discard(("pre.blockcutter.block_fill_duration.syschannel", "ms"))
    assert mine == theirs


def test_statsd_packets_are_small(make_orderer):
    """What goes over UDP fits into one frame."""
    listener = StatsdListener()
    orderer = make_orderer(options=operations_options(**statsd_options(listener))).start()
    make_traffic(orderer)
    wait_for(lambda: any(name.startswith("pre.broadcast.processed_count.")
                         for name, _ in listener.found), "metrics come")
    assert ask(orderer, "GET", "/metrics")[0] == 404
    assert max(listener.packets) <= 1432


# ---- TLS


def tls_context(client=False):
    """A client's TLS, with or without a certificate."""
    context = ssl.create_default_context(cafile=str(NODE / "ca.crt"))
    if client:
        context.load_cert_chain(MEMBER / "tls.crt", MEMBER / "tls.key")
    return context


def tls_options(required=False):
    """Options of an orderer with TLS for operations."""
    return operations_options(**{
        "Operations.TLS.Enabled": True, "Operations.TLS.Certificate": str(NODE / "server.crt"),
        "Operations.TLS.PrivateKey": str(NODE / "server.key"),
        "Operations.TLS.ClientAuthRequired": required,
        "Operations.TLS.ClientRootCAs": [str(FIXTURES / "crypto/org1.test/tlsca/cert.pem")]})


def tls_statuses(orderer):
    """Status by path, without and with a client certificate; None if there is no answer."""
    statuses = {}
    for client in (False, True):
        for path in ("/healthz", "/version", "/metrics", "/logspec", "/nosuch"):
            try:
                status, headers, _ = ask(orderer, "GET", path, context=tls_context(client))
                statuses[client, path] = status, "X-Request-Id" in headers
            except (ssl.SSLError, OSError, http.client.HTTPException):
                statuses[client, path] = None
    return statuses


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("flavor, path", rivals())
def test_tls_equals_a_rivals(make_orderer, tmp_path, flavor, path, required):
    """Who gets where over TLS is the same."""
    ours = make_orderer(flavor=flavor, options=tls_options(required)).start()
    rival = Orderer(path, tmp_path / "rival", flavor=flavor, options=tls_options(required))
    try:
        rival.start()
        assert tls_statuses(ours) == tls_statuses(rival)
    finally:
        rival.stop(9)


def test_tls_opens_only_what_it_should(make_orderer):
    """Without a client certificate only /healthz and /version answer."""
    orderer = make_orderer(options=tls_options()).start()
    statuses = {key: answer and answer[0] for key, answer in tls_statuses(orderer).items()}
    assert statuses == {
        (False, "/healthz"): 200, (False, "/version"): 200, (False, "/metrics"): 401,
        (False, "/logspec"): 401, (False, "/nosuch"): 404, (True, "/healthz"): 200,
        (True, "/version"): 200, (True, "/metrics"): 200, (True, "/logspec"): 200,
        (True, "/nosuch"): 404}


# ---- hostile clients


def test_hostile_clients_do_no_harm(busy):
    """Garbage, floods and idle connections neither stop the node nor make it grow."""
    orderer, name = busy
    address = address_of(orderer)
    before = orderer.resident_megabytes()

    def attack(number):
        try:
            with socket.create_connection(address, timeout=10) as connection:
                connection.settimeout(0.2)
                match number % 6:
                    case 0:
                        connection.sendall(os.urandom(4096))
                    case 1:
                        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
                    case 2:
                        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 2_000_000)
                    case 3:
                        connection.sendall(b"PUT /logspec HTTP/1.1\r\nHost: a\r\n"
                                           b"Content-Length: 100000000\r\n\r\n" + b"x" * 1_000_000)
                    case 4:
                        connection.sendall(b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n" + b"x" * 1_000_000)
                    case 5:
                        time.sleep(0.1)
                connection.recv(4096)
        except OSError:
            pass

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        list(pool.map(attack, range(3000)))
    assert orderer.broadcast(envelope(name, org_user(1), b"x")) == ["SUCCESS"]
    wait_for(lambda: ask(orderer, "GET", "/healthz")[0] == 200, "the service answers")
    assert metrics(orderer)["broadcast_processed_count"][1]
    assert orderer.resident_megabytes() - before < 150
    assert orderer.stop() == 0


def test_more_connections_than_allowed(busy):
    """Idle connections beyond the limit are closed, those within end by themselves, and the node
    orders on."""
    orderer, name = busy
    address = address_of(orderer)
    connections = []
    try:
        for _ in range(1500):
            try:
                connections.append(socket.create_connection(address, timeout=10))
            except OSError:
                break
        assert orderer.broadcast(envelope(name, org_user(1), b"x")) == ["SUCCESS"]
        # Those that are idle are closed after ten seconds, and there is room again.
        wait_for(lambda: answers(orderer), "the service answers")
    finally:
        for connection in connections:
            connection.close()
    assert orderer.stop() == 0


def answers(orderer):
    """Whether /healthz is 200; False if the connection is refused or closed."""
    try:
        return ask(orderer, "GET", "/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_made_up_names_make_no_series(busy):
    """Clients cannot fill the metrics with channels that do not exist."""
    orderer, _ = busy
    user = org_user(1)
    before = sum(len(samples) for _, samples in metrics(orderer).values())
    statuses = orderer.broadcast(*[envelope(f"made-up-{number}", user, b"x") for number in range(500)])
    assert set(statuses) == {"NOT_FOUND"}
    for number in range(20):
        orderer.deliver(f"made-up-{number}", user, 0, 0)
    after = sum(len(samples) for _, samples in metrics(orderer).values())
    assert after - before < 50


# ---- profiling


def test_profiling(make_orderer):
    """The profiling service has an index and tells of the node's channels."""
    port = free_port()
    orderer = make_orderer(options={"General.Profile.Enabled": True,
                                    "General.Profile.Address": f"127.0.0.1:{port}"}).start()

    def get(path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    assert get("/debug/pprof/")[0] == 200
    status, report = get("/debug/pprof/goroutine?debug=1")
    assert status == 200 and "syschannel" in report
    assert get("/debug/pprof/profile")[0] == 501
    assert get("/debug/pprof/nosuch")[0] == 404
    assert orderer.stop() == 0
