"""What `monitorme doctor` looks at; each finding says what to do."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from monitorme import installed, running
from monitorme.contract.payloads import Service, ServiceState
from monitorme.errors import MonitorMeError
from monitorme.finding import Finding, Verdict
from monitorme.influxd import Influxd, find_influxd
from monitorme.installation import LOWEST_FREE_BYTES
from monitorme.loopback import require_loopback
from monitorme.site import BrokerKind, Site

DAY_BYTES: Final = 12 * 2**30
"""Disk for a day of 500 beds: 182 million readings, ECG included, in the journal."""
CLOCK_TOLERANCE_MS: Final = 5_000


def examine(config: Path | None, data: Path) -> Iterator[Finding]:
    """Look at everything that can be seen without touching the bus."""
    yield _python()
    yield from _plugins()
    try:
        site = Site.load(config)
        site.catalogue()
        require_loopback(site.broker.host)
    except MonitorMeError as error:
        yield Finding("configuration", Verdict.WRONG, str(error), "mend the file")
        return
    where = str(config) if config else "built-in defaults"
    yield Finding("configuration", Verdict.FINE, where)
    yield from _plugin_settings(site, _environment(data))
    yield _data(data)
    yield _disk(data)
    yield _broker_program(site)
    if site.influxdb.managed:
        yield _influxdb_program()
    if running.find(data) is None and site.broker.kind is not BrokerKind.EXTERNAL:
        yield _port("broker", site.broker.host, site.broker.port)
    if running.find(data) is None and site.influxdb.managed:
        yield _port("InfluxDB", site.influxdb.host, site.influxdb.port)


def examine_services(services: list[Service], now_ms: int) -> Iterator[Finding]:
    """Look at what the services say of themselves."""
    for service in services:
        subject = f"{service.service}/{service.instance}"
        yield _service(subject, service, now_ms)
        for alarm in service.alarms:
            yield Finding(subject, Verdict.WRONG, alarm.text, "see its log")
        for warning in service.warnings:
            yield Finding(subject, Verdict.WARNING, warning, "see its log")
    versions = {service.version for service in services}
    if len(versions) > 1:
        text = f"services of versions {', '.join(sorted(versions))} run together"
        yield Finding("versions", Verdict.WARNING, text, "update the older ones")


def _service(subject: str, service: Service, now_ms: int) -> Finding:
    if service.state is not ServiceState.RUNNING:
        advice = "`monitorme up` starts it again; see its log for why it ended"
        return Finding(subject, Verdict.WRONG, f"is {service.state}", advice)
    age_ms = now_ms - service.time_ms
    if age_ms < -CLOCK_TOLERANCE_MS:
        text = f"its clock is {-age_ms / 1000:.0f} s ahead of this one"
        return Finding(subject, Verdict.WRONG, text, "synchronise both with NTP")
    if age_ms > 20_000:
        text = f"has said nothing for {age_ms / 1000:.0f} s"
        return Finding(subject, Verdict.WRONG, text, "it hangs: restart it")
    return Finding(subject, Verdict.FINE, f"running, lag {service.lag_ms:.0f} ms")


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", Verdict.FINE, version)


def _plugins() -> Iterator[Finding]:
    for one in installed.find():
        if one.trouble:
            advice = f"reinstall or remove {one.distribution}"
            yield Finding(f"plugin {one.name}", Verdict.WRONG, one.trouble, advice)
        else:
            text = f"{one.distribution} {one.version}"
            yield Finding(f"plugin {one.name}", Verdict.FINE, text)


def _plugin_settings(site: Site, environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in site.services:
        advice = f"mend [plugins.{name}], or `services`"
        try:
            plugin = installed.find_named(name).plugin()
            yield from plugin.examine(site.plugin_config(plugin), environment)
        except MonitorMeError as error:
            yield Finding(f"settings of {name}", Verdict.WRONG, str(error), advice)


def _environment(data: Path) -> Mapping[str, str]:
    """Return the environment that the services of a data folder have."""
    found = running.find(data)
    if found is None or found.influxdb_url is None:
        return os.environ
    influxd = Influxd.at(found.influxdb_url, folder=data / "influxdb")
    return {**os.environ, **influxd.environment}


def _influxdb_program() -> Finding:
    found = find_influxd()
    if found:
        return Finding("InfluxDB program", Verdict.FINE, f"influxd at {found}")
    advice = "install InfluxDB 2, or set [influxdb] managed = false"
    return Finding("InfluxDB program", Verdict.WRONG, "no influxd here", advice)


def _data(data: Path) -> Finding:
    folder = data if data.exists() else data.absolute().parent
    try:
        probe = folder / ".monitorme-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        advice = "make it writable, or name another folder with --data"
        return Finding("data", Verdict.WRONG, f"{folder}: {error.strerror}", advice)
    return Finding("data", Verdict.FINE, f"{data} can be written")


def _disk(data: Path) -> Finding:
    folder = data if data.exists() else data.absolute().parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", Verdict.WRONG, str(error), "see the data folder")
    text = f"{free / 2**30:.1f} GiB free"
    if free < LOWEST_FREE_BYTES:
        return Finding("disk", Verdict.WRONG, text, "free some: nothing can start")
    if free < 2 * DAY_BYTES:
        advice = f"500 beds for 48 h take about {2 * DAY_BYTES / 2**30:.0f} GiB"
        return Finding("disk", Verdict.WARNING, text, advice)
    return Finding("disk", Verdict.FINE, text)


def _broker_program(site: Site) -> Finding:
    from monitorme.broker import find_mosquitto

    found = find_mosquitto()
    if found:
        return Finding("broker program", Verdict.FINE, f"Mosquitto at {found}")
    advice = "install Mosquitto: the embedded broker is for trial and tests only"
    wanted = site.broker.kind is BrokerKind.MOSQUITTO
    verdict = Verdict.WRONG if wanted else Verdict.WARNING
    return Finding("broker program", verdict, "no Mosquitto here", advice)


def _port(what: str, host: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = f"{host}:{port}: {error.strerror}"
            advice = "stop what uses it, or set another port"
            return Finding(f"port of {what}", Verdict.WRONG, text, advice)
    return Finding(f"port of {what}", Verdict.FINE, f"{host}:{port} is free")
