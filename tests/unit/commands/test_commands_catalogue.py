"""What products can do, side by side and one by one."""

from pathlib import Path

import pytest
from fake_doors import World
from test_commands_backup import printed

from hosting_cli.commands.catalogue import providers
from hosting_cli.errors import UsageError
from hosting_cli.result import ExitStatus


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_all_products_stand_side_by_side(world: World) -> None:
    found = providers(world.session)
    shown = [line.split() for line in printed(found).splitlines()]
    assert shown[0] == ["feature", "ceph-rgw", "outscale", "ovhcloud", "scaleway", "seaweedfs"]
    assert ["lifecycle", "supported", "supported", "unknown", "forbidden", "supported"] in shown
    assert ["can", "be", "set", "up", "yes", "no", "no", "no", "yes"] in shown
    assert found.status is ExitStatus.DONE
    assert [item["id"] for item in found.data["providers"]] == shown[0][1:]


def test_one_product_comes_with_reasons_and_sources(world: World) -> None:
    shown = printed(providers(world.session, "scaleway"))
    assert "its offer for health data allows no lifecycle rule" in shown
    assert "HDS certificate for fr-par, FR" in shown
    assert "Nothing can be set up there from here:" in shown
    assert "Source: github.com/scaleway/docs-content" in shown
    assert "Buckets and users can be set up there." in printed(providers(world.session, "seaweedfs"))


def test_a_product_that_is_none_is_told_which_there_are(world: World) -> None:
    with pytest.raises(UsageError, match="ceph-rgw, outscale, ovhcloud, scaleway, seaweedfs"):
        providers(world.session, "minio")
