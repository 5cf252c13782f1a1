"""Several orderer processes on one broker, while processes and broker come and go."""

import os
import random
import threading
import time

import grpc
import pytest

from harness import Tail, envelope, org_user, payload_data, rivals, wait_for
from kafka import KafkaOrderer, genesis, header_and_data


@pytest.fixture
def join(executable, tmp_path, broker):
    """A function that makes orderers on the broker, which end with the test."""
    made = []

    def make(path=executable, flavor="2.5", style="v20"):
        made.append(KafkaOrderer(path, tmp_path / f"orderer{len(made)}",
                                 genesis(broker.address, style), node=len(made) % 4 + 1,
                                 flavor=flavor))
        return made[-1].start().wait_ready()
    yield make
    for orderer in made:
        orderer.stop(9)


class Client(threading.Thread):
    """Submits numbered messages one by one, wherever an orderer takes them; keeps what was taken."""

    def __init__(self, name, orderers, channel, user):
        super().__init__(daemon=True)
        self.name, self.orderers, self.channel, self.user = name, orderers, channel, user
        self.taken, self.finished = [], threading.Event()

    def run(self):
        number = 0
        while not self.finished.is_set():
            orderer = random.choice(self.orderers)
            data = b"%s:%d" % (self.name.encode(), number)
            number += 1
            try:
                if orderer.broadcast(envelope(self.channel, self.user, data)) == ["SUCCESS"]:
                    self.taken.append(data)
            except grpc.RpcError:
                time.sleep(0.05)


def chain(orderer, channel, user):
    """All blocks of a channel."""
    return orderer.deliver(channel, user, 0, orderer.height(channel, user) - 1)[0]


def churn(orderers, channel, user, rounds, clients=6):
    """Kill and restart orderers at random under load; then compare what they have written."""
    clients = [Client(f"client{number}", orderers, channel, user) for number in range(clients)]
    for client in clients:
        client.start()
    for _ in range(rounds):
        time.sleep(random.uniform(0.5, 1.5))
        victim = random.choice(orderers)
        victim.stop(random.choice([9, 9, 15]))
        time.sleep(random.uniform(0, 1))
        victim.start()
    for orderer in orderers:
        orderer.wait_ready(channel, user)
    time.sleep(1)
    for client in clients:
        client.finished.set()
    for client in clients:
        client.join(60)
    last = envelope(channel, user, b"last")
    assert orderers[0].broadcast(last) == ["SUCCESS"]

    def has_last(orderer):
        blocks, _ = orderer.deliver(channel, user, None, None)
        return blocks and b"last" in [payload_data(data) for data in blocks[0].data.data]
    for orderer in orderers:
        wait_for(lambda o=orderer: has_last(o), "all messages are in blocks", timeout=60)
    chains = [header_and_data(chain(orderer, channel, user)) for orderer in orderers]
    for other in chains[1:]:
        assert other == chains[0]
    found = [payload_data(data) for _, entries in chains[0][1:] for data in entries]
    taken = [data for client in clients for data in client.taken]
    assert len(taken) > 20
    assert set(taken) <= set(found)
    assert len(found) == len(set(found))


def test_three_orderers_are_killed_under_load(join):
    """Whatever is killed, all write the same blocks, with each acknowledged message once."""
    orderers = [join() for _ in range(3)]
    channel, user = orderers[0].create_channel(), org_user(1)
    for orderer in orderers:
        orderer.wait_ready(channel, user)
    churn(orderers, channel, user, rounds=int(os.environ.get("HEDDLE_ROUNDS", "8")))
    for orderer in orderers:
        assert " ERRO" not in orderer.log


@pytest.mark.parametrize("flavor, path", rivals("1.", "2."))
def test_another_implementation_shares_the_topics(join, flavor, path):
    """An orderer of another make on the same topics writes the same blocks.

    There is one client only: while several nodes post at once, the test broker may serve a record before
    the one ahead of it. Ours reads again then; the Go orderer skips the record and forks its chain.
    """
    style = "v14" if flavor == "1.4" else "v20"
    orderers = [join(flavor=flavor, style=style), join(path, flavor, style),
                join(flavor=flavor, style=style)]
    channel, user = orderers[1].create_channel(style), org_user(1)
    for orderer in orderers:
        orderer.wait_ready(channel, user)
    churn(orderers, channel, user, rounds=int(os.environ.get("HEDDLE_ROUNDS", "8")), clients=1)


def test_a_broker_that_hangs_and_comes_back(join, broker):
    """Meanwhile submissions and strict deliveries are refused; then everything goes on by itself."""
    orderer = join()
    channel, user = orderer.create_channel(), org_user(1)
    orderer.wait_ready(channel, user)
    assert orderer.broadcast(envelope(channel, user, b"before")) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, user) == 2, "the message is in a block")
    tail = Tail(orderer, channel, user, start=2)
    tail.start()
    broker.pause()
    began = time.monotonic()
    assert orderer.broadcast(envelope(channel, user, b"during")) == ["SERVICE_UNAVAILABLE"]
    assert time.monotonic() - began < 20
    wait_for(lambda: orderer.deliver(channel, user, 0, 0)[1] == "SERVICE_UNAVAILABLE",
             "the channel is in error", timeout=60)
    response = tail.blocks.get(timeout=10)
    assert response.status == 503
    broker.resume()
    wait_for(lambda: orderer.deliver(channel, user, 0, 0)[1] == "SUCCESS",
             "the channel works again", timeout=60)
    wait_for(lambda: orderer.broadcast(envelope(channel, user, b"after")) == ["SUCCESS"],
             "messages are taken again", timeout=60)
    wait_for(lambda: b"after" in [payload_data(data) for block in chain(orderer, channel, user)[1:]
                                  for data in block.data.data], "the message is in a block")


def test_a_topic_that_is_gone(join, broker):
    """A channel whose topic has lost records halts with the reason, and the node goes on."""
    orderer = join()
    channel, user = orderer.create_channel(), org_user(1)
    orderer.wait_ready(channel, user)
    for number in range(5):
        assert orderer.broadcast(envelope(channel, user, b"%d" % number)) == ["SUCCESS"]
    wait_for(lambda: orderer.height(channel, user) >= 2, "there are blocks")
    orderer.stop()
    broker.stop()
    broker.start()
    orderer.start()
    wait_for(lambda: "was deleted and created again" in orderer.log, "the channel halts")
    assert orderer.broadcast(envelope(channel, user, b"no")) == ["SERVICE_UNAVAILABLE"]
    assert orderer.deliver(channel, user, 0, 0)[1] == "SERVICE_UNAVAILABLE"
    assert orderer.process.poll() is None
