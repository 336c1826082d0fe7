"""Requests to the vault, and what their failures mean.

hvac's exceptions end here.  They are not chained: they carry the request, which may carry a secret.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.secret import Secret
from inventory.environment import VaultAccess
from inventory.resource import Json

if TYPE_CHECKING:
    from hvac.adapters import RawAdapter
    from requests import Response

TIMEOUT_SECONDS = 20
CONNECTIONS = 12
"""How many requests are under way at once when many things are read."""

Answer = dict[str, Any]
Item = TypeVar("Item")

_READS = frozenset({"GET", "LIST", "SCAN"})
_CAPABILITIES = {"GET": "read", "LIST": "list", "SCAN": "scan", "DELETE": "delete", "PATCH": "patch"}


class VaultClient:
    """Talk to one vault, whose certificate must be signed by the authority that the environment names.

    The token is that of *token_file*, which was named on the command line, else ``VAULT_TOKEN``, else that of the file
    which the environment names.
    """

    def __init__(self, access: VaultAccess, token_file: Path | None = None) -> None:
        self.subject = f"vault {access.address}"
        self._access = access
        self._token_file = token_file
        self._making = threading.Lock()

    def get(self, path: str) -> Answer | None:
        """Read *path*; ``None`` when the vault says that nothing is there, or that no engine is mounted there."""
        return self._found("GET", path)

    def list(self, path: str) -> tuple[str, ...]:
        """List the names below *path*; none when there is nothing."""
        return tuple((self._found("LIST", path) or {}).get("data", {}).get("keys", ()))

    def listed(self, path: str, *, method: str = "LIST") -> dict[str, Any] | None:
        """List names with their details in one request; ``None`` when this vault cannot do that for *path*."""
        response = self.raw(method, path)
        # 405 and "unsupported path": HashiCorp Vault, which knows neither SCAN nor the detailed paths.
        if response.status_code == 405 or (response.status_code == 404 and "unsupported" in response.text):
            return None
        if _is_nothing(response):
            return {}
        found: dict[str, Any] = self.checked(method, path, response)["data"].get("key_info", {})
        return found

    def post(self, path: str, body: Mapping[str, Any], *, wrap_seconds: int | None = None) -> Answer:
        """Write *body* to *path*; with *wrap_seconds* the answer is a response-wrapping token."""
        headers = {"X-Vault-Wrap-TTL": str(wrap_seconds)} if wrap_seconds is not None else None
        return self.checked("POST", path, self.raw("POST", path, dict(body), headers=headers))

    def delete(self, path: str) -> Answer:
        """Delete *path*; idempotent."""
        return self.checked("DELETE", path, self.raw("DELETE", path))

    def raw(
        self,
        method: str,
        path: str,
        body: Json | dict[str, Any] = None,
        *,
        headers: dict[str, str] | None = None,
        token: Secret | None = None,
    ) -> "Response":
        """Send one request and give the answer as it is, whatever its status.

        With *token* it is sent in that token's name.  Raise ``UnreadableError`` when no answer comes.
        """
        import requests

        adapter = self._adapter if token is None else self._in_the_name_of(token)
        try:
            response: Response = adapter.request(
                method, f"/v1/{path}", headers=dict(headers or {}), raise_exception=False, json=body
            )
        except requests.exceptions.SSLError:
            raise self._untrusted() from None
        except requests.exceptions.RequestException as error:
            raise self._silent(error) from None
        return response

    def _found(self, method: str, path: str) -> Answer | None:
        response = self.raw(method, path)
        return None if _is_nothing(response) else self.checked(method, path, response)

    def checked(self, method: str, path: str, response: "Response") -> Answer:
        """Give what *response* holds; raise what its status means."""
        if response.status_code >= 400:
            raise self._failed(method, path, response.status_code, _errors(response))
        answer: Answer = response.json() if response.content else {}
        return answer

    # -- failures -----------------------------------------------------------------------------------------------------

    def _failed(self, method: str, path: str, status: int, errors: str) -> EngineError | UnreadableError:
        match status:
            case 403 if self.raw("GET", "auth/token/lookup-self").status_code == 403:
                return UnreadableError(self.subject, "the token is not valid, or no longer", "Log in again.")
            case 403:
                capability = _CAPABILITIES.get(method, "create or update")
                remedy = f"Its policy must allow `{capability}` on `{path}`; see vault_policies/operations.hcl."
                return EngineError(self.subject, f"the token may not {method} {path}", remedy)
            case 503:
                return UnreadableError(self.subject, f"it is sealed or has no leader ({errors})", _UNSEAL)
            case 501:
                remedy = "Initialise it with `bao operator init`; in a lab, `hosting lab up` does."
                return UnreadableError(self.subject, "it was never initialised", remedy)
            case _ if method in _READS and status >= 500:
                return UnreadableError(self.subject, f"{method} {path} failed: {status} {errors}", "Look at its log.")
        return EngineError(self.subject, f"it refused {method} {path}: {status} {errors}", "Look at its log.")

    def _untrusted(self) -> UnreadableError:
        authority = self._access.certificate_authority
        remedy = "Check the address and the file; the certificate is verified always."
        return UnreadableError(self.subject, f"its certificate is not signed by {authority}", remedy)

    def _silent(self, error: Exception) -> UnreadableError:
        return UnreadableError(self.subject, f"it does not answer ({type(error).__name__})", "Is it running?")

    # -- what the first request needs ---------------------------------------------------------------------------------

    @cached_property
    def _adapter(self) -> "RawAdapter":
        import requests
        from hvac.adapters import RawAdapter
        from requests.adapters import HTTPAdapter

        authority = Path(self._access.certificate_authority)
        if not authority.is_file():
            raise UnreadableError(
                self.subject, f"there is no certificate authority {authority}", "Name an existing one."
            )
        session = requests.Session()
        # No proxy, no netrc, no other authority: what the environment file says is all there is.
        session.trust_env = False
        # Said to the session, because hvac prefers what a session it is given says to its own argument.
        session.verify = str(authority)
        session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        return RawAdapter(
            base_uri=self._access.address,
            token=self._token().reveal(),
            timeout=TIMEOUT_SECONDS,
            session=session,
        )

    def _in_the_name_of(self, token: Secret) -> "RawAdapter":
        from hvac.adapters import RawAdapter

        # An adapter of its own, because hvac puts an adapter's token over that of a request.
        other: RawAdapter = RawAdapter.from_adapter(self._adapter)
        other.token = token.reveal()
        return other

    def _token(self) -> Secret:
        value = os.environ.get("VAULT_TOKEN")
        if value and self._token_file is None:
            return Secret(value)
        return self._token_in(Path(self._token_file or self._access.token_file))

    def _token_in(self, path: Path) -> Secret:
        try:
            mode, value = path.stat().st_mode, path.read_text().strip()
        except OSError as error:
            remedy = "Log in to the vault, or name another file by --token-file."
            raise UnreadableError(
                self.subject, f"the token file {path} is not readable ({error.strerror})", remedy
            ) from None
        if stat.S_IMODE(mode) & 0o077:
            raise RefusedError(self.subject, f"others may read the token file {path}", f"Run `chmod 600 {path}`.")
        return Secret(value)


_UNSEAL = "Have its key holders unseal it (`bao operator unseal`); in a lab, run `hosting lab mend`."


def concurrently(function: Callable[[str], Item], names: Iterable[str]) -> Iterator[Item]:
    """Call *function* for every name, several at once, and yield the results in order."""
    with ThreadPoolExecutor(max_workers=CONNECTIONS) as pool:
        yield from pool.map(function, tuple(names))


def _is_nothing(response: "Response") -> bool:
    """Tell an honest "nothing is there" from a path that the server does not know."""
    return response.status_code == 404 and "unsupported" not in response.text


def _errors(response: "Response") -> str:
    """Give what the vault complains about: it names paths and parameters, never values."""
    try:
        errors = response.json().get("errors") or []
    except ValueError:
        errors = [response.reason]
    return "; ".join(" ".join(str(error).split()) for error in errors)
