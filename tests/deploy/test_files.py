"""Compose, Kubernetes, systemd and docs/deployment.md name only what labeler has, and keep what they promise."""

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from bench.deploy import dockerfile
from labeler.cli import main
from labeler.events.addresses import VARIABLE as WEBHOOK_HOSTS
from labeler.feeds.web import TOKENS as FEED_TOKENS
from labeler.files.addresses import CREDENTIALS
from labeler.files.addresses import VARIABLE as OBJECT_STORES
from labeler.projects.backup_settings import place
from tests.support.machine import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
OPTIONS = {option.envvar for command in main.commands.values() for option in command.params if option.envvar}
OPTIONS |= {option.envvar for option in main.commands["users"].commands["add"].params if option.envvar}  # type: ignore[attr-defined]
# Read elsewhere in the code, or by compose.yaml itself.
OTHERS = {OBJECT_STORES, FEED_TOKENS, "LABELER_NICENESS", WEBHOOK_HOSTS}
OF_COMPOSE = {"LABELER_TLS", "LABELER_CERTIFICATES", "LABELER_TAG", "LABELER_EXTRAS", "LABELER_UPSTREAM"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The pod of the manifest."""
    parts = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    stateful = next(part for part in parts if part["kind"] == "StatefulSet")
    assert stateful["spec"]["replicas"] == 1
    return stateful["spec"]["template"]["spec"]


def test_each_variable_of_labeler_that_is_set_anywhere_is_read_by_something():
    files = [path for path in DEPLOY.rglob("*") if path.is_file()] + [ROOT / "docs" / "deployment.md"]
    named = {word for path in files for word in re.findall(r"\bLABELER_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named - OPTIONS - OTHERS - OF_COMPOSE == set()


def test_what_compose_reads_from_its_settings_is_in_the_example(services):
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    needed = set(re.findall(r"\$\{(\w+):?\?", text))
    given = set(re.findall(r"^#?(\w+)=", (DEPLOY / "example.env").read_text(encoding="utf-8"), re.MULTILINE))
    assert needed <= given
    passed_on = {name for name, value in services["worker"]["environment"].items() if value is None}
    assert given <= set(re.findall(r"\$\{(\w+)", text)) | passed_on


def test_app_and_worker_get_what_opens_object_stores_and_the_example_names_it(services):
    names = {name for names in CREDENTIALS.values() for name in names.split(", ")} | {OBJECT_STORES}
    assert names <= services["app"]["environment"].keys() & services["worker"]["environment"].keys()
    given = set(re.findall(r"^#?(\w+)=", (DEPLOY / "example.env").read_text(encoding="utf-8"), re.MULTILINE))
    assert names <= given


def test_hosts_of_webhooks_can_be_named_for_who_checks_and_who_sends(services):
    assert WEBHOOK_HOSTS in services["app"]["environment"]
    assert WEBHOOK_HOSTS in services["worker"]["environment"]


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_containers_are_read_only_and_without_rights(path: Path):
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    for name, service in listed.items():
        if "image" in service:  # others only add to a service of compose.yaml
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_proxy_is_published_and_the_app_believes_it_alone(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    address = services["proxy"]["networks"]["inside"]["ipv4_address"]
    assert services["app"]["environment"]["LABELER_TRUST_PROXY"] == address


def test_app_and_worker_share_the_volume_of_the_image(services):
    volume = dockerfile.read(DEPLOY / "Dockerfile")[-1].said["VOLUME"]
    assert [services[name]["volumes"] for name in ("app", "worker")] == [[f"home:{volume}"]] * 2
    assert services["app"]["environment"]["LABELER_WORKER_ELSEWHERE"] == "1"
    assert services["worker"]["command"] == ["worker"]


def test_the_pod_is_not_root_read_only_and_keeps_labeler_from_the_variables_of_services(pod):
    user = int(dict(dockerfile.read(DEPLOY / "Dockerfile")[-1].steps)["USER"].partition(":")[0])
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, user)
    assert pod["enableServiceLinks"] is False
    for container in (*pod["containers"], *pod["initContainers"]):
        rights = container["securityContext"]
        assert (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"]) == (True, False)
        assert rights["capabilities"] == {"drop": ["ALL"]}


def test_probes_ask_below_the_path_by_a_name_that_the_server_answers_under(pod):
    app = pod["containers"][0]
    variables = {each["name"]: each["value"] for each in app["env"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = app[probe]["httpGet"]
        assert asked["path"].startswith(f"{variables['LABELER_BASE_PATH']}/healthz/")
        assert asked["httpHeaders"] == [{"name": "Host", "value": variables["LABELER_HOST_NAME"]}]


def commands() -> Iterator[list[str]]:
    """The commands of labeler that units and the page run, word by word."""
    for path in (DEPLOY / "systemd").glob("*.service"):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(path)
        assert unit["Service"]["ProtectSystem"] == "strict"
        assert unit["Service"]["NoNewPrivileges"] == "yes"
        yield shlex.split(unit["Service"]["ExecStart"])[1:]
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    for line in re.findall(r"^ +docker compose run .*? app (?!-c)(.*)$", page, re.MULTILINE):
        yield shlex.split(line)
    for line in re.findall(r"labeler (users add .*|status .*|worker)$", page, re.MULTILINE):
        yield shlex.split(line)


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_each_command_of_the_units_and_of_the_page_is_one_of_labeler(words: list[str]):
    rest: list[str] = [*words]
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        command = command.commands[rest.pop(0)]
        context = click.Context(command, parent=context)
    command.parse_args(context, rest)


def test_a_backup_of_the_volume_is_in_the_volume(tmp_path):
    """What the page says of the daily backups in a container."""
    assert place(tmp_path).is_relative_to(tmp_path)
