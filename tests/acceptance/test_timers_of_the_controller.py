"""The units of `hosting schedule` on a real systemd: what is due is started by its timer, and what watches stays.

A lab's controller is the computer that it runs on; a host, which has a systemd to itself, stands for one here.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from conftest import LabRunner, wait_until

from monitoring.schedule import Controller, schedule, units

pytestmark = pytest.mark.timeout(600)

HOST = "dijon-app-1"
USER, USER_ID = "daemon", "1"
"""An account that every Debian has."""
PLACE, UNITS, STAMPS = "/srv/controller", "/etc/systemd/system", "/var/lib/systemd/timers"
CONTROLLER = Controller(
    program=f"{PLACE}/hosting",
    region=f"{PLACE}/region",
    environment=f"{PLACE}/environment.yaml",
    user=USER,
)
JOBS, WATCHES = schedule().jobs, schedule().watches
TIMERS, SERVICES = (tuple(f"{job.name}.{kind}" for job in JOBS) for kind in ("timer", "service"))
WATCHING = tuple(f"{watch.name}.service" for watch in WATCHES)
COMMANDS = [*(watch.command for watch in WATCHES), *(command for job in JOBS for command in job.commands)]

RECORDER = f"""#!/bin/sh
command=$*
for place in /etc /usr /srv {PLACE} /tmp; do test -w $place && writes="$writes $place"; done
while read -r name value rest; do
    case $name in Uid:) user=$value;; NoNewPrivs:) confined=$value;; esac
done < /proc/self/status
set -- /tmp/*
echo "$command|$HOSTING_REGION|$HOSTING_ENVIRONMENT|$user|${{writes# }}|$*|$confined|$(ulimit -Hc)" >> {PLACE}/record
: > /tmp/of-the-controller
case $command in metrics*) exec sleep infinity;; drill*) exit 3;; esac
"""
"""What stands for the program: it notes how it was started, with what a shell has, for each process costs an emulated
machine much.  What watches stays, and a drill fails."""


class Start(NamedTuple):
    """One start of the program, in its own words."""

    command: str
    region: str
    environment: str
    user: str
    writes: str
    temporary_files: str
    confined: str
    core_blocks: str


AT_ONCE = "[Timer]\nRandomizedDelaySec=0\n"
"""All that timers get here beyond what was rendered: nobody waits for up to five minutes."""

INSTALL = """
import json, pathlib, sys
for name, content in json.loads(sys.argv[1]).items():
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
"""

MADE = (
    *(f"{UNITS}/{unit}" for unit in (*TIMERS, *SERVICES, *WATCHING)),
    *(f"{UNITS}/{timer}.d" for timer in TIMERS),
    *(f"{UNITS}/timers.target.wants/{timer}" for timer in TIMERS),
    *(f"{UNITS}/multi-user.target.wants/{service}" for service in WATCHING),
    *(f"{STAMPS}/stamp-{timer}" for timer in TIMERS),
    "/tmp/of-others",
    PLACE,
)
"""All that is on the host because of these tests."""

BEGIN = f"""
chown -R {USER} {PLACE}; chmod 755 {PLACE}/hosting
mkdir -p {STAMPS}
touch --date='2 days ago' /tmp/of-others {" ".join(f"{STAMPS}/stamp-{timer}" for timer in TIMERS)}
systemctl enable --quiet --now {" ".join((*WATCHING, *TIMERS))}
"""
"""Let each timer find that it last ran two days ago, and start all of them as `schedule` says; enabling reloads too."""

END = f"""
systemctl stop {" ".join((*WATCHING, *TIMERS))}
systemctl reset-failed hosting-drill-due.service
rm -r {" ".join(MADE)}
systemctl daemon-reload
systemctl list-units --all --plain --no-legend {" ".join((*TIMERS, *SERVICES, *WATCHING))}
"""
"""Remove everything, and show what of it systemd still knows."""


@pytest.fixture(scope="module", name="host")
def _host(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give a lab whose host has taken the controller's units, all of them due, and has done what they ask for."""
    written = {f"{UNITS}/{name}": text for name, text in units(CONTROLLER).items()}
    hurried = {f"{UNITS}/{timer}.d/at-once.conf": AT_ONCE for timer in TIMERS}
    files = {CONTROLLER.program: RECORDER, f"{PLACE}/record": "", **written, **hurried}
    try:
        provisioned.on_machine(HOST, "/usr/bin/python3", "-I", "-S", "-c", INSTALL, json.dumps(files))
        provisioned.on_machine(HOST, "sh", "-e", "-c", BEGIN)
        wait_until(lambda: is_done(provisioned), seconds=120)
        yield provisioned
    finally:
        left = provisioned.on_machine(HOST, "sh", "-c", END)
    assert left == ""


def shown(lab: LabRunner, prop: str, *names: str) -> list[str]:
    """Give a property, of one word, of each unit."""
    return lab.on_machine(HOST, "systemctl", "show", f"--property={prop}", "--value", *names).split()


def starts(lab: LabRunner) -> list[Start]:
    """Give each start of the program, in order."""
    return [Start(*line.split("|")) for line in lab.on_machine(HOST, "cat", f"{PLACE}/record").splitlines()]


def is_done(lab: LabRunner) -> bool:
    return "activating" not in shown(lab, "ActiveState", *SERVICES) and len(starts(lab)) == len(COMMANDS)


def test_what_is_due_is_started_by_its_timer_and_what_watches_stays(host: LabRunner) -> None:
    assert sorted(start.command for start in starts(host)) == sorted(COMMANDS)
    assert shown(host, "ActiveState", *WATCHING) == ["active"] * len(WATCHING)


def test_it_runs_as_who_was_named_on_the_files_that_were_named_and_writes_nowhere_else(host: LabRunner) -> None:
    for start in starts(host):
        assert (start.region, start.environment) == (CONTROLLER.region, CONTROLLER.environment)
        assert (start.user, start.writes) == (USER_ID, f"{PLACE} /tmp")
        assert start.temporary_files == "/tmp/*"  # none
        assert (start.confined, start.core_blocks) == ("1", "0")
    assert "of-the-controller" not in host.on_machine(HOST, "ls", "/tmp")


def test_a_unit_fails_by_what_is_not_good_and_by_nothing_else(host: LabRunner) -> None:
    results = dict(zip(SERVICES, shown(host, "Result", *SERVICES), strict=True))
    good = dict.fromkeys(SERVICES, "success")
    assert results == {**good, "hosting-drill-due.service": "exit-code"}


def test_each_timer_waits_for_its_next_time_also_after_a_boot(host: LabRunner) -> None:
    listed = json.loads(host.on_machine(HOST, "systemctl", "list-timers", "--output=json", *TIMERS))
    assert {it["unit"]: it["activates"] for it in listed} == dict(zip(TIMERS, SERVICES, strict=True))
    assert all(it["next"] > it["last"] for it in listed)
    assert shown(host, "UnitFileState", *TIMERS) == ["enabled"] * len(TIMERS)
