"""The process in which pyinfra changes hosts: a job on standard input, events as JSON lines on standard output.

Exit status: 0 everything was carried out, 2 something failed on some host (the events say what), 3 the job is none.
A host that fails does not disturb the others.  We die with our parent, so that nothing goes on unseen.
``child`` begins it, because gevent's patches must come before anything that is imported here.
"""

import ctypes
import json
import logging
import os
import signal
import sys
from typing import Any

import gevent
from pyinfra.api.config import Config
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State, StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploys.answers import UnknownError
from deploys.codec import decode
from deploys.concerns import converge
from deploys.connections import ACCESSES, Access, HostingConnector
from deploys.facts.host import run
from deploys.handed_over import SECRETS
from deploys.progress import LISTENERS
from inventory.resource import Subject

JOB_VERSION = 1
COMMAND_TIMEOUT_SECONDS = 120
HOST_TIMEOUT_SECONDS = 3600
AT_ONCE = 50
_SET_PARENT_DEATH_SIGNAL = 1

ALL_DONE, SOME_FAILED, NO_JOB = 0, 2, 3


def main() -> int:
    """Carry out the job on standard input."""
    if not _die_with_parent():
        return NO_JOB
    logging.getLogger("pyinfra").addHandler(_LastWords())
    try:
        hosts = _hosts(json.load(sys.stdin))
    except (ValueError, KeyError, TypeError) as error:
        # The text of such an error may quote the job, hence only its kind.
        sys.stderr.write(f"the job cannot be read: {type(error).__name__}\n")
        return NO_JOB
    LISTENERS.append(emit)
    return ALL_DONE if all(carry_out(hosts)) else SOME_FAILED


def _die_with_parent() -> bool:
    """Ask the kernel to kill us when our parent dies; tell whether it is still there."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    return os.getppid() == parent != 1


def _hosts(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if job["version"] != JOB_VERSION:
        raise ValueError(f"version {job['version']} instead of {JOB_VERSION}")
    return {name: _host_data(name, host, job["key"]) for name, host in job["hosts"].items()}


def _host_data(name: str, host: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    """Put keys and secrets where only we look, and give the rest to pyinfra."""
    ACCESSES[name] = Access(
        address=host["address"],
        port=host["port"],
        host_key=host["host_key"],
        private_key=key["private_key"],
        certificate=key["certificate"],
        bootstrap_key=host["bootstrap_key"],
    )
    SECRETS[name] = host["secrets"]
    return {
        "resources": tuple(decode(resource) for resource in host["resources"]),
        "removed": tuple(decode(resource) for resource in host["removed"]),
        "_timeout": COMMAND_TIMEOUT_SECONDS,
    }


def carry_out(hosts: dict[str, dict[str, Any]]) -> list[bool]:
    """Converge all hosts at once, each in its own time; tell for each whether everything was carried out."""
    inventory = Inventory((list(hosts.items()), {}))  # type: ignore[no-untyped-call]  # pyinfra has no types here
    for host in inventory:
        host.connector_cls = HostingConnector
    config = Config(PARALLEL=AT_ONCE)  # type: ignore[no-untyped-call]  # nor here
    # Operations run as they are called (below): checking beforehand what would change would only read twice.
    state = State(inventory, config, check_for_changes=False)
    with ctx_state.use(state):
        state.set_stage(StateStage.Execute)
        state.is_executing = True
        jobs = [state.pool.spawn(_one, state, host) for host in inventory]
        gevent.joinall(jobs)
        return [job.get() for job in jobs]


def _one(state: State, host: Host) -> bool:
    reason = None
    try:
        with ctx_config.use(state.config.copy()), ctx_host.use(host), gevent.Timeout(HOST_TIMEOUT_SECONDS):
            host.connect(raise_exceptions=True)
            emit("connected", host.name)
            state.activate_host(host)
            converge()
    except (PyinfraError, UnknownError, OSError, EOFError, AttributeError, gevent.Timeout) as error:
        # AttributeError: what pyinfra raises where a connection broke between two commands.
        reason = str(error) or type(error).__name__
    finally:
        _disconnect(host)
    with ctx_host.use(host):
        failed = {} if reason else run().failed
    if reason:
        emit("host_failed", host.name, text=reason)
    emit("result", host.name, text=reason or f"{len(failed)} failed" if failed else "done")
    return reason is None and not failed


def _disconnect(host: Host) -> None:
    """Close the connection; pyinfra forgets it without closing."""
    client = getattr(host.connector, "client", None)
    if client is not None:
        client.close()


def emit(kind: str, host: str, *, subject: Subject | None = None, text: str = "", changed: bool = False) -> None:
    """Tell the parent, one line each; if it is gone, so are we."""
    event = {
        "kind": kind,
        "host": host,
        "subject": [subject.kind, subject.name] if subject else None,
        "text": text,
        "changed": changed,
    }
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class _LastWords(logging.Handler):
    """Hand pyinfra's warnings and errors on; what it logs below that is noise."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        host = ctx_host.get()  # type: ignore[no-untyped-call]  # pyinfra has no types here
        if LISTENERS and host is not None:
            emit("output", host.name, text=record.getMessage())
