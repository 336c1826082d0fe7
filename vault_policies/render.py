"""Fill in policy templates: strictly, with identifiers only.

A value that is not a plain identifier, a placeholder without a value and a value without a placeholder are errors, so
that nothing from a manifest can widen a policy.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from inventory import naming
from inventory.models import Application, Region
from inventory.resource import PLATFORM
from vault_policies.mark import Mark

OPERATIONS_POLICY = naming.OPERATIONS_POLICY
APPROVER_POLICY = naming.APPROVER_POLICY
DESTRUCTION_POLICY = naming.DESTRUCTION_POLICY
AUDITOR_POLICY = naming.AUDITOR_POLICY
ON_CALL_POLICY = naming.ON_CALL_POLICY
BREAK_GLASS_POLICY = naming.BREAK_GLASS_POLICY
PROBE_KEY = naming.transit_key(PLATFORM, "probe")
"""The key that an object store's encryption is tried with; nothing that matters lies under it."""

SECRETS_KEY = naming.transit_key(PLATFORM, "secrets")
"""The key that wraps what no application owns: the object store's provisioner credentials."""

SIGNING_KEY = naming.transit_key(PLATFORM, naming.SIGNING)
"""The key that signs evidence: what it signed is verified by its public half, wherever that is."""

READING_KEY = naming.transit_key(PLATFORM, naming.READING)
"""The key that wraps the credentials that read evidence and do nothing else: auditors may open those."""

NEIGHBOUR = "0-neighbour"
"""The name of an application, and of a host, that cannot exist: identifiers in manifests start with a letter."""

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")
_IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FOLDER = Path(__file__).parent


def application_host(region: Region, application: Application, host: str) -> str:
    """Give the policy of *application* on *host*."""
    return _marked(region, application.id, _application_host(application.id, host))


def backup_prune(region: Region, application: Application) -> str:
    """Give the policy of whoever prunes the backups of *application*."""
    return _marked(region, application.id, render(_template("backup-prune"), {"application": application.id}))


def backup_copy(region: Region, application: Application) -> str:
    """Give the policy of whoever keeps the second copy of the backups of *application*."""
    return _marked(region, application.id, render(_template("backup-copy"), {"application": application.id}))


def gateway(region: Region, host: str) -> str:
    """Give the policy of a gateway that ends tunnels."""
    return _marked(region, PLATFORM, render(_template("gateway"), {"host": host}))


def platform_policies(region: Region) -> Mapping[str, str]:
    """Give the policies that belong to no application, by name."""
    return {
        naming.S3_KMS_ROLE: _marked(region, PLATFORM, s3_kms(keys_of_buckets(region))),
        naming.METRICS_POLICY: _marked(region, PLATFORM, render(_template("metrics"), {})),
        naming.NEIGHBOUR_PROBE_POLICY: _marked(region, PLATFORM, _application_host(NEIGHBOUR, NEIGHBOUR)),
    }


def people(*, scan: bool = True) -> Mapping[str, str]:
    """Give the policies of people, by name: only a root token writes these, and no plan does.

    Without *scan* they fit HashiCorp Vault, which does not know that capability.
    """
    texts = {
        OPERATIONS_POLICY: render(_template("operations"), {}),
        APPROVER_POLICY: render(_template("approver"), {}),
        DESTRUCTION_POLICY: render(_template("destruction"), {}),
        AUDITOR_POLICY: render(_template("auditor"), {}),
        ON_CALL_POLICY: render(_template("on-call"), {}),
        BREAK_GLASS_POLICY: render(_template("break-glass"), {}),
    }
    return {name: text if scan else text.replace(', "scan"', "") for name, text in texts.items()}


def s3_kms(keys: tuple[str, ...]) -> str:
    """Give the policy of an object store that may use *keys*."""
    template = _template("s3-kms")
    return "\n".join(render(template, {"key": key}) for key in keys)


def keys_of_buckets(region: Region) -> tuple[str, ...]:
    """Name every transit key that a bucket of *region* is encrypted under, and the one that this is tried with."""
    objects = {naming.transit_key(item.id, "objects") for item in region.applications if item.buckets}
    backups = {naming.transit_key(item.id, "backups") for item in region.applications if item.backup}
    return tuple(sorted({*objects, *backups, *keys_of_platform_buckets(region), PROBE_KEY}))


def keys_of_platform_buckets(region: Region) -> tuple[str, ...]:
    """Name the transit keys that the platform's own buckets are encrypted under."""
    kept = dict(zip(naming.PLATFORM_PURPOSES, (region.evidence, region.logs), strict=True))
    return tuple(naming.transit_key(PLATFORM, purpose) for purpose, where in kept.items() if where is not None)


def render(template: str, values: Mapping[str, str]) -> str:
    """Put *values* in the place of ``{{name}}``; raise ``ValueError`` for anything that does not fit exactly."""
    wanted = set(_PLACEHOLDER.findall(template))
    if wanted != values.keys():
        different = ", ".join(sorted(wanted ^ values.keys()))
        raise ValueError(f"placeholders and values differ in: {different}")
    for name, value in values.items():
        if not _IDENTIFIER.fullmatch(value):
            raise ValueError(f"{name} is not an identifier: {value!r}")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _application_host(application: str, host: str) -> str:
    return render(_template("application-host"), {"application": application, "host": host})


def _marked(region: Region, owner: str, text: str) -> str:
    return Mark(region.id, owner).line() + text


def _template(name: str) -> str:
    return (_FOLDER / f"{name}.hcl").read_text()
