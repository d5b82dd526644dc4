"""What is done to a hospital: each waits until it is over, not until all is well again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from monitorme_recorder import in_place
from tests.faults.clocks import HOUR_S
from tests.faults.disks import full, tear
from tests.faults.hospital import LONGER_THAN_KEEPALIVE_S, Hospital
from tests.faults.standstill import stopped

DEVICES = "devices"


def kill(*names: str) -> Callable[[Hospital, Random], None]:
    """Return what kills processes, all in one moment."""

    def inject(hospital: Hospital, chance: Random) -> None:
        pids = [hospital.pid(name) for name in names if name != DEVICES]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        if DEVICES in names:
            hospital.kill_devices(hospital.devices)

    return inject


def kill_influxdb(hospital: Hospital, chance: Random) -> None:
    """Kill InfluxDB, which nobody but us starts again."""
    hospital.kill("influxdb")


def kill_device_process(hospital: Hospital, chance: Random) -> None:
    """Kill one process of devices; the others go on."""
    hospital.kill_devices([chance.choice(hospital.devices)])


def stop(name: str) -> Callable[[Hospital, Random], None]:
    """Return what has a process stand still for longer than its keepalive."""

    def inject(hospital: Hospital, chance: Random) -> None:
        with hospital.stopped(name):
            time.sleep(LONGER_THAN_KEEPALIVE_S + chance.uniform(0, 1))

    return inject


def kill_services(hospital: Hospital, chance: Random) -> None:
    """Kill every service, one after the other in any order, some before all are back."""
    names = list(hospital.plan.services)
    chance.shuffle(names)
    for name in names:
        hospital.kill(name)
        time.sleep(chance.uniform(0.2, 2))
    for name in names:
        hospital.pid(name)


def stop_devices(hospital: Hospital, chance: Random) -> None:
    """Have all devices stand still for longer than their keepalive."""
    with stopped([one.pid for one in hospital.devices]):
        time.sleep(LONGER_THAN_KEEPALIVE_S + chance.uniform(0, 1))


def stop_device_process(hospital: Hospital, chance: Random) -> None:
    """Have one process of devices stand still for longer than its keepalive."""
    with stopped([chance.choice(hospital.devices).pid]):
        time.sleep(LONGER_THAN_KEEPALIVE_S + chance.uniform(0, 1))


def stall_influxdb_and_kill_broker(hospital: Hospital, chance: Random) -> None:
    """Have InfluxDB stand still, and the broker die in the midst of it."""
    with hospital.stopped("influxdb"):
        time.sleep(chance.uniform(3, 6))
        hospital.kill("broker")
        time.sleep(chance.uniform(4, 8))


def acknowledge_late(hospital: Hospital, chance: Random) -> None:
    """Have the recorder stand still while the broker dies and starts again."""
    with hospital.stopped("recorder"):
        time.sleep(chance.uniform(0.1, 0.6))
        hospital.kill("broker")
        time.sleep(chance.uniform(1, 2))


def cut_network(hospital: Hospital, chance: Random) -> None:
    """Cut all connections for some seconds."""
    hospital.network.cut()
    time.sleep(chance.uniform(0.5, 4))
    hospital.network.mend()


def pull_cable(hospital: Hospital, chance: Random) -> None:
    """Lose what is sent, for longer than the keepalive."""
    hospital.network.swallow = True
    time.sleep(LONGER_THAN_KEEPALIVE_S + chance.uniform(0, 2))
    hospital.network.mend()


def halve_packets(hospital: Hospital, chance: Random) -> None:
    """Break connections in the middle of packets for some seconds."""
    hospital.network.halves = True
    time.sleep(chance.uniform(2, 4))
    hospital.network.mend()


def slow_network(hospital: Hospital, chance: Random) -> None:
    """Delay everything for some seconds, and cut some of it off in the end."""
    hospital.network.delay_s = chance.uniform(0.5, 2)
    time.sleep(chance.uniform(3, 5))
    hospital.network.mend()


def fill_disk(hospital: Hospital, chance: Random) -> None:
    """Fill the recorder's disk for some seconds."""
    with full(hospital.data / "recorder"):
        time.sleep(chance.uniform(3, 6))


def device_clock_back(hospital: Hospital, chance: Random) -> None:
    """Have the devices' clocks jump back an hour for some seconds."""
    hospital.device_clock.set(-HOUR_S)
    time.sleep(chance.uniform(2, 4))
    hospital.device_clock.set(0)


def hub_clock_back(hospital: Hospital, chance: Random) -> None:
    """Have the hub's clock jump back an hour for some seconds, and kill its recorder."""
    before_s = hospital.hub_clock.error_s
    hospital.hub_clock.set(before_s - HOUR_S)
    time.sleep(chance.uniform(1, 3))
    hospital.kill("recorder")
    time.sleep(chance.uniform(1, 3))
    hospital.hub_clock.set(before_s)


def tear_closed_hour(hospital: Hospital, chance: Random) -> None:
    """Overwrite pages of a closed hour's file, and have the recorder find out."""
    deadline = time.monotonic() + 90
    while len(hospital.journal_files()) < 2:
        assert time.monotonic() < deadline, "never: the hour ends"
        time.sleep(0.2)
    time.sleep(chance.uniform(2, 4))
    hospital.torn += 1
    tear(hospital.journal_files()[0], chance)
    hospital.kill("recorder")


def tear_current_hour(hospital: Hospital, chance: Random) -> None:
    """Overwrite pages of the file that is written, and have the recorder find out."""
    # A restart in good order puts what was written so far from the log into the file.
    os.kill(hospital.pid("recorder"), signal.SIGTERM)
    time.sleep(1)
    hospital.wait_recovered()
    _tear_and_kill(hospital, hospital.journal_files()[-1], chance)


def kill_while_written_anew(hospital: Hospital, chance: Random) -> None:
    """Overwrite pages of the file that is written, and kill whoever mends it."""
    tear_current_hour(hospital, chance)
    folder = hospital.journal_files()[-1].parent
    deadline = time.monotonic() + 60
    while not list(folder.glob(f"*{in_place.WRITING}")):
        assert time.monotonic() < deadline, "never: the hour is written anew"
        time.sleep(0.005)
    time.sleep(chance.uniform(0, 1))
    hospital.kill("recorder")


def tear_log_ahead(hospital: Hospital, chance: Random) -> None:
    """Overwrite pages of SQLite's write-ahead log, and have the recorder find out."""
    newest = hospital.journal_files()[-1]
    _tear_and_kill(hospital, newest.with_name(newest.name + "-wal"), chance)


def _tear_and_kill(hospital: Hospital, path: Path, chance: Random) -> None:
    with hospital.stopped("recorder"):
        hospital.torn += 1
        tear(path, chance)
        os.kill(hospital.pid("recorder"), signal.SIGKILL)
