"""The faults: what each is called, what it does, on what it is done."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from monitorme.testing import needs
from tests.faults import injections as done
from tests.faults.disks import require_own_disk
from tests.faults.hospital import Hospital
from tests.faults.plan import Plan

EMBEDDED_BEDS: Final = 40
"""amqtt serves for trial and tests: what it carries is less than a hospital."""
ALMOST_AN_HOUR_S: Final = 20.0
WITH_INFLUXDB: Final = Plan(has_influxdb=True)
DEVICE_PROCESSES: Final = 5
ONE_OF_SEVERAL: Final = Plan(device_processes=DEVICE_PROCESSES)

ALL_SERVICES: Final = (
    *("registry", "recorder", "analysis", "alerting"),
    *("nurse_station", "record_forwarding"),
)
EVENTFUL_BEDS: Final = 12
LINES: Final = 20
ON_LINES: Final = Plan(lines=LINES)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is done to a running hospital, again and again.

    `names_losses` is set where a disk is broken: what only that disk still held is
    lost, and each such reading has to be named in a gap.
    """

    name: str
    what: str
    inject: Callable[[Hospital, Random], None]
    plan: Plan = field(default_factory=Plan)
    needs: Callable[[], object] = lambda: needs.program("mosquitto")
    names_losses: bool = False
    is_once: bool = False


FAULTS: Final = (
    Fault("recorder-killed", "kill -9 of the recorder", done.kill("recorder")),
    Fault("broker-killed", "kill -9 of Mosquitto", done.kill("broker")),
    Fault(
        "embedded-broker-killed",
        f"kill -9 of the embedded broker (amqtt), {EMBEDDED_BEDS} beds at most",
        done.kill("broker"),
        Plan(EMBEDDED_BEDS, broker="embedded"),
        needs=lambda: None,
    ),
    Fault("devices-killed", "kill -9 of all devices at once", done.kill("devices")),
    Fault(
        "device-process-killed",
        f"kill -9 of one device process, of {DEVICE_PROCESSES} that share the beds",
        done.kill_device_process,
        ONE_OF_SEVERAL,
    ),
    Fault(
        "recorder-and-broker-killed",
        "kill -9 of recorder and broker in the same moment",
        done.kill("recorder", "broker"),
    ),
    Fault(
        "everything-killed",
        "kill -9 of recorder, broker and devices in the same moment",
        done.kill("recorder", "broker", "devices"),
    ),
    Fault(
        "recorder-stopped",
        "SIGSTOP of the recorder for longer than its keepalive",
        done.stop("recorder"),
    ),
    Fault(
        "broker-stopped",
        "SIGSTOP of Mosquitto for longer than everybody's keepalive",
        done.stop("broker"),
    ),
    Fault(
        "devices-stopped",
        "SIGSTOP of all devices for longer than their keepalive",
        done.stop_devices,
    ),
    Fault(
        "device-process-stopped",
        f"SIGSTOP of one device process, of {DEVICE_PROCESSES} that share the beds, for "
        "longer than its keepalive",
        done.stop_device_process,
        ONE_OF_SEVERAL,
    ),
    Fault(
        "bridge-killed",
        f"kill -9 of the firmware bridge, on which {LINES} devices more hang",
        done.kill("firmware_bridge"),
        ON_LINES,
    ),
    Fault(
        "bridge-and-broker-killed",
        "kill -9 of the firmware bridge and Mosquitto in the same moment",
        done.kill("firmware_bridge", "broker"),
        ON_LINES,
    ),
    Fault(
        "bridge-stopped",
        "SIGSTOP of the firmware bridge for longer than its keepalive",
        done.stop("firmware_bridge"),
        ON_LINES,
    ),
    Fault(
        "services-killed",
        "kill -9 of registry, recorder, analysis, alerting, nurse station and record "
        f"forwarding, one by one; {EVENTFUL_BEDS} beds more have alarms, of which none "
        "may be missing at the end, never raised, or raised twice",
        done.kill_services,
        Plan(services=ALL_SERVICES, eventful_beds=EVENTFUL_BEDS),
    ),
    Fault(
        "influxdb-killed",
        "kill -9 of InfluxDB; compared with what is in InfluxDB",
        done.kill_influxdb,
        WITH_INFLUXDB,
        needs=needs.influxd,
    ),
    Fault(
        "influxdb-stopped",
        "SIGSTOP of InfluxDB; compared with what is in InfluxDB",
        done.stop("influxdb"),
        WITH_INFLUXDB,
        needs=needs.influxd,
    ),
    Fault(
        "influxdb-stalled-and-broker-killed",
        "InfluxDB stands still and the broker is killed meanwhile; compared with what "
        "is in InfluxDB",
        done.stall_influxdb_and_kill_broker,
        WITH_INFLUXDB,
        needs=needs.influxd,
    ),
    Fault(
        "recorder-killed-while-shipping",
        "kill -9 of the recorder between a write and its cursor; compared with what is "
        "in InfluxDB",
        done.kill("recorder"),
        WITH_INFLUXDB,
        needs=needs.influxd,
    ),
    Fault(
        "stale-acknowledgement",
        "the recorder stands still with readings in hand while the broker is killed and "
        "starts again: its late acknowledgements name other readings",
        done.acknowledge_late,
    ),
    Fault(
        "network-cut",
        "the network between devices and broker is cut for some seconds",
        done.cut_network,
        Plan(is_relayed=True),
    ),
    Fault(
        "network-swallows",
        "a pulled cable: connections stay up and nothing gets through",
        done.pull_cable,
        Plan(is_relayed=True),
    ),
    Fault(
        "network-halves",
        "connections break in the middle of packets, again and again",
        done.halve_packets,
        Plan(is_relayed=True),
    ),
    Fault(
        "network-slow",
        "everything between devices and broker takes up to two seconds longer",
        done.slow_network,
        Plan(is_relayed=True),
    ),
    Fault(
        "disk-full",
        "the recorder's disk is full for some seconds",
        done.fill_disk,
        Plan(disk_mb=96),
        needs=require_own_disk,
    ),
    Fault(
        "device-clock-back",
        "the clocks of all devices jump back an hour, and forward again",
        done.device_clock_back,
    ),
    Fault(
        "hub-clock-back",
        "the hub's clock jumps back an hour, and forward again",
        done.hub_clock_back,
    ),
    Fault(
        "torn-page-of-a-closed-hour",
        "pages of a closed hour's file are overwritten, then the recorder is killed; "
        "compared with what is in InfluxDB",
        done.tear_closed_hour,
        Plan(hour_ends_in_s=ALMOST_AN_HOUR_S, has_influxdb=True),
        needs=needs.influxd,
        names_losses=True,
        is_once=True,
    ),
    Fault(
        "torn-page-of-the-current-hour",
        "pages of the hour's file that is written are overwritten, then the recorder is "
        "killed",
        done.tear_current_hour,
    ),
    Fault(
        "killed-while-an-hour-is-written-anew",
        "pages of the hour's file that is written are overwritten, the recorder is killed, "
        "and killed again while it writes the hour anew",
        done.kill_while_written_anew,
    ),
    Fault(
        "torn-write-ahead-log",
        "pages of SQLite's write-ahead log are overwritten, then the recorder is killed",
        done.tear_log_ahead,
    ),
)


def named(name: str) -> Fault:
    """Return the fault of a name."""
    return next(one for one in FAULTS if one.name == name)
