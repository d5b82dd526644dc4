"""The recorder and Telegraf as processes that do the same: MQTT in, InfluxDB out."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path

from monitorme.influxd import ORG, Influxd

TICKS_PER_S = os.sysconf("SC_CLK_TCK")

TELEGRAF = """\
[agent]
  interval = "10s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
  quiet = true
[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "{token}"
  organization = "{org}"
  bucket = "{bucket}"
  content_encoding = "gzip"
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["monitorme/v1/+/+/vital/+"]
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 10000
  topic_tag = ""
  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "monitorme/v1/+/+/vital/+"
    measurement = "_/_/_/_/_/measurement"
    tags = "_/_/ward/bed/_/_"
  [[inputs.mqtt_consumer.json_v2]]
    timestamp_path = "time_ms"
    timestamp_format = "unix_ms"
    [[inputs.mqtt_consumer.json_v2.tag]]
      path = "device"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "value"
      type = "float"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "seq"
      type = "float"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "boot"
"""


class Rival(ABC):
    """One of the two, running."""

    name = ""
    bucket = ""

    def __init__(self, folder: Path, port: int, influxdb: Influxd | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.influxdb = folder, port, influxdb
        if influxdb is not None:
            make_bucket(influxdb, self.bucket)
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdout=log, stderr=log
            )
        time.sleep(3.0)
        assert self.process.poll() is None, (folder / "log").read_text()

    @abstractmethod
    def command(self) -> list[str]:
        """Return what to run."""

    def environment(self) -> dict[str, str]:
        """Return its environment."""
        return dict(os.environ)

    def processor_s(self) -> float:
        """Return how much processor time it has used."""
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def memory_mb(self) -> float:
        """Return how much memory it has in use."""
        for line in self._proc("status").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1000
        return 0.0

    def stored(self, bed: str = "") -> int:
        """Return how many readings InfluxDB has got from it, of one bed or of all."""
        assert self.influxdb is not None
        return count(self.influxdb, self.bucket, bed)

    def pause(self) -> None:
        """Stop it as it is."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text(encoding="ascii")


class Telegraf(Rival):
    """Telegraf as a careful technician would set it up."""

    name, bucket = "Telegraf", "telegraf"

    def command(self) -> list[str]:
        """Return what to run, its settings written."""
        program = find_telegraf()
        assert program is not None
        assert self.influxdb is not None
        path = self.folder / "telegraf.conf"
        path.write_text(
            TELEGRAF.format(
                url=self.influxdb.url,
                token=self.influxdb.token,
                org=ORG,
                bucket=self.bucket,
                port=self.port,
            ),
            encoding="utf-8",
        )
        return [program, "--config", str(path)]


class Recording(Rival):
    """The recorder, as `monitorme run` runs it."""

    name, bucket = "recorder", "vitals"

    def command(self) -> list[str]:
        """Return what to run, its settings written."""
        site = self.folder / "site.toml"
        site.write_text("[plugins.recorder]\nport = 0\n", encoding="utf-8")
        return [
            *(sys.executable, "-m", "monitorme", "run", "recorder"),
            *("--config", str(site), "--data", str(self.folder / "data")),
            *("--broker", f"mqtt://127.0.0.1:{self.port}"),
        ]

    def environment(self) -> dict[str, str]:
        """Return its environment: where InfluxDB is."""
        known = self.influxdb.environment if self.influxdb is not None else {}
        return {**os.environ, **known}

    def figures(self) -> dict[str, float]:
        """Return what the recorder has measured itself."""
        from monitorme.commands.connection import collect, open_bus
        from monitorme.commands.status import services_in
        from monitorme.contract import topics

        wanted = [topics.service_filter(service="recorder")]
        url = f"mqtt://127.0.0.1:{self.port}"
        with open_bus(self.folder / "data", url, subscriptions=wanted) as bus:
            for service in services_in(collect(bus)):
                return dict(service.figures)
        return {}


def find_telegraf() -> str | None:
    """Return Telegraf's path: PATH, else where Go installs programs."""
    folder = os.environ.get("GOBIN") or str(Path.home() / "go" / "bin")
    return shutil.which("telegraf") or shutil.which("telegraf", path=folder)


def make_bucket(influxdb: Influxd, name: str) -> None:
    """Make a bucket unless it is there."""
    found = ask(influxdb, f"/api/v2/buckets?name={name}")
    if not json.loads(found).get("buckets"):
        orgs = json.loads(ask(influxdb, f"/api/v2/orgs?org={ORG}"))["orgs"]
        wanted = {"name": name, "orgID": orgs[0]["id"], "retentionRules": []}
        ask(influxdb, "/api/v2/buckets", json.dumps(wanted).encode())


def count(influxdb: Influxd, bucket: str, bed: str) -> int:
    """Return how many values of the vital are in a bucket, of one bed or of all."""
    of_bed = f' and r.bed == "{bed}"' if bed else ""
    query = (
        f'from(bucket: "{bucket}") |> range(start: -3h, stop: 1h)'
        ' |> filter(fn: (r) => r._measurement == "heart_rate" and r._field == "value"'
        f"{of_bed}) |> count() |> group() |> sum()"
    )
    answer = ask(
        influxdb,
        f"/api/v2/query?org={ORG}",
        json.dumps({"query": query, "type": "flux"}).encode(),
    )
    lines = [line for line in answer.decode().splitlines() if line.strip()]
    if len(lines) < 2:
        return 0
    header, values = lines[0].split(","), lines[1].split(",")
    return int(values[header.index("_value")])


def ask(influxdb: Influxd, path: str, body: bytes | None = None) -> bytes:
    """Ask InfluxDB something over HTTP."""
    headers = {
        "Authorization": f"Token {influxdb.token}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(influxdb.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return b"{}"
        raise
