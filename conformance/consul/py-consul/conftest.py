"""
Fixtures for py-consul's API tests: as its own conftest.py, but each test gets a Rollcall, started as
`consul agent -dev` through the shim, and no Docker container. The tests themselves are py-consul's.
"""

import collections
import json
import os
import socket
import subprocess
import time
import uuid

import pytest
import requests

Instance = collections.namedtuple("Instance", ["container", "port", "version"])


@pytest.fixture(scope="session", autouse=True)
def _unset_consul_token():
    os.environ.pop("CONSUL_HTTP_TOKEN", None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def started(tmp_path, token=None):
    port = free_port()
    config = {
        "ports": {"http": port, "https": -1, "dns": -1, "grpc": -1, "grpc_tls": -1},
        "performance": {"raft_multiplier": 1},
        "enable_script_checks": True,
    }
    if token is not None:
        config["primary_datacenter"] = "dc1"
        config["acl"] = {"enabled": True, "tokens": {"initial_management": token}}
    file = tmp_path / "consul.json"
    file.write_text(json.dumps(config))
    with open(tmp_path / "consul.log", "wb") as log:
        command = [os.environ["CONSUL_BIN"], "agent", "-dev", "-config-file", str(file)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        version = ready(process, port, tmp_path)
        yield Instance(process, port, version)
    finally:
        process.kill()
        process.wait()


def ready(process, port, tmp_path):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/v1/agent/self", timeout=2)
            if answer.status_code == 200:
                return answer.json()["Config"]["Version"].strip()
        except requests.RequestException:
            time.sleep(0.05)
    raise RuntimeError((tmp_path / "consul.log").read_text())


@pytest.fixture
def consul_instance(tmp_path):
    yield from started(tmp_path)


@pytest.fixture
def acl_consul_instance(tmp_path):
    token = uuid.uuid4().hex
    for instance in started(tmp_path, token):
        yield instance, token


@pytest.fixture
def consul_port(consul_instance):
    return consul_instance.port, consul_instance.version
