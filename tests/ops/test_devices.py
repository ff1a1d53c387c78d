"""Several processes are told how to find each other; what makes no sense is refused before they try."""

import pytest

from netspace_jax.errors import InputError
from netspace_jax.ops.devices import Hosts, join


@pytest.mark.parametrize(
    ("hosts", "word"),
    [
        (Hosts(processes=2), "--hosts.coordinator"),
        (Hosts("127.0.0.1:1", 2, 2), "--hosts.process 2"),
        (Hosts("127.0.0.1:1"), "--hosts.process -1"),
        (Hosts("127.0.0.1", 2, 0), "no port"),
        (Hosts("auto", 2, 0), "leave them out"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(hosts, word):
    with pytest.raises(InputError, match=word):
        join(hosts)


def test_one_process_alone_needs_nothing():
    join(Hosts())
