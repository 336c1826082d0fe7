"""What a proof says of what was seen: held only when the promise was really tried, and the trial could have failed."""

import pytest

from hosting_cli.errors import EngineError, HostingError, UnreadableError
from hosting_cli.proofs import neighbour, objects, reboot, restore, strangers
from hosting_cli.proofs.proof import Proof, Verdict, guarded, skipped

HELD, BROKEN, UNKNOWN = Verdict.HELD, Verdict.BROKEN, Verdict.UNKNOWN
DENIED = {"transit/keys/k/trim": ("deny",)}
KEY, BUCKET = "hosting-imagerie-objects", "bfc-imagerie-images"


# -- a neighbour --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "rights", "own", "verdict", "words"),
    [
        pytest.param({"GET a": 403}, DENIED, {"GET a": 200}, HELD, "all 2 paths", id="refused everywhere"),
        pytest.param({"GET a": 200, "GET b": 403}, DENIED, {"GET a": 200}, BROKEN, "GET a answered 200", id="let in"),
        pytest.param({"GET a": 404}, DENIED, {"GET a": 200}, BROKEN, "answered 404", id="told that nothing is there"),
        pytest.param({"POST a": 400}, DENIED, {"GET a": 200}, BROKEN, "answered 400", id="told what it does wrong"),
        pytest.param(
            {"GET a": 403},
            {"kv/metadata/a": ("delete", "read")},
            {"GET a": 200},
            BROKEN,
            "kv/metadata/a allows delete, read",
            id="allowed what was not tried",
        ),
        pytest.param({"GET a": 503}, DENIED, {"GET a": 200}, UNKNOWN, "the vault itself failed", id="sealed meanwhile"),
        pytest.param({"GET a": 503, "GET b": 200}, DENIED, {}, BROKEN, "GET b answered 200", id="let in, then sealed"),
        pytest.param({"GET a": 403}, DENIED, {"GET a": 403}, UNKNOWN, "show nothing", id="its own is refused too"),
        pytest.param({"GET a": 403}, DENIED, {"GET a": 404}, UNKNOWN, "show nothing", id="its own finds nothing"),
        pytest.param({"GET a": 403}, DENIED, {"GET a": 503}, UNKNOWN, "show nothing", id="its own gets no answer"),
        pytest.param({"GET a": 403}, DENIED, {}, UNKNOWN, "show nothing", id="its own was not tried"),
    ],
)
def test_a_neighbour_is_refused(
    refused: dict[str, int], rights: dict[str, tuple[str, ...]], own: dict[str, int], verdict: Verdict, words: str
) -> None:
    found = neighbour.judge("imagerie", refused, rights, own)
    assert (found.verdict, found.subject) == (verdict, "application imagerie")
    assert words in found.sentence
    assert found.observed["neighbour"] == refused


# -- objects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "verdict", "words"),
    [
        pytest.param(objects.Seen("aws:kms", KEY, True), HELD, f"encrypted under {KEY}", id="under its key"),
        pytest.param(objects.Seen("AES256", KEY, True), BROKEN, "lies under AES256", id="under a key of the store's"),
        pytest.param(objects.Seen("aws:kms", "another", True), BROKEN, "under another", id="under another's key"),
        pytest.param(objects.Seen(None, None, True), BROKEN, "under nothing", id="in the clear"),
        pytest.param(objects.Seen("aws:kms", None, True), BROKEN, "under no key", id="under no key"),
        pytest.param(objects.Seen("aws:kms", KEY, False), BROKEN, "other bytes", id="not what was put"),
    ],
)
def test_an_object_is_encrypted(seen: objects.Seen, verdict: Verdict, words: str) -> None:
    found = objects.judge_encrypted(BUCKET, KEY, seen)
    assert (found.verdict, words in found.sentence) == (verdict, True), found.sentence


@pytest.mark.parametrize(
    ("answers", "verdict", "words"),
    [
        pytest.param({"list": 403, "read": 403, "write": 403}, HELD, "refused: list, read, write", id="refused"),
        pytest.param({"list": 403, "read": 401}, HELD, "refused: list, read", id="asked who it is"),
        pytest.param({"list": 200, "read": 403}, BROKEN, "list answered 200", id="sees names"),
        pytest.param({"list": 403, "read": 404}, BROKEN, "read answered 404", id="told what is not there"),
        pytest.param({"list": 403, "read": 500}, UNKNOWN, "read answered 500", id="the store failed"),
        pytest.param({"list": 500, "read": 200}, BROKEN, "read answered 200", id="let in beside a failure"),
    ],
)
def test_a_stranger_is_refused(answers: dict[str, int], verdict: Verdict, words: str) -> None:
    found = strangers.judge(BUCKET, answers)
    assert (found.verdict, words in found.sentence) == (verdict, True), found.sentence
    assert found.observed == answers


@pytest.mark.parametrize(
    ("while_disabled", "afterwards", "verdict", "words"),
    [
        pytest.param(False, True, HELD, "was unreadable while", id="unreadable, then back"),
        pytest.param(True, True, BROKEN, "could still be read", id="readable without its key"),
        pytest.param(False, False, BROKEN, "did not come back", id="lost with its key"),
        pytest.param(False, None, BROKEN, "did not come back", id="not read afterwards"),
    ],
)
def test_an_object_is_unreadable_without_its_key(
    while_disabled: bool, afterwards: bool | None, verdict: Verdict, words: str
) -> None:
    found = objects.judge_unreadable(BUCKET, KEY, objects.Seen("aws:kms", KEY, True, while_disabled, afterwards))
    assert (found.verdict, words in found.sentence) == (verdict, True), found.sentence


# -- restarts and restores ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "verdict", "words"),
    [
        pytest.param(
            reboot.Seen("1", "2", {"/srv/data": "d"}, {"/srv/data": "d"}, ()),
            HELD,
            "came back by itself",
            id="all came back",
        ),
        pytest.param(reboot.Seen("1", "2", {}, {}, ()), HELD, "restarted; firewall", id="a host without volumes"),
        pytest.param(reboot.Seen("1", "2", {"/srv/data": "d"}, {}, ()), BROKEN, "changed over", id="a file is gone"),
        pytest.param(reboot.Seen("1", "1", {}, {}, ()), BROKEN, "was not restarted", id="it never restarted"),
        pytest.param(
            reboot.Seen("1", "2", {"/srv/a": "d", "/srv/b": "d"}, {"/srv/a": "d", "/srv/b": "e"}, ()),
            BROKEN,
            "a file of /srv/b changed",
            id="the data of one volume changed",
        ),
        pytest.param(reboot.Seen("1", "2", {}, {}, ("timer: active",)), BROKEN, "timer: active", id="a timer stopped"),
        pytest.param(
            reboot.Seen("1", "unknown", {"/srv/data": "d"}, {}, ("gone",)), BROKEN, "gone", id="it stayed away"
        ),
    ],
)
def test_a_host_survives_a_restart(seen: reboot.Seen, verdict: Verdict, words: str) -> None:
    found = reboot.judge("app", seen)
    assert (found.verdict, words in found.sentence) == (verdict, True), found.sentence


@pytest.mark.parametrize(("after", "verdict"), [("d", HELD), ("e", BROKEN)])
def test_a_backup_gives_the_bytes_back(after: str, verdict: Verdict) -> None:
    found = restore.judge("app", "/srv/data", "d", after)
    assert (found.verdict, found.observed["restored_sha256"]) == (verdict, after)


# -- every proof --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        pytest.param(UnreadableError("host app", "is down", "Start it."), UNKNOWN, id="could not be seen"),
        pytest.param(EngineError("bucket b", "was refused", "Ask."), BROKEN, id="an engine failed"),
    ],
)
def test_an_error_on_the_way_is_a_proof_and_never_held(error: HostingError, verdict: Verdict) -> None:
    def work() -> list[Proof]:
        raise error

    (found,) = guarded("name", "application imagerie", work)
    assert (found.verdict, found.sentence) == (verdict, str(error))


def test_what_was_proven_before_an_error_is_kept() -> None:
    first = Proof("name", "subject", HELD, "seen", {})

    def work() -> list[Proof]:
        return [first]

    assert list(guarded("name", "subject", work)) == [first]


def test_what_was_not_asked_for_is_not_proven() -> None:
    found = skipped("name", "host app", "a restarted host comes back by itself")
    assert found.verdict is Verdict.NOT_PROVEN
    assert "--disruptive" in found.sentence


def test_a_proof_is_recorded_as_plain_json() -> None:
    assert Proof("name", "host app", HELD, "seen", {"ports": [1]}).to_json() == {
        "proof": "name",
        "subject": "host app",
        "verdict": "held",
        "sentence": "seen",
        "observed": {"ports": [1]},
    }
