"""The units of `hosting schedule` on a real systemd: what is due is started by its timer, as it was promised.

A lab's controller is the computer that it runs on; a host, which has a systemd to itself, stands for one here.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import LabRunner, wait_until

from monitoring.schedule import Controller, jobs, units

pytestmark = pytest.mark.timeout(600)

HOST = "dijon-app-1"
PLACE, UNITS = "/srv/controller", "/etc/systemd/system"
CONTROLLER = Controller(
    program=f"{PLACE}/hosting",
    region=f"{PLACE}/region",
    environment=f"{PLACE}/environment.yaml",
    user="controller",
    metrics_token=f"{PLACE}/metrics.token",
    figures=f"{PLACE}/figures",
)
TIMERS, SERVICES = (tuple(f"{job.name}.{kind}" for job in jobs()) for kind in ("timer", "service"))
(FIGURES,) = (job for job in jobs() if job.name == "hosting-metrics")

RECORDER = f"""#!/usr/bin/python3 -IS
import json, os, pwd, resource, sys
with open("/proc/self/status") as status:
    gains_nothing = "NoNewPrivs:\\t1" in status.read()
seen = {{
    "arguments": sys.argv[1:],
    "variables": {{name: value for name, value in os.environ.items() if name.startswith("HOSTING_")}},
    "user": pwd.getpwuid(os.getuid()).pw_name,
    "writes": [place for place in ("/etc", "/usr", "/srv", "{PLACE}", "/tmp") if os.access(place, os.W_OK)],
    "temporary files": os.listdir("/tmp"),
    "gains nothing": gains_nothing,
    "core bytes": resource.getrlimit(resource.RLIMIT_CORE)[1],
}}
with open("{PLACE}/record", "a") as record:
    record.write(json.dumps(seen) + "\\n")
open("/tmp/of-the-controller", "w").close()
sys.exit({{"metrics": 4, "drill": 3}}.get(sys.argv[1], 0))
"""
"""What stands for the program: it notes how it was started.  Some figure cannot be read, and a drill fails."""

AT_ONCE = "[Timer]\nRandomizedDelaySec=0\n"
"""All that timers get here beyond what was rendered: nobody waits for up to five minutes."""

INSTALL = """
import json, pathlib, sys
for name, content in json.loads(sys.argv[1]).items():
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
"""

BEGIN = f"""
useradd --system --no-create-home controller
chown -R controller {PLACE}; chmod 755 {PLACE}/hosting
touch /tmp/of-others
for timer; do touch --date='2 days ago' /var/lib/systemd/timers/stamp-$timer; done
systemctl daemon-reload
systemctl enable --quiet --now "$@"
"""
"""Let each timer find that it last ran two days ago, and start all of them with the command that `schedule` shows."""

END = f"""
systemctl disable --quiet --now "$@"
for timer; do
    service=${{timer%timer}}service
    rm -r {UNITS}/$timer.d {UNITS}/$timer {UNITS}/$service /var/lib/systemd/timers/stamp-$timer
    systemctl reset-failed --quiet $service
done
systemctl daemon-reload
rm -r {PLACE} /tmp/of-others
userdel controller
"""


@pytest.fixture(scope="module", name="host")
def _host(provisioned: LabRunner) -> Iterator[LabRunner]:
    """Give a lab whose host has taken the controller's units, all of them due, and has done what they ask for."""
    written = {f"{UNITS}/{name}": text for name, text in units(CONTROLLER).items()}
    hurried = {f"{UNITS}/{timer}.d/at-once.conf": AT_ONCE for timer in TIMERS}
    files = {CONTROLLER.program: RECORDER, f"{PLACE}/record": "", **written, **hurried}
    try:
        provisioned.on_machine(HOST, "/usr/bin/python3", "-I", "-c", INSTALL, json.dumps(files))
        provisioned.on_machine(HOST, "sh", "-e", "-c", BEGIN, "sh", *TIMERS)
        wait_until(lambda: is_done(provisioned), seconds=60)
        yield provisioned
    finally:
        provisioned.on_machine(HOST, "sh", "-c", END, "sh", *TIMERS)
    named = ("systemctl", "list-units", "--all", "--plain", "--no-legend", *TIMERS, *SERVICES)
    assert provisioned.on_machine(HOST, *named) == ""


def shown(lab: LabRunner, prop: str, *names: str) -> list[str]:
    """Give a property, of one word, of each unit."""
    return lab.on_machine(HOST, "systemctl", "show", f"--property={prop}", "--value", *names).split()


def record(lab: LabRunner) -> list[dict[str, Any]]:
    """Give what each start of the program noted."""
    return [json.loads(line) for line in lab.on_machine(HOST, "cat", f"{PLACE}/record").splitlines()]


def is_done(lab: LabRunner) -> bool:
    starts = sum(len(job.commands) for job in jobs())
    return len(record(lab)) >= starts and "activating" not in shown(lab, "ActiveState", *SERVICES)


def test_what_is_due_is_started_by_its_timer_command_by_command(host: LabRunner) -> None:
    started = [" ".join(seen["arguments"]) for seen in record(host)]
    assert [it for it in started if it.startswith("metrics ")] == filled(FIGURES.commands)  # in this order
    assert sorted(started) == sorted(filled(command for job in jobs() for command in job.commands))


def test_it_runs_as_who_was_named_on_the_files_that_were_named_and_writes_nowhere_else(host: LabRunner) -> None:
    for seen in record(host):
        assert seen["variables"] == {"HOSTING_REGION": CONTROLLER.region, "HOSTING_ENVIRONMENT": CONTROLLER.environment}
        assert (seen["user"], seen["writes"]) == ("controller", [PLACE, "/tmp"])
        assert set(seen["temporary files"]) <= {"of-the-controller"}
        assert (seen["gains nothing"], seen["core bytes"]) == (True, 0)
    assert "of-the-controller" not in host.on_machine(HOST, "ls", "/tmp")


def test_a_unit_fails_by_what_is_not_good_and_by_nothing_that_is_tolerated(host: LabRunner) -> None:
    results = dict(zip(SERVICES, shown(host, "Result", *SERVICES), strict=True))
    failing = {name for name, result in results.items() if result != "success"}
    assert (failing, results["hosting-drill-due.service"]) == ({"hosting-drill-due.service"}, "exit-code")


def test_each_timer_waits_for_its_next_time_also_after_a_boot(host: LabRunner) -> None:
    listed = json.loads(host.on_machine(HOST, "systemctl", "list-timers", "--output=json", *TIMERS))
    assert {it["unit"]: it["activates"] for it in listed} == dict(zip(TIMERS, SERVICES, strict=True))
    now = int(host.on_machine(HOST, "date", "+%s")) * 1_000_000
    assert all(it["next"] > now for it in listed)
    assert shown(host, "UnitFileState", *TIMERS) == ["enabled"] * len(TIMERS)


def filled(commands: Any) -> list[str]:
    places = {"metrics_token": CONTROLLER.metrics_token, "figures": CONTROLLER.figures}
    return [command.format(**places) for command in commands]
