"""Beds with their sources and devices: a demo ward, load, or recordings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme_device_sim.device import DeviceSpec, SimulatedDevice
from monitorme_device_sim.fleet import Bed
from monitorme_device_sim.ledger import Ledger
from monitorme_device_sim.source import Source

SEPARATE: Final = {"blood_glucose": "glucose", "sleep_state": "sleep"}
"""Vitals that have a device of their own at a demo bed; the monitor has the others."""


def bed_with_devices(
    bed: BedId,
    source: Source,
    folder: Path,
    ledger: Ledger | None,
    *,
    one_device: bool = False,
) -> Bed:
    """Return a bed whose source is read by one device, or by three."""
    parts: dict[str, list[str]] = {}
    for vital in source.vitals:
        part = "monitor" if one_device else SEPARATE.get(vital, "monitor")
        parts.setdefault(part, []).append(vital)
    devices = [
        _device(bed, part, tuple(vitals), folder, ledger)
        for part, vitals in parts.items()
    ]
    return Bed(source, devices)


def _device(
    bed: BedId, part: str, vitals: tuple[str, ...], folder: Path, ledger: Ledger | None
) -> SimulatedDevice:
    name = f"{bed.ward}-{bed.bed}-{part}"
    spec = DeviceSpec(name, bed, vitals, model=f"simulated {part}")
    return SimulatedDevice(spec, folder / name, ledger)


def ward_beds(
    ward: str,
    count: int,
    seed: int,
    catalogue: Catalogue,
    folder: Path,
    ledger: Ledger | None,
    *,
    time_of_day_s: float,
) -> list[Bed]:
    """Return a demo ward: stable patients, and some to whom something happens."""
    from monitorme_device_sim.ward import demo_ward

    return [
        bed_with_devices(
            BedId(ward, f"bed-{number:02}"),
            bed.patient(time_of_day_s, catalogue),
            folder,
            ledger,
        )
        for number, bed in enumerate(demo_ward(seed, count), 1)
    ]


def load_beds(
    count: int,
    ward_size: int,
    seed: int,
    catalogue: Catalogue,
    folder: Path,
    ledger: Ledger | None,
    *,
    first: int = 1,
) -> list[Bed]:
    """Return stable patients in wards `load-01`, …, one device a bed.

    `first` numbers the first bed of all, so that several processes share the wards.
    """
    from monitorme_device_sim.ward import quiet_ward

    beds = []
    ours = quiet_ward(seed, count, skipped=first - 1)
    for number, bed in enumerate(ours, first - 1):
        ward, place = divmod(number, ward_size)
        where = BedId(f"load-{ward + 1:02}", f"bed-{place + 1:02}")
        source = bed.patient(catalogue=catalogue)
        beds.append(bed_with_devices(where, source, folder, ledger, one_device=True))
    return beds


def replay_beds(
    ward: str,
    recordings: Sequence[Path],
    folder: Path,
    ledger: Ledger | None,
) -> list[Bed]:
    """Return a bed for each recording, in their order."""
    from monitorme_device_sim.recordings import open_recording

    return [
        bed_with_devices(
            BedId(ward, f"bed-{number:02}"),
            open_recording(path),
            folder,
            ledger,
            one_device=True,
        )
        for number, path in enumerate(recordings, 1)
    ]


def scenario_bed(
    bed: BedId,
    scenario: str,
    seed: int,
    catalogue: Catalogue,
    folder: Path,
    ledger: Ledger | None,
) -> list[Bed]:
    """Return one bed with one scenario; raises ConfigError for an unknown one."""
    from monitorme.errors import ConfigError
    from monitorme_device_sim import scenarios
    from monitorme_device_sim.physiology.patient import Patient
    from monitorme_device_sim.physiology.profile import Profile

    known = scenarios.load()
    if scenario not in known:
        text = f"no scenario {scenario!r}; there are {', '.join(sorted(known))}"
        raise ConfigError(text)
    patient = Patient(
        Profile.drawn(seed), seed, catalogue=catalogue, scenario=known[scenario]
    )
    return [bed_with_devices(bed, patient, folder, ledger)]
