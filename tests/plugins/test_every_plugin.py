"""What every installed plugin keeps to: its folder, its contract, its independence."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from monitorme import installed
from monitorme.contract import payloads, topics
from monitorme.contract.schema import CHANNELS
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    DeviceTopic,
    EventTopic,
    LimitsTopic,
    ReplyTopic,
    ServiceTopic,
    VitalTopic,
)
from monitorme.described import described
from monitorme.plugin import Plugin, PluginConfig
from monitorme.sample import in_readme, render
from monitorme.testing import PluginRun

ROOT = Path(__file__).parents[2]
HEADINGS = ["Deploy", "Topics", "Configuration", "Behaviour", "Example"]
FOLDERS = {
    "recorder": "plugins/recorder",
    "analysis": "plugins/analysis",
    "alerting": "plugins/alerting",
    "nurse_station": "plugins/nurse_station",
    "record_forwarding": "plugins/record_forwarding",
    "firmware_bridge": "firmware_bridge",
}
FOUND = {one.name: one for one in installed.find() if one.provides_plugin}
PLUGINS = sorted(FOUND)
# Deployables that are no service of the hub's: they have commands, and a README.
MEMBERS = {**FOLDERS, "device_sim": "device_sim"}
FREE_PORT = {"recorder": {"port": 0}, "nurse_station": {"port": 0}}


def plugin_class(name: str) -> type[Plugin[Any]]:
    return FOUND[name].plugin()


def config_of(plugin: type[Plugin[Any]]) -> PluginConfig:
    return plugin.Config.model_validate(FREE_PORT.get(plugin.name, {}))


def test_all_deployables_are_installed() -> None:
    assert set(FOUND) == {"registry", *FOLDERS}
    assert all(one.trouble is None for one in installed.find())


# Its folder ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_folder_distribution_and_import_follow_from_one_noun(name: str) -> None:
    folder = ROOT / MEMBERS[name]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == f"monitorme-{name.replace('_', '-')}"
    assert project["entry-points"]["monitorme.plugins"] == {name: f"monitorme_{name}"}
    package = folder / "src" / f"monitorme_{name}"
    for needed in ("__init__.py", "py.typed"):
        assert (package / needed).is_file(), needed
    assert list((folder / "tests").glob("test_*.py"))


def test_the_root_lists_every_member() -> None:
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {"hub", *MEMBERS.values()}
    listed = {
        text.partition("{root:uri}/")[2] for text in root["project"]["dependencies"]
    }
    assert listed == folders
    sources = set(root["tool"]["uv"]["sources"]) - {"monitorme-workspace"}
    assert sources == {
        "monitorme",
        *(f"monitorme-{n.replace('_', '-')}" for n in MEMBERS),
    }
    makefile = (ROOT / "Makefile").read_text()
    assert all(folder in makefile for folder in folders)


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_the_readme_has_its_headings_and_a_current_configuration(name: str) -> None:
    path = ROOT / FOLDERS[name] / "README.md"
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# .+ plugin\n\n.{30,}", text), "a title and a sentence"
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [one for one in headings if one in HEADINGS] == HEADINGS
    assert in_readme(plugin_class(name), text) == text, "run `make docs`"


# Its contract --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLUGINS)
def test_it_loads_alone_under_its_name(name: str) -> None:
    plugin = installed.find_named(name).plugin()
    assert plugin.name == name


@pytest.mark.parametrize("name", PLUGINS)
def test_its_sample_is_valid_and_an_unknown_option_is_refused(name: str) -> None:
    plugin = plugin_class(name)
    sample = tomllib.loads(render(plugin))["plugins"][name]
    assert plugin.Config.model_validate(sample) == plugin.Config()
    with pytest.raises(ValidationError):
        plugin.Config.model_validate({"phlogiston": 1})
    options = described(plugin.Config).model_fields.values()
    assert all(option.description for option in options)


@pytest.mark.parametrize("name", PLUGINS)
def test_its_subscriptions_are_filters_of_the_contract(name: str) -> None:
    assert plugin_class(name).subscriptions
    for wanted in plugin_class(name).subscriptions:
        assert wanted.startswith(topics.ROOT + "/")
        assert "#" not in wanted


@pytest.mark.parametrize("name", PLUGINS)
def test_it_starts_and_stops_twice_and_stops_without_a_start(
    name: str, tmp_path: Path
) -> None:
    plugin = plugin_class(name)
    run = PluginRun(plugin, tmp_path, config=config_of(plugin))
    run.stop()
    run.start()
    run.tick()
    run.stop()
    plugin(config_of(plugin), run.context).stop()


BED = BedId("ward-a", "bed-01")
SOME_TOPICS = [
    VitalTopic(BED, "heart_rate"),
    VitalTopic(BED, "ecg"),
    VitalTopic(BED, "phlogiston"),
    DeviceTopic(BED, "d-1", "status"),
    DeviceTopic(BED, "d-1", "durable"),
    DeviceTopic(BED, "d-1", "command"),
    AdmissionTopic(BED),
    ConditionTopic(BED, "heart_rate_low"),
    AlarmTopic(BED, "heart_rate_low"),
    LimitsTopic(BED),
    EventTopic(BED),
    *(CommandTopic(name, "phlogiston") for name in PLUGINS),
    *(CommandTopic(name, "list") for name in PLUGINS),
    ServiceTopic("recorder", "1"),
    ReplyTopic("c-1"),
]


def golden() -> list[bytes]:
    import json

    folder = ROOT / "tests" / "contract" / "golden"
    return [
        json.dumps(json.loads(path.read_text())["payload"]).encode()
        for path in sorted(folder.glob("*.json"))
    ]


@pytest.fixture(scope="module", params=PLUGINS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PluginRun]:
    plugin = plugin_class(request.param)
    started = PluginRun(
        plugin, tmp_path_factory.mktemp("run"), config=config_of(plugin)
    )
    yield started
    started.stop()


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    topic=st.sampled_from(SOME_TOPICS),
    payload=st.one_of(st.sampled_from(golden()), st.binary(max_size=40), st.just(b"")),
    times=st.integers(1, 2),
)
def test_nothing_that_arrives_raises_out_of_handle(
    run: PluginRun, topic: topics.Topic, payload: bytes, times: int
) -> None:
    for _ in range(times):
        run.send(topic, payload)
    run.plugin.tick(run.now_ms)
    assert run.context.counts["failed"] == 0


def test_what_it_publishes_is_of_the_contract(run: PluginRun) -> None:
    kinds = {
        VitalTopic: payloads.Reading,
        AdmissionTopic: payloads.Admission,
        ConditionTopic: payloads.Condition,
        AlarmTopic: payloads.Alarm,
        LimitsTopic: payloads.LimitsInForce,
        EventTopic: payloads.Event,
        CommandTopic: payloads.Command,
        ReplyTopic: payloads.Reply,
        ServiceTopic: payloads.Service,
    }
    channels = {
        "status": payloads.DeviceStatus,
        "durable": payloads.Durable,
        "command": payloads.DeviceCommand,
    }
    assert {channel.payload for channel in CHANNELS} == {
        *kinds.values(),
        *channels.values(),
    }
    run.host.step(timeout_s=0)
    before = len(run.broker.published)
    run.host.step(timeout_s=0)
    for message in run.broker.published[:before]:
        topic = topics.parse(message.topic)
        assert topic is not None, message.topic


# Its independence ----------------------------------------------------------------------


def imported(package: Path) -> set[str]:
    found: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_it_imports_only_what_it_declares(name: str) -> None:
    folder = ROOT / MEMBERS[name]
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + [
        one
        for extra in project.get("optional-dependencies", {}).values()
        for one in extra
    ]
    names = {re.split(r"[\[<>=~ ]", one)[0].replace("-", "_") for one in declared}
    allowed = {*sys.stdlib_module_names, *names, f"monitorme_{name}"}
    # What the records reader brings along, and its one warning to be quiet about.
    allowed |= {"numpy", "pandas"} if name == "device_sim" else set()
    assert imported(folder / "src") <= allowed


def test_one_module_alone_imports_paho() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in ("hub/src", "plugins", "device_sim/src", "firmware_bridge/src")
        for path in (ROOT / folder).rglob("*.py")
        if "paho" in imported_by(path)
    ]
    assert users == ["hub/src/monitorme/mqtt/connection.py"]


def imported_by(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def test_topics_are_built_in_one_package_only() -> None:
    topics = ROOT / "hub/src/monitorme/contract/topics"
    offenders = [
        path.relative_to(ROOT).as_posix()
        for folder in ("hub/src", "plugins", "device_sim/src", "firmware_bridge/src")
        for path in (ROOT / folder).rglob("*.py")
        if "monitorme/v1" in path.read_text(encoding="utf-8")
        and "tests" not in path.parts
        and path.parent != topics
    ]
    assert offenders == []


def test_a_broken_plugin_is_named_and_the_rest_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "monitorme_broken.py").write_text(
        "raise RuntimeError('half installed')\n"
    )
    metadata = tmp_path / "monitorme_broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: monitorme-broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[monitorme.plugins]\nbroken = monitorme_broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {one.name: one for one in installed.find()}
    assert "half installed" in (found["broken"].trouble or "")
    assert all(found[name].trouble is None for name in PLUGINS)


def test_configuration_files_are_current() -> None:
    from monitorme.samples import sample_files

    for name, text in sample_files().items():
        committed = (ROOT / "config" / name).read_text(encoding="utf-8")
        assert committed == text, f"config/{name}: run `make docs`"
