"""How fast an encrypted volume is beside a bare one on the same disk, on a machine of the lab."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploys.programs import INTERPRETER
from deploys.resources import HostVolume
from hosting_cli.lab import accelerator, channels, image, machines, network, template
from hosting_cli.lab.laboratory import DATA_DISK_GIB
from hosting_cli.lab.progress import Progress
from hosting_cli.lab.specification import Link, MachineSpec
from tests.bench.measure import BenchmarkError, Chapter, Figure, Series, ratio

MIB = 64
ROUNDS = 5
DEVICE = "/dev/disk/by-id/virtio-data"
_PROGRAM = Path(__file__).with_name("volume_on_host.py")
_LINK = Link("bench", "10.21.10.11/24")


def measure(progress: Progress) -> Chapter:
    """Start a machine, measure on it, and remove it."""
    cache = Path(os.environ.get("HOSTING_CACHE", "~/.cache/hosting")).expanduser()
    spec = MachineSpec("bench-1", 1, data_disk_gib=DATA_DISK_GIB, links=(_LINK,))
    built = image.build(cache, progress)
    found = accelerator.find(cache, built, template.qemu_version(), progress)
    booted = template.build(cache, built, spec.shape, progress, kvm=found.kvm)
    with tempfile.TemporaryDirectory(prefix="hosting-bench-") as name:
        lab = Path(name)
        try:
            network.start(lab, _LINK.network)
            machines.start_all((spec,), lab, built, lambda _: booted, progress)
            rounds = _measured(lab, spec.name, progress)
        finally:
            machines.remove(lab, spec.name)
            network.stop_all(lab)
    return _chapter(rounds, found.reason)


def _measured(lab: Path, name: str, progress: Progress) -> Sequence[Mapping[str, Mapping[str, float]]]:
    progress(f"writing and reading {MIB} MiB, {ROUNDS} times, on a bare and on an encrypted volume")
    wanted = json.dumps({"device": DEVICE, "mib": MIB, "rounds": ROUNDS, "format": _format()})
    text = f"{_PROGRAM.read_text()}\n\nmain({json.dumps(wanted)})\n"
    ran = channels.run(machines.directory(lab, name), INTERPRETER, standard_input=text.encode(), timeout_seconds=1800)
    if ran.status != 0:
        raise BenchmarkError(f"the volumes could not be measured: {ran.errors.strip()[-500:]}")
    rounds: Sequence[Mapping[str, Mapping[str, float]]] = json.loads(ran.output)
    return rounds


def _format() -> list[str]:
    """Give the product's own cipher and key; what trying a passphrase costs is no part of throughput."""
    product = {field: HostVolume.__dataclass_fields__[field].default for field in ("cipher", "key_bits")}
    cipher, bits = f"--cipher={product['cipher']}", f"--key-size={product['key_bits']}"
    return ["--batch-mode", "--type=luks2", cipher, bits, "--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000"]


def _chapter(rounds: Sequence[Mapping[str, Mapping[str, float]]], accelerated: str) -> Chapter:
    series = {name: Series(name, tuple(Figure(**figures[name]) for figures in rounds)) for name in sorted(rounds[0])}
    notes = [
        f"{work}: {ratio(series[f'{work}, encrypted'], series[f'{work}, bare']):.2f} × the time of the bare volume,"
        f" {MIB / series[f'{work}, encrypted'].wall[1]:.0f} MiB/s against {MIB / series[f'{work}, bare'].wall[1]:.0f}"
        for work in ("write", "read")
    ]
    title = f"Writing and reading {MIB} MiB of a volume ({accelerated})"
    return Chapter(title, tuple(series.values()), (), tuple(notes))
