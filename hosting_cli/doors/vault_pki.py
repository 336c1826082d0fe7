"""The authorities of the vault's engine of certificates: one issues, others will, or verify what they have issued."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

from cryptography import x509

from hosting_cli.doors.vault_client import VaultClient, concurrently
from hosting_cli.errors import RefusedError
from hosting_cli.keys.authorities import FORMER
from hosting_cli.keys.certificates import LinkAuthority, is_issued_by
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.resources import PkiAuthority
from inventory import naming
from inventory.resource import Json

MOUNT = naming.PKI_MOUNT


class PkiAuthorities:
    """Make, prefer, try and end authorities of links between sites.

    Every method raises ``UnreadableError`` when the vault cannot be asked and ``EngineError`` when it refuses.
    """

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    def read(self) -> tuple[LinkAuthority, ...]:
        """Read every authority; none where there is not even the engine."""
        return tuple(read(self._client))

    def bundle(self) -> tuple[str, ...]:
        """Give the certificates that whoever verifies a link must trust: of the present, the next and former ones."""
        return tuple(sorted(authority.certificate for authority in self.read()))

    def make(self, wanted: PkiAuthority, name: str) -> None:
        """Have the engine make an authority called *name*, whose key never leaves it; the first one issues at once."""
        make(self._client, wanted, name)

    def key_names(self) -> frozenset[str]:
        """Name the keys that the engine keeps, those that have no certificate yet included."""
        return frozenset(keys(self._client).values())

    def request_for(self, wanted: PkiAuthority, name: str) -> str:
        """Give the request for a root to sign, of the key called *name*, made in the engine if need be (PEM)."""
        body = {**_subject(wanted, name), "add_basic_constraints": True}
        if name in self.key_names():
            path, body = f"{MOUNT}/issuers/generate/intermediate/existing", {**body, "key_ref": name}
        else:
            path, body = f"{MOUNT}/issuers/generate/intermediate/internal", {**body, **_KEY, "key_name": name}
        return str(self._client.post(path, body)["data"]["csr"])

    def install(self, chain: str, name: str) -> None:
        """Take the certificate that a root gave the key called *name*, with those above it; it issues nothing yet.

        Idempotent: the engine takes a certificate that it has for the one it has.
        """
        self._client.post(f"{MOUNT}/issuers/import/cert", {"pem_bundle": chain})
        names = keys(self._client)
        for authority in self.read():
            if names.get(authority.key_id) == name:
                self._client.post(f"{MOUNT}/issuer/{authority.id}", {"issuer_name": name})

    def rename(self, authority: LinkAuthority, name: str) -> None:
        """Give *authority* and its key another name; one that is former verifies and issues no more.  Idempotent."""
        usage = "read-only,crl-signing" if name.startswith(FORMER) else "read-only,issuing-certificates,crl-signing"
        self._client.post(f"{MOUNT}/key/{authority.key_id}", {"key_name": name})
        self._client.post(f"{MOUNT}/issuer/{authority.id}", {"issuer_name": name, "usage": usage})

    def prefer(self, authority: LinkAuthority) -> None:
        """Have *authority* issue from now on.  Idempotent."""
        self._client.post(f"{MOUNT}/config/issuers", {"default": authority.id})

    def issue_for_proof(self, request: str, name: str, authority: LinkAuthority | None = None) -> str:
        """Have *authority*, or the one that issues, certify *request* for minutes; give the certificate."""
        path = f"{MOUNT}/issuer/{authority.id}/sign" if authority is not None else f"{MOUNT}/sign"
        answer = self._client.post(f"{path}/{naming.PKI_PROOF_ROLE}", {"csr": request, "common_name": name})
        return str(answer["data"]["certificate"])

    def certify(self, role: str, request: str, name: str) -> str:
        """Have the authority that issues certify *request* by *role*, which knows one name; give the certificate."""
        answer = self._client.post(f"{MOUNT}/sign/{role}", {"csr": request, "common_name": name})
        return str(answer["data"]["certificate"])

    def revoke(self, number: str) -> None:
        """Revoke the certificate with that serial number, and have every list say so at once."""
        self._client.post(f"{MOUNT}/revoke", {"serial_number": number})
        self.publish()

    def publish(self) -> None:
        """Have the engine make every authority's list of what it has revoked anew."""
        publish(self._client)

    def has_list(self, authority: LinkAuthority) -> bool:
        """Tell whether *authority* has a list of what it has revoked."""
        return has_list(self._client, authority)

    def revocations(self, authority: LinkAuthority) -> str:
        """Give the list of what *authority* has revoked (PEM)."""
        answer = self._client.get(_list_of(authority)) or {}
        return str(answer["data"]["crl"])

    def lasting_revocations(self, authority: LinkAuthority, *, seconds: int) -> str:
        """Give that list signed anew to be valid for *seconds*: for peers, which cannot fetch the next (PEM)."""
        present = self.revocations(authority)
        number = x509.load_pem_x509_crl(present.encode()).extensions.get_extension_for_class(x509.CRLNumber).value
        body: dict[str, Json] = {"crls": [present], "crl_number": number.crl_number, "next_update": f"{seconds}s"}
        answer = self._client.post(f"{MOUNT}/issuer/{authority.id}/resign-crls", {**body, "format": "pem"})
        return str(answer["data"]["crl"])

    def issued_by(self, authority: LinkAuthority) -> tuple[x509.Certificate, ...]:
        """Read every certificate that *authority* issued and that is not revoked, ended or not."""
        own = authority.x509.serial_number
        left = (item.x509 for item in self.issued() if not item.is_revoked)
        return tuple(found for found in left if found.serial_number != own and is_issued_by(found, authority))

    def issued(self) -> tuple[IssuedCertificate, ...]:
        """Read every certificate that the engine has on record, ended and revoked ones, and authorities', included."""
        numbers = self._client.list(f"{MOUNT}/certs")
        answers = concurrently(lambda number: self._client.get(f"{MOUNT}/cert/{number}"), numbers)
        told = ((answer or {}).get("data") or {} for answer in answers)
        return tuple(
            IssuedCertificate(
                x509.load_pem_x509_certificate(data["certificate"].encode()), bool(data.get("revocation_time"))
            )
            for data in told
            if data.get("certificate")
        )

    def end(self, name: str) -> None:
        """End the former authority called *name* and its key, for good.  Idempotent.

        Raise ``RefusedError`` for any other: links rely on it.
        """
        if not name.startswith(FORMER):
            remedy = "Only an authority that another one has taken the place of is ended."
            raise RefusedError(f"pki-authority {name}", "links rely on it", remedy)
        # By their name, which is all that the rights of operations reach.
        self._client.delete(f"{MOUNT}/issuer/{name}")
        self._client.delete(f"{MOUNT}/key/{name}")


def read(client: VaultClient) -> Iterator[LinkAuthority]:
    """Yield every authority that has a key here: an offline root that signed one of them is none of ours."""
    path = f"{MOUNT}/issuers"
    response = client.raw("LIST", path)
    listed = {} if response.status_code == HTTPStatus.NOT_FOUND else client.checked("LIST", path, response)
    for identifier, about in listed.get("data", {}).get("key_info", {}).items():
        answer = client.get(f"{MOUNT}/issuer/{identifier}/json")
        if answer is not None and about["key_id"]:
            certificate = str(answer["data"]["certificate"])
            yield LinkAuthority(
                identifier, about["issuer_name"], about["key_id"], certificate, bool(about["is_default"])
            )


def keys(client: VaultClient) -> Mapping[str, str]:
    """Read the name of each key by its identifier."""
    path = f"{MOUNT}/keys"
    response = client.raw("LIST", path)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return {}
    listed = client.checked("LIST", path, response)["data"]["key_info"]
    return {identifier: about["key_name"] for identifier, about in listed.items()}


def make(client: VaultClient, wanted: PkiAuthority, name: str) -> None:
    """Make a self-signed authority as *wanted* asks for it, of the key called *name* if there is one already.

    The engine stores the key first, then the authority, then its list, and stops wherever its caller is gone.
    """
    life = {"max_path_length": 0, "ttl": f"{wanted.validity_days * 24}h"}
    body = {**_subject(wanted, name), **life, "issuer_name": name}
    if name in keys(client).values():
        client.post(f"{MOUNT}/issuers/generate/root/existing", {**body, "key_ref": name, "signature_bits": 384})
    else:
        client.post(f"{MOUNT}/issuers/generate/root/internal", {**body, **_KEY, "key_name": name})


def publish(client: VaultClient) -> None:
    """Have the engine make every list anew."""
    client.get(f"{MOUNT}/crl/rotate")


def has_list(client: VaultClient, authority: LinkAuthority) -> bool:
    """Tell whether *authority* has a list."""
    path = _list_of(authority)
    response = client.raw("GET", path)
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR and "unable to find CRL for issuer" in response.text:
        return False
    client.checked("GET", path, response)
    return True


def _list_of(authority: LinkAuthority) -> str:
    return f"{MOUNT}/issuer/{authority.id}/crl"


_KEY: Mapping[str, Json] = {"key_type": "ec", "key_bits": 384, "signature_bits": 384}


def _subject(wanted: PkiAuthority, name: str) -> dict[str, Json]:
    """Say what an authority calls itself: no two alike, for what they revoke is told apart by that."""
    common_name = f"{wanted.common_name} {name.rpartition('-')[2]}"
    return {"common_name": common_name, "organization": wanted.organization, "country": wanted.country}
