"""Leave word of the last backup, the last check and what volumes wait for: for `hosting`, and for the monitoring.

The word is a JSON document and, made from it, a file of metrics that the node exporter shows.  Each is replaced in one
step, so that nobody ever reads half of it.  Names, times and sizes of things, never what is in them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .locks import alone
from .settings import application, engines, write

METRICS = Path("/var/lib/prometheus/node-exporter")


def read(name: str) -> dict[str, Any]:
    """Give what is on record of the application *name*; nothing yet is an empty document."""
    try:
        found: dict[str, Any] = json.loads(_marker(name).read_text())
    except (OSError, ValueError):
        return {}
    return found


def note(name: str, what: str, outcome: Mapping[str, Any]) -> None:
    """Record how the last *what* (``backup``, ``check``) went, beside the last that succeeded."""
    attempt, success = _KEYS[what]
    marker = _marker(name)
    with alone(f"{name}.record"):
        state = read(name)
        succeeded = outcome["outcome"] == "done"
        state |= {attempt: dict(outcome), success: dict(outcome) if succeeded else state.get(success)}
        write(marker, json.dumps(state, indent=2) + "\n")
        write(METRICS / f"hosting-{name}.prom", metrics(name, engines().host, state))


def note_volume(name: str, volume: str, waits_for: str | None) -> None:
    """Tell the monitoring whether a volume is open, and what it waits for (``AgentError.kind``) if not."""
    labels = {"application": name, "host": engines().host, "volume": volume}
    values: list[tuple[str, Mapping[str, str], float]] = [(f"{_VOLUME}_opened", {}, int(waits_for is None))]
    if waits_for is not None:
        values.append((f"{_VOLUME}_waiting", {"reason": waits_for}, 1))
    write(METRICS / f"hosting-volume.{name}.{volume}.prom", _text(labels, values))


def note_link(end: float) -> None:
    """Tell the monitoring when the certificate ends that the gateway shows its peers."""
    write(METRICS / "hosting-link.prom", _text({"host": engines().host}, [(f"{_LINK}_end_timestamp_seconds", {}, end)]))


_KEYS = {"backup": ("last_attempt", "last_success"), "check": ("last_check", "last_good_check")}


def _marker(name: str) -> Path:
    return Path(application(name)["backup"]["marker"])


# -- metrics --------------------------------------------------------------------------------------------------------

_BACKUP = "hosting_backup"
_CHECK = "hosting_backup_check"
_DUMP = "hosting_database_dump"
_VOLUME = "hosting_volume"
_LINK = "hosting_link_certificate"

HELP = {
    f"{_BACKUP}_last_attempt_success": "Whether the last backup was made.",
    f"{_BACKUP}_last_attempt_timestamp_seconds": "When the last backup ended, good or bad.",
    f"{_BACKUP}_last_success_timestamp_seconds": "When the last good backup ended.",
    f"{_BACKUP}_data_timestamp_seconds": "As of when the data of the last good backup is: when it began.",
    f"{_BACKUP}_duration_seconds": "How long the last good backup took, dumps included.",
    f"{_BACKUP}_size_bytes": "How much the last good backup holds.",
    f"{_BACKUP}_added_bytes": "How much of the last good backup was new.",
    f"{_BACKUP}_files": "How many files the last good backup holds.",
    f"{_DUMP}_duration_seconds": "How long the dump of a database took in the last good backup.",
    f"{_DUMP}_size_bytes": "How large the dump of a database was in the last good backup.",
    f"{_CHECK}_last_attempt_success": "Whether the last check of the repository found it whole.",
    f"{_CHECK}_last_attempt_timestamp_seconds": "When the last check ended, good or bad.",
    f"{_CHECK}_last_success_timestamp_seconds": "When the last check ended that found the repository whole.",
    f"{_CHECK}_duration_seconds": "How long the last good check took.",
    f"{_VOLUME}_opened": "Whether an encrypted volume was open when that was last tried.",
    f"{_VOLUME}_waiting": "What an encrypted volume waits for that could not be opened.",
    f"{_LINK}_end_timestamp_seconds": "When the certificate ends that a gateway shows the peers of its tunnels.",
}
"""Every metric, with what it says; all are gauges."""


def metrics(name: str, host: str, state: Mapping[str, Any]) -> str:
    """Write what is on record as metrics, in Prometheus's text form.  Pure."""
    return _text({"application": name, "host": host}, _values(state))


def _text(labels: Mapping[str, str], values: Iterable[tuple[str, Mapping[str, str], float]]) -> str:
    lines: list[str] = []
    for metric, more, value in values:
        head = [f"# HELP {metric} {HELP[metric]}", f"# TYPE {metric} gauge"]
        lines += [*(line for line in head if line not in lines), f"{metric}{_labels({**labels, **more})} {value}"]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def _values(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], float]]:
    """Give each metric that *state* has a value for, the samples of one metric after the other."""
    for prefix, (attempt, success) in ((_BACKUP, _KEYS["backup"]), (_CHECK, _KEYS["check"])):
        last, good = state.get(attempt), state.get(success)
        if last:
            yield f"{prefix}_last_attempt_success", {}, int(last["outcome"] == "done")
            yield f"{prefix}_last_attempt_timestamp_seconds", {}, last["time"]
        if good:
            yield f"{prefix}_last_success_timestamp_seconds", {}, good["time"]
            yield f"{prefix}_duration_seconds", {}, good["seconds"]
    good = state.get("last_success")
    if good:
        yield f"{_BACKUP}_data_timestamp_seconds", {}, good["began"]
        yield f"{_BACKUP}_size_bytes", {}, good["bytes"]
        yield f"{_BACKUP}_added_bytes", {}, good["added_bytes"]
        yield f"{_BACKUP}_files", {}, good["files"]
        yield from _of_dumps(good["dumps"])


def _of_dumps(dumps: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, str], float]]:
    for metric, key in ((f"{_DUMP}_duration_seconds", "seconds"), (f"{_DUMP}_size_bytes", "bytes")):
        for dump in dumps:
            yield metric, {"engine": dump["engine"], "database": dump["database"]}, dump[key]
