"""What can be known of the compose file without a container engine."""

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from testbed.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
ONCE = {"migrate"}  # ends by itself: nothing to ask for its health
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = CONFIG["services"]
every_service = pytest.mark.parametrize("name", SERVICES)


def recipes() -> dict[str, str]:
    return {
        name: service["build"]["dockerfile_inline"]
        for name, service in SERVICES.items()
        if "build" in service
    }


def test_the_file_is_valid_by_the_compose_specification():
    shipped = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    schema = json.loads(shipped.read_text(encoding="utf-8"))

    faults = [
        error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(CONFIG)
    ]

    assert faults == []


def test_it_has_the_five_parts_of_an_installation():
    assert set(SERVICES) - ONCE == {"proxy", "service", "worker", "database", "store"}
    assert SERVICES["database"]["image"].startswith("postgres:18")


@every_service
def test_a_container_runs_as_nobody_special_on_a_read_only_root(name: str):
    service = SERVICES[name]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@every_service
def test_a_container_that_stays_up_is_asked_for_its_health(name: str):
    assert ("healthcheck" in SERVICES[name]) is (name not in ONCE)


@every_service
def test_an_image_is_named_with_its_version(name: str):
    named = [SERVICES[name]["image"], *re.findall(r"^FROM (\S+)", recipes().get(name, ""), re.MULTILINE)]

    assert all(re.search(r":v?\d", image) for image in named), named


@every_service
def test_what_a_container_mounts_is_declared(name: str):
    service = SERVICES[name]

    assert {mount.split(":")[0] for mount in service.get("volumes", [])} <= set(CONFIG["volumes"])
    assert set(service.get("secrets", [])) <= set(CONFIG["secrets"])
    assert {config["source"] for config in service.get("configs", [])} <= set(CONFIG["configs"])
    assert set(service["networks"]) <= set(CONFIG["networks"])


def test_only_the_proxy_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert [name for name, network in CONFIG["networks"].items() if not network.get("internal")] == [
        "outside"
    ]
    assert [name for name, service in SERVICES.items() if "outside" in service["networks"]] == ["proxy"]


def test_the_service_believes_the_address_of_this_proxy_only():
    address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]

    assert SERVICES["service"]["environment"]["TESTBED_TRUSTED_PROXIES"] == address


def test_secrets_come_from_files_and_are_not_committed():
    assert all(set(secret) == {"file"} for secret in CONFIG["secrets"].values())
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|KEY|SECRET", key) or str(value).startswith("/run/secrets/"), (
                name,
                key,
            )


@pytest.mark.parametrize("name", ["service", "worker", "migrate"])
def test_the_product_understands_every_variable_it_is_given(name: str):
    given = {
        key: re.sub(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)?\}", lambda m: m[1] or "testbed.example", value)
        for key, value in SERVICES[name]["environment"].items()
    }

    settings = Settings.from_env(given)

    assert all(key.startswith(PREFIX) for key in given)
    assert settings.secure
    for key in ("database_password_file", "store_key_file"):
        assert str(getattr(settings, key)).removeprefix("/run/secrets/") in SERVICES[name]["secrets"]


def test_everything_an_image_copies_exists_and_is_sent_to_the_build():
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", recipes()["service"], re.MULTILINE)

    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in sent or f"!{source}/" in sent, source
