"""The command line: which commands there are, which options all of them share, and how doors are made.

Nothing heavy is imported here: engines' libraries load when a command first needs their door.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from hosting_cli.errors import HostingError, InvalidFilesError, UsageError
from hosting_cli.help_page import WIDEST
from hosting_cli.result import EXIT_STATUS_HELP, ExitStatus, Result, Text

if TYPE_CHECKING:
    from hosting_cli.doors.copies import Copies
    from hosting_cli.doors.endpoints import Endpoints
    from hosting_cli.doors.engine import Engine
    from hosting_cli.doors.evidence import EvidenceDoor
    from hosting_cli.doors.hosts import HostsDoor
    from hosting_cli.doors.monitoring import Monitoring
    from hosting_cli.doors.objects import ObjectStoreDoor
    from hosting_cli.doors.openbao import OpenBao
    from hosting_cli.doors.repositories import Repositories
    from hosting_cli.jobs import OperatorKey
    from hosting_cli.runbooks.action import Catalogue
    from hosting_cli.secret import Secret
    from hosting_cli.session import Session
    from inventory.environment import ObjectStoreAccess

RegionOption = Annotated[
    Path | None,
    typer.Option("--region", envvar="HOSTING_REGION", metavar="FOLDER", help="The folder of the region's files."),
]
EnvironmentOption = Annotated[
    Path | None,
    typer.Option("--environment", envvar="HOSTING_ENVIRONMENT", metavar="FILE", help="Which engines to work on."),
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Your vault token; otherwise VAULT_TOKEN, then the environment's token_file.",
    ),
]
OutputOption = Annotated[
    str, typer.Option("--output", "-o", metavar="people|json", help="For people, or one versioned JSON document.")
]

SHARED_OPTIONS: Mapping[str, tuple[Any, str | None]] = {
    "region": (RegionOption, None),
    "environment": (EnvironmentOption, None),
    "token_file": (TokenOption, None),
    "output": (OutputOption, "people"),
}
"""The options that all commands share, each with its default."""

COMMANDS: Mapping[str, Mapping[str, str]] = {
    "": {
        "validate": "Check a region's files, and say every problem at once.",
        "plan": "Show what would change, in order, and record it for approval.",
        "approve": "Let a recorded plan be carried out, as a second person.",
        "apply": "Carry out an approved plan that is still true.",
        "verify": "Prove that what was promised holds, by trying to break it.",
        "restore": "Bring files back from a backup, beside the live ones.",
        "status": "Show on one screen how the region stands, and what is due.",
        "drift": "Say what has moved away from the files, and change nothing.",
        "schedule": "Write the units by which the controller looks by itself.",
        "bootstrap": "Set a fresh vault up for the region, with its root token.",
    },
    "catalogue": {
        "providers": "Show what object stores can do, and what is refused on them.",
    },
    "backup": {
        "list": "List how the backups of each application and host stand.",
        "show": "Show every snapshot, whether it is kept and why.",
        "check": "Check repositories, and read a part of their data.",
        "copy": "Bring the second copies, at another site, up to date.",
        "export": "Write a repository into a folder, to be taken away.",
        "verify": "Check an export where it is, without the vault.",
        "prune": "Let snapshots go that no retention asks for, past a guard.",
        "recover": "Bring repositories back to what the store held at a moment.",
    },
    "host": {
        "lost": "End the identity of a lost host, and say how it comes back.",
    },
    "network": {
        "allocate": "Find addresses and a VLAN for each tier, tunnel and zone.",
        "matrix": "Write the flow matrix, to be read, signed or worked on.",
        "graph": "Draw who may reach whom, as a picture for people (SVG).",
        "retire": "Let a segment go, and keep its addresses from everybody else.",
        "tunnel": "Show what tunnels are told, how they stand, or a peer's part.",
        "prove": "Prove that kernels let through what the files say, and no more.",
        "probe": "Send real packets: what must arrive, and what must not.",
        "isolate": "Cut a segment off: every packet from or to it is dropped.",
        "release": "Let a segment back that was isolated: its flows pass again.",
    },
    "drill": {
        "run": "Restore everything into a scratch volume, try it, and time it.",
        "list": "List the drills that were run, and what came of them.",
    },
    "key": {
        "list": "List every key and secret with its age and its limit.",
        "show": "Show everything that is known of one key but its value.",
        "rotate": "Replace one key, proven by use before the old one goes.",
        "rewrap": "Bring every ciphertext to the latest version of its key.",
        "recovery": "Share a recovery passphrase among holders, or test their shares.",
        "disable": "Make a transit key unusable for a while; nothing is lost.",
        "enable": "Make a disabled transit key usable again.",
        "destroy": "Destroy an application's keys, and so every copy of its data.",
        "withdraw": "Call off what was asked for and is not carried out yet.",
        "policy": "Show how long each kind of key may serve, and who says so.",
    },
    "volume": {
        "list": "List volumes: what opens each, and the copies of its header.",
        "show": "Show a volume's slots, what each costs to try, and its copies.",
        "header": "Renew, open or write back the copies of a volume's header.",
    },
    "control": {
        "list": "List every control with its verdict, and what decided it.",
        "show": "Show everything that the verdict of one control rests on.",
    },
    "evidence": {
        "collect": "Run every check, and record what was seen, signed and locked.",
        "verify": "Check the chain, signatures, digests and locks of what is kept.",
        "pack": "Write the evidence of a period into a ZIP that verifies offline.",
    },
    "report": {
        "compliance": "Write the compliance report of a period, from what is recorded.",
    },
    "runbook": {
        "list": "List runbooks, what each answers and whether it runs.",
        "show": "Show a runbook as it is read, and the steps that it runs.",
        "run": "Show what a runbook would do, and do it when confirmed.",
        "resume": "Go on with a run: after a kill, an approval or a failure.",
        "history": "List what was run, or show the transcript of one run.",
    },
    "metrics": {
        "show": "Read the figures for Prometheus once, and print them.",
        "serve": "Serve the figures to Prometheus, read again and again.",
        "configure": "Write what Prometheus and Alertmanager are told.",
    },
    "journal": {
        "show": "Show what was planned, approved, done and proven, oldest first.",
        "verify": "Check that no entry was changed, removed, added or reordered.",
    },
    "lab": {
        "up": "Bring the lab up: engines, monitoring, a machine for each host.",
        "demo": "Host the sample application on a lab and prove it, in one go.",
        "status": "Show what of the lab runs.",
        "down": "Stop and remove the lab and everything in it.",
        "ssh": "Open a shell on a machine, with a short-lived certificate.",
        "break": "Inject a fault, for drills and tests.",
        "mend": "Take a fault back.",
    },
}
"""Which commands there are, by group, and what each is for in a line: enough for `hosting --help`, which loads none.

Each is the function of that name in ``hosting_cli/commands/<group>.py``; an ungrouped one has a module of its own."""

GROUPS = {
    "catalogue": "What the region's files may choose from.",
    "backup": "Backups: how they stand, what is kept, and letting go safely.",
    "host": "Hosts: what to do when one is lost.",
    "network": "The network: who has which addresses, and who may reach whom.",
    "drill": "Drills: whether what is promised works, and how fast.",
    "key": "Keys and secrets: their age, rotation and end.",
    "volume": "Encrypted volumes: what opens them, and their headers.",
    "control": "Controls: what is asked for, by whom, and how each stands.",
    "evidence": "Evidence: signed records of what checks see, and packs of them.",
    "report": "Reports for auditors and establishments.",
    "runbook": "Runbooks: what to do when woken, to be read and to be run.",
    "metrics": "Figures, rules and targets for Prometheus.",
    "journal": "What was planned, approved, done and proven.",
    "lab": "A whole small region on this machine, on real engines.",
}


TAKEN = frozenset({"break", "list"})
"""Names of commands that are words of Python: their functions end with an underscore."""


class LazyDoors:
    """Make doors; each imports its engine's library only then."""

    def vault(self, session: "Session") -> "OpenBao":
        """Make the door of the vault."""
        from hosting_cli.doors.openbao import OpenBao

        return OpenBao(session.environment.vault, region=session.region.id, token_file=session.token_file)

    def stores(self, session: "Session") -> "Mapping[str, ObjectStoreDoor]":
        """Make the door of every object store, with the provisioner's credentials from the vault."""
        from hosting_cli.doors.objects import ObjectStoreDoor

        def door(store: str, access: "ObjectStoreAccess") -> ObjectStoreDoor:
            return ObjectStoreDoor(
                access,
                lambda: session.vault.provisioner_credentials(access.credentials),
                store=store,
                region=session.region.id,
            )

        return {name: door(name, access) for name, access in session.environment.object_stores.items()}

    def evidence(self, session: "Session") -> "EvidenceDoor":
        """Make the door of the platform's evidence: as the user that adds to it, for auditors as the one that reads."""
        from hosting_cli.desired_buckets import evidence_credentials, evidence_user_of
        from hosting_cli.doors.evidence import EvidenceDoor
        from inventory.naming import evidence_bucket

        def credentials() -> "Secret":
            return session.vault.reveal_secret(evidence_credentials(evidence_user_of(session.vault.policies())))

        kept = session.region.evidence
        if kept is None:
            raise UsageError("evidence", "has no bucket", "Say in region.yaml on which store evidence is kept.")
        access = session.environment.object_stores[kept.store]
        return EvidenceDoor(access, credentials, evidence_bucket(session.region))

    def repositories(self, session: "Session") -> "Repositories":
        """Make the door of backup repositories, opened by what the vault keeps for them."""
        from hosting_cli.doors.repositories import Repositories

        return Repositories(session.environment.object_stores, session.vault.reveal_secret, session.clock)

    def copies(self, session: "Session") -> "Copies":
        """Make the door of second copies."""
        from hosting_cli.doors.copies import Copies

        return Copies(session.environment.object_stores, session.vault.reveal_secret)

    def operator_key(self, session: "Session") -> "OperatorKey":
        """Make this run's key, and have the vault certify it."""
        from hosting_cli.desired import CERTIFICATE_SECONDS
        from hosting_cli.doors.operator_key import make_operator_key
        from inventory.naming import SSH_OPERATIONS_ROLE

        def certify(public_key: str) -> str:
            if session.ssh_authority is not None:
                return session.vault.ssh.sign_by(session.ssh_authority, public_key, ttl_seconds=CERTIFICATE_SECONDS)
            return session.vault.sign_ssh_key(public_key, role=SSH_OPERATIONS_ROLE, ttl_seconds=CERTIFICATE_SECONDS)

        return make_operator_key(certify)

    def hosts(self, session: "Session") -> "HostsDoor":
        """Make the door of the hosts."""
        from hosting_cli.doors.hosts import HostsDoor

        return HostsDoor(session.environment.hosts, lambda: session.operator_key)

    def engine(self, session: "Session") -> "Engine":
        """Make the door of pyinfra."""
        from hosting_cli.doors.engine import Engine

        return Engine()

    def endpoints(self, session: "Session") -> "Endpoints":
        """Make the door of TLS endpoints."""
        from hosting_cli.doors.endpoints import Endpoints

        return Endpoints()

    def monitoring(self, session: "Session") -> "Monitoring":
        """Make the door of the monitoring."""
        from hosting_cli.doors.monitoring import Monitoring

        return Monitoring(session.monitoring_access)

    def actions(self) -> "Catalogue":
        """Give the actions of runbooks, found by name as commands are: nothing here imports what stands above."""
        found: Catalogue = import_module("runbooks.actions").CATALOGUE
        return found


def shared(function: Callable[..., Result], name: str) -> Callable[..., None]:
    """Give the command *name* the options that all commands share; show its result, and exit with its status."""
    signature = inspect.signature(function)
    own = [parameter for name, parameter in signature.parameters.items() if name != "session"]
    common = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for option, (annotation, default) in SHARED_OPTIONS.items()
    ]

    @wraps(function)
    def command(**arguments: Any) -> None:
        from hosting_cli import console
        from hosting_cli.session import Session

        shown_as = arguments.pop("output")
        if shown_as not in {"people", "json"}:
            raise typer.BadParameter("choose people or json", param_hint="--output")
        session = Session(
            region_folder=arguments.pop("region"),
            environment_file=arguments.pop("environment"),
            token_file=arguments.pop("token_file"),
            doors=LazyDoors(),
        )
        result = run(lambda: function(session, **arguments), name=name)
        console.show(result, shown_as)
        raise typer.Exit(int(result.status))

    # What typer, as `inspect` does, reads parameters from; types of functions do not know the attribute.
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *common],
        return_annotation=None,
    )
    return command


def run(work: Callable[[], Result], *, name: str) -> Result:
    """Do *work*; an error raised on purpose becomes a result with its exit status."""
    try:
        return work()
    except InvalidFilesError as error:
        problems = [problem.as_json() for problem in error.problems]
        lines = tuple(str(problem) for problem in error.problems)
        return Result(name, {"problems": problems}, (Text(lines),), ExitStatus.USAGE, (error,))
    except HostingError as error:
        return Result(name, {}, (), ExitStatus(error.exit_status), (error,))


class LazyGroup(TyperGroup):
    """Commands that are imported when they are called; until then a line about each is all there is."""

    @property
    def _group(self) -> str:
        return self.name if self.name in GROUPS else ""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands in the order in which they are used, and then the groups."""
        return [*COMMANDS[self._group], *(() if self._group else GROUPS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import one command, or make one group."""
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _group(cmd_name) if cmd_name in GROUPS else _command(self._group, cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the line of each command, without importing any."""
        lines = {**COMMANDS[self._group], **({} if self._group else GROUPS)}
        with formatter.section("Commands"):
            formatter.write_dl(list(lines.items()))


SETTINGS: dict[str, Any] = {
    "cls": LazyGroup,
    "no_args_is_help": True,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "epilog": EXIT_STATUS_HELP,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
}


def build() -> typer.Typer:
    """Assemble the command line."""
    app = typer.Typer(
        name="hosting",
        help="Host applications of health establishments: one manifest in, encrypted storage, backups, network "
        "segments and a proof out.\n\nStart with `hosting lab up`, or with `hosting validate --region FOLDER`.",
        **SETTINGS,
    )
    app.callback()(_nothing)
    return app


def _nothing() -> None:
    """Make a group of the command line, which by itself does nothing."""


def _group(name: str) -> Any:
    group = typer.Typer(name=name, help=GROUPS[name], add_completion=False, **SETTINGS)
    group.callback()(_nothing)
    return typer.main.get_command(group)


def _command(group: str, name: str) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = SETTINGS["context_settings"]
    single.command(name, epilog=EXIT_STATUS_HELP, context_settings=settings)(
        shared(function_of(group, name), f"{group} {name}".strip())
    )
    return typer.main.get_command(single)


def function_of(group: str, name: str) -> Callable[..., Result]:
    """Find the function that is the command *name* of *group*."""
    module = import_module(f"hosting_cli.commands.{group or name}")
    function: Callable[..., Result] = getattr(module, f"{name}_" if name in TAKEN else name)
    return function


def main() -> None:
    """Run the command line."""
    build()()
