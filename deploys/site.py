"""Make the hosts of a region what its files say; for a run by hand, through pyinfra's own command line.

    HOSTING_REGION=… HOSTING_ENVIRONMENT=… pyinfra inventory/hosts.py deploys/site.py --dry

Logs in with the keys of the operator's SSH agent.  What needs a secret from the vault, or a proof that one can still
log in, is left to `hosting apply` and fails here, saying so.
"""

from deploys.concerns import converge

converge()
