"""Each volume's header is kept twice, and a copy of it was opened: what stands between a slip of dd and the data."""

from hosting_cli.proofs.proof import Proof
from hosting_cli.session import Session
from hosting_cli.volumes.copies import standings
from hosting_cli.volumes.places import places
from hosting_cli.volumes.standing import SAVED, judge_saved
from inventory.models import Application

NAME = SAVED


def prove(session: Session, application: Application) -> list[Proof]:
    """Look at the header of each volume of *application*, and at what is kept of it; nothing is opened or changed."""
    wanted = [
        place for place in places(session.region, session.environment) if place.volume.application == application.id
    ]
    return [judge_saved(item) for item in standings(session, wanted)] if wanted else []
