"""Everything that a step of a runbook can name."""

from hosting_cli.runbooks.action import Catalogue, catalogue
from runbooks.actions import backups, credentials, hosts, vault

CATALOGUE: Catalogue = catalogue(*vault.ACTIONS, *backups.ACTIONS, *credentials.ACTIONS, *hosts.ACTIONS)
