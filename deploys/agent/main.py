"""The agent's command line, for units and for `hosting`; secrets are read from standard input, never from arguments."""

import json
import sys
from collections.abc import Callable
from typing import Any

from .settings import AgentError

USAGE = """\
hosting-agent receive-identity APPLICATION    a response-wrapping token on standard input
hosting-agent try-identity APPLICATION        logs in with what is kept, and says by which accessor the vault knows it
hosting-agent renew-link
hosting-agent tell-link                       which certificate peers are shown, and the next one; never a key
hosting-agent make-next-link                  a key and its certificate, beside what peers are shown
hosting-agent use-next-link
hosting-agent prove-link                      verifies it, and that the daemon has loaded it with its key
hosting-agent forget-former-link
hosting-agent keep-wireguard                  raises interfaces, and takes those down whose day has passed
hosting-agent end-wireguard INTERFACE
hosting-agent tell-wireguard INTERFACE        the public halves of its keys
hosting-agent make-next-wireguard INTERFACE
hosting-agent use-next-wireguard INTERFACE
hosting-agent take-back-wireguard INTERFACE   the former key again, as long as it was not forgotten
hosting-agent forget-former-wireguard INTERFACE
hosting-agent prepare-volume                  a document with passphrases on standard input
hosting-agent grow-volume                     a document with a passphrase on standard input
hosting-agent add-passphrase                  a document with passphrases on standard input
hosting-agent end-slots                       a document with passphrases on standard input
hosting-agent try-passphrase                  a document with a passphrase on standard input
hosting-agent try-volume APPLICATION VOLUME
hosting-agent save-header                     a document with passphrases on standard input
hosting-agent fetch-header APPLICATION VOLUME
hosting-agent test-header                     a document with a header and passphrases on standard input
hosting-agent restore-header                  a document with a header and passphrases on standard input
hosting-agent erase-volume                    a document with passphrases on standard input
hosting-agent try-erased                      a document with passphrases on standard input
hosting-agent unlock APPLICATION VOLUME
hosting-agent backup APPLICATION
hosting-agent check APPLICATION
hosting-agent check-if-due APPLICATION
hosting-agent serve-databases APPLICATION
hosting-agent stop-databases APPLICATION
hosting-agent restore APPLICATION SNAPSHOT PATH TARGET
hosting-agent make-scratch APPLICATION BYTES
hosting-agent end-scratch APPLICATION
hosting-agent try-restored APPLICATION FOLDER
hosting-agent restore-granted APPLICATION SNAPSHOT PATH TARGET    a wrapping token on standard input
"""


def main(argv: list[str]) -> int:
    """Run one command; 0 done, 1 failed with a line on standard error, 2 wrong usage."""
    command = _COMMANDS.get(argv[0]) if argv else None
    if command is None or len(argv) - 1 != command[0]:
        sys.stderr.write(USAGE)
        return 2
    try:
        command[1](*argv[1:])
    except AgentError as error:
        sys.stderr.write(f"hosting-agent {argv[0]}: {error}\n")
        return 1
    return 0


def _receive_identity(application: str) -> None:
    from .identity import receive

    receive(application, sys.stdin.read().strip())


def _try_identity(application: str) -> None:
    from .identity import prove

    print(json.dumps(prove(application)))


def _renew_link() -> None:
    from .link import renew

    print(json.dumps(renew()))


def _tell_link() -> None:
    from .link import tell

    print(json.dumps(tell()))


def _make_next_link() -> None:
    from .link import make_next

    make_next()


def _use_next_link() -> None:
    from .link import use_next

    use_next()


def _prove_link() -> None:
    from .link import prove

    print(json.dumps(prove()))


def _forget_former_link() -> None:
    from .link import forget_former

    forget_former()


def _keep_wireguard() -> None:
    from .wireguard import keep

    print(json.dumps(keep()))


def _end_wireguard(interface: str) -> None:
    from .wireguard import end

    end(interface)


def _tell_wireguard(interface: str) -> None:
    from .wireguard import tell

    print(json.dumps(tell(interface)))


def _make_next_wireguard(interface: str) -> None:
    from .wireguard import make_next

    make_next(interface)


def _use_next_wireguard(interface: str) -> None:
    from .wireguard import use_next

    use_next(interface)


def _take_back_wireguard(interface: str) -> None:
    from .wireguard import take_back

    take_back(interface)


def _forget_former_wireguard(interface: str) -> None:
    from .wireguard import forget_former

    forget_former(interface)


def _prepare_volume() -> None:
    from .volume import prepare

    prepare(sys.stdin.read())


def _grow_volume() -> None:
    from .growth import grow

    grow(sys.stdin.read())


def _answer(carry_out: Callable[[str], Any]) -> None:
    print(json.dumps(carry_out(sys.stdin.read())))


def _add_passphrase() -> None:
    from .slots import add

    _answer(add)


def _end_slots() -> None:
    from .slots import end

    _answer(end)


def _try_passphrase() -> None:
    from .slots import try_passphrase

    _answer(try_passphrase)


def _save_header() -> None:
    from .slots import save_header

    _answer(save_header)


def _test_header() -> None:
    from .headers import test

    _answer(test)


def _restore_header() -> None:
    from .headers import restore

    _answer(restore)


def _erase_volume() -> None:
    from .erasure import erase

    _answer(erase)


def _try_erased() -> None:
    from .erasure import try_erased

    _answer(try_erased)


def _try_volume(application: str, volume: str) -> None:
    from .slots import try_volume

    print(json.dumps(try_volume(application, volume)))


def _fetch_header(application: str, volume: str) -> None:
    from .headers import fetch

    print(json.dumps(fetch(application, volume)))


def _unlock(application: str, volume: str) -> None:
    from .volume import unlock

    unlock(application, volume)


def _backup(application: str) -> None:
    from .backup import back_up

    print(json.dumps(back_up(application)))


def _check(application: str) -> None:
    from .check import check

    print(json.dumps(check(application)))


def _check_if_due(application: str) -> None:
    from .check import check_if_due

    print(json.dumps(check_if_due(application) or {"outcome": "not due"}))


def _serve_databases(application: str) -> None:
    from .serving import serve

    serve(application)


def _stop_databases(application: str) -> None:
    from .serving import stop

    stop(application)


def _restore(application: str, snapshot: str, path: str, target: str) -> None:
    from .restore import restore

    restore(application, snapshot, path, target)


def _make_scratch(application: str, needed: str) -> None:
    from .scratch import make

    print(make(application, needed))


def _end_scratch(application: str) -> None:
    from .scratch import end

    end(application)


def _try_restored(application: str, folder: str) -> None:
    from .trial import try_restored

    print(json.dumps(try_restored(application, folder)))


def _restore_granted(application: str, snapshot: str, path: str, target: str) -> None:
    from .restore import restore_granted

    restore_granted(application, snapshot, path, target, sys.stdin.read().strip())


_COMMANDS: dict[str, tuple[int, Callable[..., None]]] = {
    "receive-identity": (1, _receive_identity),
    "try-identity": (1, _try_identity),
    "renew-link": (0, _renew_link),
    "tell-link": (0, _tell_link),
    "make-next-link": (0, _make_next_link),
    "use-next-link": (0, _use_next_link),
    "prove-link": (0, _prove_link),
    "forget-former-link": (0, _forget_former_link),
    "keep-wireguard": (0, _keep_wireguard),
    "end-wireguard": (1, _end_wireguard),
    "tell-wireguard": (1, _tell_wireguard),
    "make-next-wireguard": (1, _make_next_wireguard),
    "use-next-wireguard": (1, _use_next_wireguard),
    "take-back-wireguard": (1, _take_back_wireguard),
    "forget-former-wireguard": (1, _forget_former_wireguard),
    "prepare-volume": (0, _prepare_volume),
    "grow-volume": (0, _grow_volume),
    "add-passphrase": (0, _add_passphrase),
    "end-slots": (0, _end_slots),
    "try-passphrase": (0, _try_passphrase),
    "try-volume": (2, _try_volume),
    "save-header": (0, _save_header),
    "fetch-header": (2, _fetch_header),
    "test-header": (0, _test_header),
    "restore-header": (0, _restore_header),
    "erase-volume": (0, _erase_volume),
    "try-erased": (0, _try_erased),
    "unlock": (2, _unlock),
    "backup": (1, _backup),
    "check": (1, _check),
    "check-if-due": (1, _check_if_due),
    "serve-databases": (1, _serve_databases),
    "stop-databases": (1, _stop_databases),
    "restore": (4, _restore),
    "make-scratch": (2, _make_scratch),
    "end-scratch": (1, _end_scratch),
    "try-restored": (2, _try_restored),
    "restore-granted": (4, _restore_granted),
}
