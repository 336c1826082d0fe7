"""Talk to the vault over HTTPS, with nothing but the standard library."""

import base64
import json
import ssl
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .settings import AgentError, Engines

TIMEOUT_SECONDS = 30
SEALED = 503


class VaultError(AgentError):
    """The vault could not be reached, is sealed, or refused."""

    def __init__(self, words: str, kind: str = "vault-refused") -> None:
        super().__init__(words)
        self.kind = kind


class Vault:
    """The vault that *engines* names, verified by our own certificate authority."""

    def __init__(self, engines: Engines) -> None:
        self._address = engines.vault
        self._trust = ssl.create_default_context(cafile=engines.certificate_authority)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """Give the answer's document; raise ``VaultError`` with the status and the vault's own words."""
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"{self._address}/v1/{path}", data=data, method=method)  # noqa: S310 https, by its model
        if token is not None:
            request.add_header("X-Vault-Token", token)
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS, context=self._trust) as answer:  # noqa: S310 as above
                text = answer.read()
        except HTTPError as error:
            kind = "vault-sealed" if error.code == SEALED else "vault-refused"
            raise VaultError(f"the vault refused {method} {path} ({error.code}): {_reasons(error)}", kind) from None
        except (URLError, OSError) as error:
            raise VaultError(f"the vault at {self._address} cannot be reached: {error}", "vault-unreachable") from None
        return json.loads(text) if text else {}

    def unwrap(self, token: str, expected_path: str) -> dict[str, Any]:
        """Take what a wrapping token holds, if it was made at *expected_path*: nobody may have put another in."""
        made = self.call("POST", "sys/wrapping/lookup", {"token": token})["data"]["creation_path"]
        if made != expected_path:
            raise VaultError(f"the wrapping token comes from {made}, not from {expected_path}: it may be forged")
        data: dict[str, Any] = self.call("POST", "sys/wrapping/unwrap", token=token)["data"]
        return data

    def login(self, role: str, secret_id: str) -> "Session":
        """Log in by AppRole."""
        answer = self.call("POST", "auth/approle/login", {"role_id": role, "secret_id": secret_id})
        return Session(self, answer["auth"]["client_token"])


class Session:
    """A login that ends when the block does: its token is then revoked."""

    def __init__(self, vault: Vault, token: str) -> None:
        self._vault = vault
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._vault.call("POST", "auth/token/revoke-self", token=self._token)

    def reveal(self, entry: str) -> str:
        """Give the secret kept at *entry*: its ciphertext from the KV store, opened by its transit key."""
        found = self._vault.call("GET", f"kv/data/hosting/{entry}", token=self._token)["data"]
        key = found["metadata"]["custom_metadata"]["wrapped-by"]
        body = {"ciphertext": found["data"]["ciphertext"]}
        opened = self._vault.call("POST", f"transit/decrypt/{key}", body, self._token)
        return base64.b64decode(opened["data"]["plaintext"]).decode()

    def certify(self, role: str, request: str, name: str) -> str:
        """Have a request certified by *role*; give the certificate."""
        answer = self._vault.call("POST", f"pki/sign/{role}", {"csr": request, "common_name": name}, self._token)
        certificate: str = answer["data"]["certificate"]
        return certificate

    def accessor_of(self, role: str, secret_id: str) -> str:
        """Ask by which accessor the vault knows a secret-id of *role*."""
        path = f"auth/approle/role/{role}/secret-id/lookup"
        found = self._vault.call("POST", path, {"secret_id": secret_id}, self._token)
        accessor: str = found["data"]["secret_id_accessor"]
        return accessor


def _reasons(error: HTTPError) -> str:
    try:
        return ", ".join(json.loads(error.read())["errors"]) or error.reason
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
