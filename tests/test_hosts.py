"""One job on several processes: the same figures and the same networks as on one, and runs that move between devices."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netspace_jax.devices import Hosts, join
from netspace_jax.errors import InputError
from netspace_jax.zoo import Zoo
from tests.test_end_to_end import ROOT, TINY


def begin(cwd, devices, *flags):
    """The command on so many CPU devices."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu",
                   "XLA_FLAGS": f"--xla_backend_optimization_level=0 --xla_force_host_platform_device_count={devices}"}
    return subprocess.Popen([sys.executable, str(ROOT / "train.py"), *TINY, "--devices", "0", *flags], cwd=cwd, env=environment,
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def results(cwd):
    """Parameters of all members, and the final figures, of the one run there."""
    zoo = Zoo(next((cwd / "zoos").iterdir()))
    values = json.loads((cwd / "runs" / "digits" / "metrics.json").read_text())
    rows = {member.index: row for members, chunk in zoo.chunks("lenetlike") for member, row in zip(members, chunk, strict=True)}
    return np.stack([rows[index] for index in sorted(rows)]), {name: v for name, v in values.items() if "seconds" not in name}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("alone")
    process = begin(cwd, 1)
    assert process.wait(400) == 0, process.stderr.read()
    return results(cwd)


def test_two_processes_make_what_one_makes(alone, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [begin(tmp_path, 2, "--hosts.coordinator", address, "--hosts.processes", "2", "--hosts.process", str(index))
                 for index in range(2)]
    outputs = [process.communicate(timeout=400) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "NetSpace" in outputs[0][1] and "NetSpace:" not in outputs[1][1]  # progress on the first
    parameters, values = results(tmp_path)
    np.testing.assert_allclose(parameters, alone[0], atol=5e-6)
    assert values.keys() == alone[1].keys()
    for name in ("zoo/accuracy_mean", "reconstruct/gap_test", "reconstruct/agreement_test"):
        assert abs(values[name] - alone[1][name]) < 0.02


@pytest.mark.parametrize(("hosts", "word"), [
    (Hosts(processes=2), "--hosts.coordinator"), (Hosts("127.0.0.1:1", 2, 2), "--hosts.process 2"), (Hosts("127.0.0.1:1"), "--hosts.process -1"),
    (Hosts("127.0.0.1", 2, 0), "no port"), (Hosts("auto", 2, 0), "leave them out")])
def test_numbers_that_make_no_sense_are_refused(hosts, word):
    with pytest.raises(InputError, match=word):
        join(hosts)
