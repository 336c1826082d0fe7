"""Ways into a bucket past its users: access control lists, the absence of a block, scripts of web sites.

A store that keeps to bucket policies may still honour an access control list: SeaweedFS 4.48 gives whole buckets to
everybody by one, although it says that the owner alone decides.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hosting_cli.doors.store_client import code_of, unless

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_BLOCKED = "public access is not blocked"
_GROUPS = {
    "http://acs.amazonaws.com/groups/global/AllUsers": "everybody",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "every user of the store",
}
_BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def public_access(s3: "S3Client", name: str) -> tuple[str, ...]:
    """Say who but the bucket's owner gets in by its list, and whether a block that the store knows is lacking."""
    return (*_granted(s3, name), *(() if _is_blocked(s3, name) in {None, True} else (NOT_BLOCKED,)))


def cross_origin(s3: "S3Client", name: str) -> tuple[str, ...]:
    """Name the origins whose scripts may reach the bucket."""
    answer = unless(lambda: s3.get_bucket_cors(Bucket=name), "NoSuchCORSConfiguration") or {}
    return tuple(sorted({origin for rule in answer.get("CORSRules", ()) for origin in rule.get("AllowedOrigins", ())}))


def close(s3: "S3Client", name: str) -> None:
    """Leave the bucket to its owner and to the users whose policies name it.  Idempotent."""
    if any(_granted(s3, name)):
        s3.put_bucket_acl(Bucket=name, ACL="private")
    if _is_blocked(s3, name) is False:
        block: Any = _BLOCK
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    if cross_origin(s3, name):
        s3.delete_bucket_cors(Bucket=name)


def _granted(s3: "S3Client", name: str) -> Iterator[str]:
    answer = s3.get_bucket_acl(Bucket=name)
    owner = answer.get("Owner", {}).get("ID")
    for grant in answer.get("Grants", ()):
        grantee = grant.get("Grantee", {})
        if grantee.get("ID") is None or grantee["ID"] != owner:
            who = _GROUPS.get(grantee.get("URI", ""), grantee.get("ID") or grantee.get("URI") or "somebody")
            yield f"{grant.get('Permission')} for {who}"


def _is_blocked(s3: "S3Client", name: str) -> bool | None:
    """Tell whether the store keeps the public out whatever a list or a policy says; ``None`` if it knows no such."""
    from botocore.exceptions import ClientError

    try:
        found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        match code_of(error):
            case "NotImplemented" | "MethodNotAllowed":
                return None
            case "NoSuchPublicAccessBlockConfiguration":
                return False
        raise
    return all(found.get(setting) for setting in _BLOCK)
