"""The door of pyinfra: a child process carries resources out on hosts, and tells of each as it goes.

The child is another process because pyinfra needs gevent's patches, which break every TLS call of ours.  The job goes
to its standard input, keys and passphrases included, so that none of them is ever in an argument or the environment.
"""

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import IO, Any

from deploys.codec import encode
from hosting_cli.doors.operator_key import read_bootstrap_key
from hosting_cli.errors import EngineError
from hosting_cli.jobs import Event, EventKind, HostJob, Job, Outcome
from inventory.resource import Json, Subject

JOB_VERSION = 1
_KEPT_LINES = 20


class Engine:
    """Start the child, tell what it tells, and stop it when we stop."""

    def __init__(self, argv: tuple[str, ...] = (sys.executable, "-m", "deploys.child")) -> None:
        self._argv = argv
        self._child: subprocess.Popen[str] | None = None

    @property
    def child_pid(self) -> int | None:
        """Give the process that is carrying out a job, for tests that kill it."""
        return self._child.pid if self._child else None

    def converge(self, job: Job, on_event: Callable[[Event], None]) -> Outcome:
        """Carry *job* out; *on_event* is called for every event, in order, before the next is read.

        A resource that fails is part of the outcome, not an exception.  Raise ``EngineError`` if the child broke.
        """
        if not job.hosts:
            return Outcome({}, {}, ())
        tally = _Tally()
        with subprocess.Popen(
            self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            self._child = child
            try:
                complaint, listener = _feed(child, json.dumps(document(job)))
                for line in _lines(child.stdout):
                    event = parse(line)
                    tally.note(event)
                    on_event(event)
                status = child.wait()
                listener.join()
            finally:
                self._child = None
                child.kill()
        if status not in (0, 2):
            what = f"the process that changes hosts ended with {status}: {' '.join(complaint) or 'it said nothing'}"
            raise EngineError("hosts", what, "Apply again: what was done is left alone.")
        return tally.outcome()


class _Tally:
    """Sums events up."""

    def __init__(self) -> None:
        self._failed: dict[Subject, EngineError] = {}
        self._lost: dict[str, EngineError] = {}
        self._changed: list[Subject] = []

    def note(self, event: Event) -> None:
        if event.kind in {EventKind.FAILED, EventKind.SKIPPED} and event.subject is not None:
            self._failed[event.subject] = EngineError(str(event.subject), event.text, "Mend that, and apply again.")
        elif event.kind is EventKind.HOST_FAILED:
            self._lost[event.host] = EngineError(
                f"host {event.host}", event.text, "Apply again: what was done is left alone."
            )
        elif event.kind is EventKind.DONE and event.changed and event.subject is not None:
            self._changed.append(event.subject)

    def outcome(self) -> Outcome:
        return Outcome(self._failed, self._lost, tuple(self._changed))


def document(job: Job) -> dict[str, Json]:
    """Write *job* as the child reads it; the one place where its secrets are revealed."""
    return {
        "version": JOB_VERSION,
        "key": {"private_key": job.key.private_key.reveal(), "certificate": job.key.certificate},
        "hosts": {name: _host_document(host) for name, host in job.hosts.items()},
    }


def _host_document(host: HostJob) -> dict[str, Json]:
    access = host.access
    return {
        "address": access.address,
        "port": access.port,
        "host_key": access.host_key,
        "bootstrap_key": read_bootstrap_key(access.bootstrap_key).reveal() if access.bootstrap_key else None,
        "resources": [encode(resource) for resource in host.resources],
        "removed": [encode(resource) for resource in host.removed],
        "secrets": {name: secret.reveal() for name, secret in host.secrets.items()},
    }


def parse(line: str) -> Event:
    """Read one line of the child; raise ``EngineError`` for one that is no event."""
    try:
        told: dict[str, Any] = json.loads(line)
        subject = Subject(*told["subject"]) if told.get("subject") else None
        return Event(EventKind(told["kind"]), told["host"], subject, told.get("text", ""), told.get("changed", False))
    except (ValueError, KeyError, TypeError) as error:
        what = f"the process that changes hosts said {line[:200]!r}, which is no event"
        raise EngineError("hosts", what, "Report this with the output of `hosting doctor`.") from error


def _feed(child: subprocess.Popen[str], text: str) -> tuple[deque[str], Thread]:
    """Send the job and collect complaints, beside us: a full pipe in either direction would stop both processes."""
    complaint: deque[str] = deque(maxlen=_KEPT_LINES)
    listener = Thread(target=lambda: complaint.extend(line.rstrip() for line in _lines(child.stderr)), daemon=True)
    for thread in (listener, Thread(target=_send, args=(child.stdin, text), daemon=True)):
        thread.start()
    return complaint, listener


def _send(stream: IO[str] | None, text: str) -> None:
    if stream is None:
        return
    try:
        with stream:
            stream.write(text)
    except BrokenPipeError:
        return  # The child died; its status and its last words say why.


def _lines(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise TypeError("the child has no such stream")
    return stream
