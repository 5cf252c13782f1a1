"""Options and fixtures of the interoperability tests."""

import pathlib
import signal

import pytest

from channelclient import ChannelClient
from faults import Faults, compile_library
from harness import Orderer


def pytest_addoption(parser):
    """Add the option that names the executable."""
    parser.addoption("--orderer", type=pathlib.Path, required=True, help="orderer executable")


@pytest.fixture(scope="session")
def executable(request):
    """The executable under test."""
    return request.config.getoption("--orderer").resolve()


@pytest.fixture
def make_orderer(executable, tmp_path):
    """A function that makes orderers, which end with the test."""
    made = []

    def make(**arguments):
        made.append(Orderer(executable, tmp_path / f"orderer{len(made)}", **arguments))
        return made[-1]
    yield make
    for orderer in made:
        orderer.stop(9)


@pytest.fixture
def orderer(make_orderer):
    """A running orderer with the fixture system channel."""
    return make_orderer().start()


@pytest.fixture(scope="session", name="fault_library")
def fixture_fault_library(tmp_path_factory):
    """The library that makes calls fail."""
    return compile_library(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def faults(fault_library, tmp_path):
    """The faults of the processes of one test."""
    return Faults(fault_library, tmp_path)


@pytest.fixture(name="node")
def fixture_node(make_orderer, faults):
    """A running orderer whose file operations can be made to fail."""
    node = make_orderer()
    node.environment = faults.environment
    node.start()
    assert faults.loaded, "the library is not in the process"
    return node


@pytest.fixture(name="clients")
def fixture_clients(node, faults):
    """A client of each of two channels. At the end the node is killed and looked at."""
    clients = [ChannelClient(node, node.create_channel()),
               ChannelClient(node, node.create_channel(name="other"))]
    for client in clients:
        assert client.accepts()
        client.settle()
    yield clients
    faults.clear()
    node.stop(signal.SIGKILL)
    node.environment = {}
    node.start()
    for client in clients:
        client.is_sound()
        assert client.accepts()
        client.settle()
    assert "is damaged" not in node.log


@pytest.fixture
def client(clients):
    """The client of the channel that has trouble."""
    return clients[0]


@pytest.fixture
def other(clients):
    """The client of a channel that has none."""
    return clients[1]


@pytest.fixture
def broker(tmp_path):
    """A running broker."""
    from kafka import Broker  # Changes what later processes load: only for tests with a broker.
    made = Broker(tmp_path).start()
    yield made
    made.resume()
    made.stop()
