"""Everything that a step of a runbook can name."""

from hosting_cli.runbooks.action import Catalogue, catalogue
from runbooks.actions import backups, credentials, firewalls, hosts, restores, stores, vault, volumes

CATALOGUE: Catalogue = catalogue(
    *vault.ACTIONS,
    *stores.ACTIONS,
    *backups.ACTIONS,
    *restores.ACTIONS,
    *credentials.ACTIONS,
    *hosts.ACTIONS,
    *volumes.ACTIONS,
    *firewalls.ACTIONS,
)
