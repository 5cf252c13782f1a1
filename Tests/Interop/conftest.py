"""Options and fixtures of the interoperability tests."""

import pathlib

import pytest

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
