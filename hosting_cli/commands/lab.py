"""A whole small region on this machine."""

from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.commands.apply import apply
from hosting_cli.commands.approve import approve
from hosting_cli.commands.bootstrap import bootstrap
from hosting_cli.commands.plan import plan
from hosting_cli.commands.verify import verify
from hosting_cli.errors import HostingError, UsageError
from hosting_cli.result import ExitStatus, Result, Table, status_of, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from hosting_cli.lab.laboratory import Lab

SAMPLE = Path(__file__).parents[2] / "inventory/regions/bourgogne-franche-comte"

MachineArgument = Annotated[
    str, typer.Argument(metavar="MACHINE", help="The machine's name, as `hosting lab status` shows it.")
]


UnwatchedOption = Annotated[
    bool, typer.Option("--unwatched", help="Start no monitoring, which looks at the lab every now and then.")
]


def up(session: Session, unwatched: UnwatchedOption = False) -> Result:
    """Bring the lab up: engines, monitoring, a machine for each host.

    The first time builds the machines' image (a few minutes); later it takes about half a minute.  What runs already
    is left as it is.  The region is --region, or the sample.
    """
    lab = _lab()
    _bring_up(session, lab)
    if not unwatched:
        _watch(session, lab)
    return _status(
        lab,
        "lab up",
        f"Point the command line at it: export HOSTING_REGION={lab.record['region']}",
        f"export HOSTING_ENVIRONMENT={lab.environment_file}",
    )


def _bring_up(session: Session, lab: "Lab") -> None:
    from hosting_cli.lab import laboratory

    session.region_folder = Path(lab.record["region"]) if lab.exists else session.region_folder or SAMPLE
    region = session.region
    laboratory.begin(lab, session.region_folder)
    with ThreadPoolExecutor() as pool, session.progress.stage("starting the vault and the machines"):
        vault = pool.submit(laboratory.start_vault, lab)
        # Not in a thread: whoever interrupts a build does not wait for its end.
        started = laboratory.start_machines(lab, region, session.progress)
        vault.result()
    laboratory.write_environment(lab, region, started)
    set_engines_up(session, lab)


def _watch(session: Session, lab: "Lab") -> None:
    """Start what watches the running *lab*, or tell it what the files say by now."""
    from hosting_cli.lab import laboratory

    engineer = session.for_environment(lab.environment_file, lab.token_file("operations-engineer"))
    with session.progress.stage("starting the monitoring"):
        laboratory.start_monitoring(lab, session.region, engineer.environment)


def set_engines_up(session: Session, lab: "Lab") -> None:
    """Set the running vault of *lab* up for the region, admit its people, and start its object store."""
    from hosting_cli.desired import provisioner_entry
    from hosting_cli.lab import laboratory

    with session.progress.stage("setting the vault up"), laboratory.root_token(lab) as token_file:
        as_root = session.for_environment(lab.environment_file, token_file)
        bootstrap(as_root)
        laboratory.admit_people(lab, as_root.vault)
        laboratory.prepare_store(lab)
        for access in as_root.environment.object_stores.values():
            as_root.vault.replace_secret(provisioner_entry(access), lab.store.provisioner(), note={})
    with session.progress.stage("starting the object store"):
        laboratory.start_store(lab)


def status(session: Session) -> Result:
    """Show what of the lab runs."""
    return _status(_lab(), "lab status")


def _status(lab: "Lab", command: str, *more: str) -> Result:
    from hosting_cli.lab import laboratory, machines
    from hosting_cli.lab.monitoring import NAMES

    watching = lab.monitoring
    parts = (
        ("openbao", "vault", lab.vault.address),
        ("seaweedfs", "object store", lab.store.endpoint),
        ("prometheus", "prometheus", watching.address("prometheus")),
        ("alertmanager", "alertmanager", watching.address("alertmanager")),
        ("exporter", "figures", f"{watching.address('exporter')}/metrics"),
    )
    rows = [
        ("running" if laboratory.running(lab, name) else "stopped", what, where)
        for name, what, where in parts
        if name not in NAMES or laboratory.was_started(lab, name)  # nobody misses what an unwatched lab does without
    ]
    for name in machines.names(lab.directory):
        state = machines.status(lab.directory, name)
        where = f"ssh port {machines.reached(lab.directory, name).ssh_port}" if state.value != "unfinished" else ""
        rows.append((state.value, f"machine {name}", where))
    data = {"directory": str(lab.directory), "parts": [{"state": s, "part": p, "where": w} for s, p, w in rows]}
    well = all(state == "running" for state, *_ in rows)
    table = Table("", ("state", "what", "where"), tuple(rows))
    return Result(
        command, data, (table, text(f"lab {lab.directory}", *more)), ExitStatus.DONE if well else ExitStatus.FAILED
    )


def demo(session: Session) -> Result:
    """Host the sample application on a lab and prove it, in one go.

    The lab is brought up where there is none, and left running.  It does what two people would: the operations
    engineer plans, the security officer approves, the engineer applies and verifies, restarts and disabled keys
    included.
    """
    lab = _lab()
    _bring_up(session, lab)
    engineer = session.for_environment(lab.environment_file, lab.token_file("operations-engineer"))
    officer = session.for_environment(lab.environment_file, lab.token_file("security-officer"))
    planned = plan(engineer)
    steps = [planned]
    # What is pending may be a conflict alone, which nobody can approve: then the plan is what there is to show.
    if planned.status is ExitStatus.PENDING and planned.data["plan"]["changes"]:
        digest = str(planned.data["plan"]["digest"])
        steps += [approve(officer, digest), apply(engineer, digest)]
    if steps[-1].status is ExitStatus.DONE:
        steps.append(verify(engineer, disruptive=True))
    unwatched = _unwatched(session, lab)  # only now: it looks at what is being made and tried, and would be in the way
    last = steps[-1]
    made = [block for step in steps if step.command in {"apply", "verify", last.command} for block in step.blocks]
    times = tuple((f"{seconds:.1f} s", name) for name, seconds in session.progress.stages)
    where = text(
        f"What was done and proven is in {lab.journal}: hosting journal show",
        "Look around:  hosting lab status · hosting lab ssh dijon-app-1 · hosting drift",
        f"  export HOSTING_REGION={lab.record['region']}",
        f"  export HOSTING_ENVIRONMENT={lab.environment_file}",
        "Remove it all: make clean-lab",
    )
    blocks = (*made, Table("How long it took", ("time", "stage"), times), where)
    data = {"steps": [step.envelope() for step in steps], "seconds": dict(session.progress.stages)}
    errors = (*last.errors, *unwatched)
    return Result("lab demo", data, blocks, status_of(unwatched, last.status), errors)


def _unwatched(session: Session, lab: "Lab") -> tuple[HostingError, ...]:
    """Have the lab watched; give what keeps it from that, which hides nothing of what was made and proven."""
    try:
        _watch(session, lab)
    except HostingError as error:
        return (error,)
    return ()


def down(
    session: Session,
    cache: Annotated[bool, typer.Option("--cache", help="Forget the machines' image and template too.")] = False,
) -> Result:
    """Stop and remove the lab and everything in it.

    What a killed starter has left goes too.
    """
    from hosting_cli.lab import removal

    lab = _lab()
    with session.progress.stage("taking the lab away"):
        removed = tuple(removal.down(lab, session.progress))
        if cache:
            removal.forget_cache(lab)
            removed += (str(lab.cache_directory),)
    lines = [f"removed {name}" for name in removed] or [f"There is no lab at {lab.directory}."]
    return Result("lab down", {"removed": list(removed)}, (text(*lines),))


def ssh(session: Session, machine: MachineArgument) -> Result:
    """Open a shell on a machine, with a short-lived certificate.

    The vault's SSH authority signs it.  The key is made in memory and ends with the shell.  Before the machine is
    provisioned, the lab's bootstrap key opens it; afterwards only certificates do.
    """
    from hosting_cli.lab import laboratory

    lab = _lab()
    session.region_folder, session.environment_file = Path(lab.record["region"]), lab.environment_file
    status = laboratory.shell(lab, machine, session.operator_key)
    return Result(
        "lab ssh", {"machine": machine, "status": status}, (), ExitStatus.DONE if status == 0 else ExitStatus.FAILED
    )


class Fault(StrEnum):
    """What can be broken in a lab."""

    VAULT_SEALED = "vault-sealed"
    VAULT_DOWN = "vault-down"
    STORE_DOWN = "store-down"
    HOST_DOWN = "host-down"
    LINK_CUT = "link-cut"
    DISK_FULL = "disk-full"


FaultArgument = Annotated[Fault, typer.Argument(help="What to break.", metavar="FAULT")]
OnOption = Annotated[
    str | None, typer.Option("--on", metavar="MACHINE", help="Which machine, for a host, link or disk.")
]


def break_(session: Session, fault: FaultArgument, on: OnOption = None) -> Result:
    """Inject a fault, for drills and tests.

    `hosting lab mend FAULT` takes it back.
    """
    from hosting_cli.lab import faults

    faults.inject(_lab(), fault.value, _machine(fault, on))
    return Result("lab break", {"fault": fault.value, "on": on}, (text(f"broken: {fault.value}"),))


def mend(session: Session, fault: FaultArgument, on: OnOption = None) -> Result:
    """Take a fault back."""
    from hosting_cli.lab import faults

    faults.mend(_lab(), fault.value, _machine(fault, on), session.progress)
    return Result("lab mend", {"fault": fault.value, "on": on}, (text(f"mended: {fault.value}"),))


def _machine(fault: Fault, on: str | None) -> str:
    if on is None and fault in {Fault.HOST_DOWN, Fault.LINK_CUT, Fault.DISK_FULL}:
        raise UsageError(f"fault {fault.value}", "needs a machine", "Name it with --on.")
    return on or ""


def _lab() -> "Lab":
    from hosting_cli.lab.laboratory import place

    return place()
