"""The command line: one clear line for what is wrong, and honest exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "monitorme", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, answer.stderr
    return lines[0]


def test_help_lists_built_in_and_added_commands(tmp_path: Path) -> None:
    answer = run("--help", cwd=tmp_path)
    assert answer.returncode == 0
    for command in ("demo", "up", "status", "doctor", "watch", "sim", "recorder"):
        assert f"  {command} " in answer.stdout
    assert "Not a medical device" in " ".join(answer.stdout.split())


@pytest.mark.parametrize(
    "command",
    ["status", "beds", "devices", "alarms", "watch", "snapshot ward-a/bed-01"],
)
def test_nothing_runs_is_said_with_what_to_do(tmp_path: Path, command: str) -> None:
    answer = run(*command.split(), cwd=tmp_path)
    assert answer.returncode == 1
    assert "monitorme up" in one_line(answer)


def test_an_unknown_plugin_is_said_with_those_there_are(tmp_path: Path) -> None:
    answer = run("run", "phlogiston", cwd=tmp_path)
    assert answer.returncode == 2
    assert "installed: alerting, analysis" in one_line(answer)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot read"),
        ("[broker\n", "not valid TOML"),
        ("colour = 1\n", "colour"),
        ('[broker]\nkind = "carrier-pigeon"\n', "broker.kind"),
        ('[wards.Ward]\nname = "x"\nbeds = ["bed-01"]\n', "ward id 'Ward'"),
        ('vitals = "nowhere.toml"\n', "nowhere.toml"),
        ('[broker]\nhost = "0.0.0.0"\n', "refusing to listen on 0.0.0.0"),
    ],
)
def test_a_bad_site_file_is_one_clear_line(
    tmp_path: Path, text: str | None, says: str
) -> None:
    path = tmp_path / "site.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    answer = run("up", "--config", str(path), cwd=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert says in one_line(answer)


def test_a_setting_of_a_plugin_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[plugins.alerting]\nresolved_keep = 5\n", encoding="utf-8")
    answer = run("run", "alerting", "--config", str(path), cwd=tmp_path)
    assert answer.returncode == 2
    assert "[plugins.alerting] resolved_keep" in one_line(answer)


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = tmp_path / "site.toml"
        path.write_text(f"[broker]\nport = {port}\n", encoding="utf-8")
        answer = run("up", "--config", str(path), cwd=tmp_path)
    assert answer.returncode == 1
    assert f"127.0.0.1:{port}" in one_line(answer)
    assert "stop what uses the port" in one_line(answer)


def test_a_data_folder_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run("up", "--data", "file/below", cwd=tmp_path)
    assert answer.returncode == 1
    assert "cannot write to the data folder" in one_line(answer)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_data_folder_is_one_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o500)
    answer = run("up", "--data", str(folder), cwd=tmp_path)
    assert answer.returncode == 1
    assert "cannot write to the data folder" in one_line(answer)


def test_plugins_are_listed_for_programs_too(tmp_path: Path) -> None:
    answer = run("plugins", "--json", cwd=tmp_path)
    found = {one["name"]: one for one in json.loads(answer.stdout)["plugins"]}
    assert found["registry"]["runs"]
    assert found["device_sim"]["commands"] == ["sim"]


def test_a_configuration_is_written_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert run("config", str(folder), cwd=tmp_path).returncode == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {"site.toml", "vitals.toml", "limits.toml"}
    again = run("config", str(folder), cwd=tmp_path)
    assert again.returncode == 2
    assert "--force" in one_line(again)
    doctor = run("doctor", "--config", str(folder / "site.toml"), cwd=tmp_path)
    assert "wrong" not in doctor.stdout.replace("wrong   port", "")


def test_schemas_are_printed(tmp_path: Path) -> None:
    reading = json.loads(run("schema", "Reading", cwd=tmp_path).stdout)
    assert reading["$id"] == "urn:monitorme:v1:Reading"
    assert run("schema", "Phlogiston", cwd=tmp_path).returncode == 2


def test_the_doctor_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("services = ['phlogiston']\n", encoding="utf-8")
    answer = run("doctor", "--config", str(path), "--json", cwd=tmp_path)
    assert answer.returncode == 1
    wrong = [
        one
        for one in json.loads(answer.stdout)["findings"]
        if one["verdict"] == "wrong"
    ]
    assert wrong
    assert all(one["advice"] for one in wrong)
