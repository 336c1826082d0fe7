"""What bad luck with the object store looks like: unknown, never absent, and with what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from engines_lab import STORE, Engines, data_bucket

from hosting_cli.doors.objects import ObjectStoreDoor
from hosting_cli.errors import EngineError, UnreadableError
from hosting_cli.lab import tls
from hosting_cli.lab.processes import is_alive


@pytest.fixture
def stopped(engines: Engines, store_door: ObjectStoreDoor) -> Iterator[ObjectStoreDoor]:
    engines.store.stop(engines.running["store"])
    assert not is_alive(engines.running["store"])
    assert not list(Path("/tmp").glob(f"seaweedfs-*-grpc-{engines.store.ports[-1]}.sock"))
    yield store_door
    engines.running["store"] = engines.store.start()


def test_a_store_that_is_down_is_unknown(stopped: ObjectStoreDoor) -> None:
    reading = stopped.read()
    assert reading.resources is None
    assert "does not answer" in str(reading.reason)
    with pytest.raises(UnreadableError, match="does not answer"):
        stopped.write(data_bucket("bfc-fault"))
    with pytest.raises(UnreadableError, match="does not answer"):
        stopped.access_key_ids("hosting-x")
    with pytest.raises(UnreadableError, match="does not answer"):
        stopped.capabilities()


def test_a_killed_store_comes_back_with_all_that_it_acknowledged(engines: Engines, store_door: ObjectStoreDoor) -> None:
    from hosting_cli.lab import processes

    bucket = data_bucket("bfc-survives")
    store_door.write(bucket)
    store_door.put_object(bucket.name, "kept", b"bytes")
    before = store_door.read().resources
    processes.stop(engines.running["store"], grace_seconds=0)
    engines.running["store"] = engines.store.start()
    assert store_door.read().resources == before
    assert store_door.get_object(bucket.name, "kept") == b"bytes"


def test_a_sealed_vault_makes_objects_unreadable_and_nothing_is_lost(
    engines: Engines, store_door: ObjectStoreDoor
) -> None:
    bucket = data_bucket("bfc-sealed")
    store_door.write(bucket)
    store_door.put_object(bucket.name, "kept", b"bytes")
    engines.vault.seal()
    try:
        with pytest.raises(EngineError, match="GetObject failed: 500"):
            store_door.get_object(bucket.name, "kept")
    finally:
        engines.vault.open(engines.running["vault"])
    assert store_door.get_object(bucket.name, "kept") == b"bytes"


def test_a_wrong_authority_is_named(engines: Engines, store_door: ObjectStoreDoor, tmp_path: Path) -> None:
    other = tls.certificates(tmp_path / "other").authority
    access = engines.store_access().model_copy(update={"certificate_authority": other})
    door = ObjectStoreDoor(access, engines.store.provisioner, store=STORE, region="x")
    reading = door.read()
    assert reading.resources is None
    assert f"its certificate is not signed by {other}" in str(reading.reason)


def test_an_authority_that_is_not_there_is_named(engines: Engines, store_door: ObjectStoreDoor, tmp_path: Path) -> None:
    access = engines.store_access().model_copy(update={"certificate_authority": tmp_path / "none.pem"})
    door = ObjectStoreDoor(access, engines.store.provisioner, store=STORE, region="x")
    with pytest.raises(UnreadableError, match=r"no certificate authority .*none\.pem"):
        door.access_key_ids("hosting-x")


def test_a_vault_that_cannot_give_the_credentials_is_the_reason(engines: Engines, store_door: ObjectStoreDoor) -> None:
    def sealed() -> None:
        raise UnreadableError("vault x", "it is sealed", "Unseal it.")

    reading = ObjectStoreDoor(engines.store_access(), sealed, store=STORE, region="x").read()  # type: ignore[arg-type]
    assert reading.resources is None
    assert "it is sealed" in str(reading.reason)
