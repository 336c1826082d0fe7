"""Compare without recording: what has moved since the last apply."""

from hosting_cli.commands.plan import ApplicationOption, make_plan, shown
from hosting_cli.result import Result
from hosting_cli.session import Session


def drift(session: Session, application: ApplicationOption = None) -> Result:
    """Say what has moved away from the files, and change nothing.

    Nothing is recorded either.  A segment that an incident cut off is shown, and is no drift.  Exit status 0 when
    nothing has, 3 on drift, 4 when something could not be read: fit for a timer.
    """
    found, isolated = make_plan(session, application)
    return shown(found, "drift", isolated=isolated)
