"""Requests to an object store, and what their failures mean.

botocore's exceptions end here.  They are not chained: they carry the request, which may carry a secret.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.secret import Secret
from inventory.environment import ObjectStoreAccess

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 12
"""How many requests are under way at once when many things are read."""

CONNECT_SECONDS, READ_SECONDS = 5, 30
ATTEMPTS = 2
"""One more than one, because a store closes connections that were idle while hosts converged."""

FIRST_REFUSAL = 400


class StoreClient:
    """Talk to one object store, whose certificate must be signed by the authority that the environment names."""

    def __init__(self, access: ObjectStoreAccess, credentials: Callable[[], Secret]) -> None:
        self.subject = f"object store {access.endpoint}"
        self._access = access
        self._credentials = credentials
        self._making = threading.Lock()

    @property
    def s3(self) -> "S3Client":
        """Give the client of buckets and objects."""
        with self._making:
            return self._s3

    @property
    def iam(self) -> "IAMClient":
        """Give the client of users and keys."""
        with self._making:
            return self._iam

    def s3_as(self, key_id: str, secret: Secret) -> "S3Client":
        """Give a client that acts with another user's access key."""
        client: S3Client = self._client("s3", key_id, secret)
        return client

    def s3_as_nobody(self) -> "S3Client":
        """Give a client that has no credentials and signs nothing."""
        from botocore import UNSIGNED

        client: S3Client = self._client("s3", "", Secret(""), signature_version=UNSIGNED)
        return client

    def beyond_s3(self, method: str, bucket: str, query: Mapping[str, str], body: bytes = b"") -> bytes:
        """Send a signed request of which S3 knows nothing; give the answer's body, raise ``ClientError`` for a refusal.

        What it asks for must be the same when it is asked twice.
        """
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        with self._making:
            key_id, secret = self._own
        request = AWSRequest(method, f"{self._access.endpoint}/{bucket}", params=dict(query), data=body)
        S3SigV4Auth(Credentials(key_id, secret.reveal()), "s3", self._access.region).add_auth(request)
        answer = self._sent(request.prepare())
        if answer.status_code >= FIRST_REFUSAL:
            raise _as_client_error(answer, f"{method} {next(iter(query))}")
        content: bytes = answer.content
        return content

    def _sent(self, request: Any) -> Any:
        from botocore.exceptions import ConnectionClosedError

        for _ in range(ATTEMPTS - 1):
            with suppress(ConnectionClosedError):
                return self._session.send(request)
        return self._session.send(request)

    # -- failures -----------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn every failure into ``UnreadableError``: what the store could not tell is unknown."""
        with self._failures(UnreadableError):
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Turn a refusal into ``EngineError``, and silence into ``UnreadableError``."""
        with self._failures(EngineError):
            yield

    @contextmanager
    def _failures(self, refused: type[EngineError] | type[UnreadableError]) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, SSLError

        try:
            yield
        except ClientError as error:
            raise self._refused(error, refused) from None
        except SSLError:
            authority = self._access.certificate_authority
            remedy = "Check the address and the file; the certificate is verified always."
            raise UnreadableError(self.subject, f"its certificate is not signed by {authority}", remedy) from None
        except BotoCoreError as error:
            raise UnreadableError(self.subject, f"it does not answer ({type(error).__name__})", _RUNNING) from None

    def _refused(
        self, error: "ClientError", refused: type[EngineError] | type[UnreadableError]
    ) -> EngineError | UnreadableError:
        code = code_of(error)
        match status_of(error):
            case 403:
                remedy = "The provisioner's credentials in the vault must be those of an administrator of the store."
                return refused(self.subject, f"{error.operation_name} is not allowed ({code})", remedy)
            case status:
                return refused(self.subject, f"{error.operation_name} failed: {status} {code}", "Look at its log.")

    # -- clients ------------------------------------------------------------------------------------------------------

    @cached_property
    def _s3(self) -> "S3Client":
        client: S3Client = self._client("s3", *self._own)
        return client

    @cached_property
    def _iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam", *self._own)
        return client

    @cached_property
    def _session(self) -> Any:
        from botocore.httpsession import URLLib3Session

        # botocore's types know less than it takes: a file of authorities, and a time for either part.
        settings: Any = {"verify": str(self._authority), "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        return URLLib3Session(**settings, proxies={}, max_pool_connections=CONNECTIONS)

    @property
    def _authority(self) -> Path:
        authority = Path(self._access.certificate_authority)
        if not authority.is_file():
            what = f"there is no certificate authority {authority}"
            raise UnreadableError(self.subject, what, "Name an existing one.")
        return authority

    @cached_property
    def _own(self) -> tuple[str, Secret]:
        try:
            credentials = json.loads(self._credentials().reveal())
            return credentials["access_key_id"], Secret(credentials["secret_access_key"])
        except (ValueError, KeyError, TypeError):
            what = f"the vault's entry {self._access.credentials} holds no S3 credentials"
            raise EngineError(self.subject, what, 'Store {"access_key_id": …, "secret_access_key": …} there.') from None

    def _client(self, service: str, key_id: str, secret: Secret, **settings: Any) -> Any:
        import boto3
        from botocore.config import Config

        # At its most talkative botocore logs bodies, and in one of them a new secret key is told.
        logging.getLogger("botocore").setLevel(logging.INFO)
        config = Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=CONNECTIONS,
            proxies={},
            # Ceph RGW 16 refuses the checksums that boto3 adds to every upload since 1.36.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            **settings,
        )
        # boto3's types want a literal name; ours is one of two.
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self._access.endpoint,
            region_name=self._access.region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret.reveal(),
            verify=str(self._authority),
            config=config,
        )


_RUNNING = "Is it running?"


def _as_client_error(answer: Any, operation: str) -> "ClientError":
    """Say what boto3 would of a refusal."""
    from botocore.exceptions import ClientError
    from botocore.parsers import ResponseParserError, create_parser

    told = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}
    of_no_shape: Any = None
    try:
        parsed: Any = create_parser("rest-xml").parse(told, of_no_shape)
    except ResponseParserError:  # a refusal in words of the store's own
        parsed = {"ResponseMetadata": {"HTTPStatusCode": answer.status_code}}
    return ClientError(parsed, operation)


def code_of(error: "ClientError") -> str:
    """Give the error code of an answer; some refusals come without one."""
    return str(error.response.get("Error", {}).get("Code", "no code"))


def status_of(error: "ClientError") -> int:
    """Give the HTTP status of a refusal."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def status_when(attempt: Callable[[], Any]) -> int:
    """Give the HTTP status of what *attempt* is answered, a refusal or not."""
    from botocore.exceptions import ClientError

    try:
        return int(attempt()["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as error:
        return status_of(error)


def unless(ask: Callable[[], Any], *absent: str) -> Any:
    """Ask, taking the named refusals for "there is none"; every other one is raised."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if code_of(error) in absent:
            return None
        raise
