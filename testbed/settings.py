"""Everything the operator may choose, read once from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

PREFIX = "TESTBED_"
CLIENT = {"TESTBED_TOKEN": "The token that `testbed upload` sends, unless --token-file names one."}
NOT_OURS = {"TESTBED_TEST_DATA", "TESTBED_TEST_NIGHT", "TESTBED_TEST_PG_BIN", *CLIENT}
"""The tests' own, and those of the client."""


class Settings(BaseModel):
    """Immutable settings; ``TESTBED_DATABASE_URL`` sets ``database_url``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        default="http://127.0.0.1:8000",
        pattern=r"^https?://[^/]+$",
        description="The address people reach the service at, without a slash at its end. Links and cookies follow it.",
    )
    database_url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?(\+\w+)?://[^\s/]*(:\d+)?/[^\s]*$",
        description="PostgreSQL URL (15 to 18); unset starts the embedded server in the data folder.",
    )
    data_dir: Path = Field(
        default=Path("var"), description="Where uploads, exports and the embedded database live."
    )
    postgres_os_user: str = Field(
        default="testbed-pg",
        pattern=r"^[a-z_][a-z0-9_-]{0,31}$",
        description="The system user that runs the embedded PostgreSQL when the service is started by root.",
    )
    city: str = Field(default="Luleå", max_length=60, description="The name of the city, as pages say it.")
    code_prefix: str = Field(
        default="LUL", pattern=r"^[A-Z]{2,5}$", description="How codes of pilots begin: LUL-2026-001."
    )
    upload_max_bytes: int = Field(default=20 * 1024**3, gt=0, description="Largest result file, in bytes.")
    form_max_bytes: int = Field(
        default=512 * 1024**2, gt=0, description="Largest upload through a browser form, in bytes."
    )
    upload_chunk_bytes: int = Field(
        default=8 * 1024**2,
        gt=0,
        description="Piece that a resumable upload is offered to be sent in, in bytes.",
    )
    checked_max_bytes: int = Field(
        default=64 * 1024**2, gt=0, description="Largest piece with a checksum of its own, in bytes."
    )
    upload_expiry_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="Days after its last byte until an unfinished upload is given up.",
    )
    uploads_per_person: int = Field(
        default=4, ge=1, description="Unfinished resumable uploads that one person may have at a time."
    )
    partner_quota_bytes: int = Field(
        default=200 * 1024**3,
        gt=0,
        description="Result files that are taken of one partner, in bytes together.",
    )
    free_bytes_floor: int = Field(
        default=2 * 1024**3,
        ge=0,
        description="Uploads are refused when the disk has fewer bytes left than this.",
    )
    store_url: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9.-]+$",
        description="Keep files in this S3 bucket (s3://name) instead of the data folder.",
    )
    store_endpoint: str | None = Field(default=None, description="Address of the S3-compatible service.")
    store_region: str = Field(default="eu-north-1", description="Region of the S3 bucket.")
    store_key_file: Path | None = Field(
        default=None,
        description="File with two lines: the access key id and the secret access key of the bucket.",
    )
    database_password_file: Path | None = Field(
        default=None, description="File with the password for the database URL, if the URL names none."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses (comma-separated) whose X-Forwarded-For is believed."
    )
    sign_in_failures: int = Field(
        default=50,
        gt=0,
        description="Failed sign-ins from one address within 15 minutes before it has to wait.",
    )
    password_memory_kib: int = Field(
        default=65536, ge=8, description="Memory argon2id uses for one password, in KiB."
    )
    password_rounds: int = Field(default=3, ge=1, description="Passes argon2id makes over that memory.")
    map_tiles: str | None = Field(
        default=None,
        pattern=r"^https://[^ ]+$",
        description="URL template of map tiles, {z}/{x}/{y}; unset draws maps without asking another host.",
    )
    map_attribution: str = Field(default="", description="Whom the map tiles are credited to.")
    smtp_host: str | None = Field(
        default=None, description="The mail server that takes receipts and reminders; unset sends no mail."
    )
    smtp_port: int = Field(default=587, gt=0, lt=65536, description="Its port.")
    smtp_starttls: bool = Field(
        default=True,
        description="Whether to demand STARTTLS with a valid certificate before anything is sent.",
    )
    smtp_user: str | None = Field(
        default=None, description="Who signs in to the mail server; unset does not sign in."
    )
    smtp_password_file: Path | None = Field(default=None, description="File with that user's password.")
    mail_from: str | None = Field(
        default=None,
        pattern=r"^[^@\s<>,;:\"]+@[A-Za-z0-9.-]+$",
        description="The address mail comes from, and answers go to. Needed with the mail server.",
    )
    webhooks: bool = Field(
        default=False,
        description="Whether partners may have their own systems called (https, public addresses only).",
    )

    @property
    def secure(self) -> bool:
        """Whether people reach the service by https."""
        return self.base_url.startswith("https://")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def city_sender(self) -> str:
        """The name that mail comes from."""
        return f"testbed {self.city}"

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host is not None and self.mail_from is None:
            raise ValueError("TESTBED_MAIL_FROM is needed with TESTBED_SMTP_HOST")
        if (self.smtp_user is None) != (self.smtp_password_file is None):
            raise ValueError("TESTBED_SMTP_USER and TESTBED_SMTP_PASSWORD_FILE are needed together")
        if self.smtp_user is not None and not self.smtp_starttls:
            raise ValueError(
                "TESTBED_SMTP_USER needs TESTBED_SMTP_STARTTLS: no password is sent in the clear"
            )
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every ``TESTBED_*`` variable; a misspelt one is an error, not a silence."""
        given: dict[str, object] = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in environ.items()
            if key.startswith(PREFIX) and key not in NOT_OURS and value != ""
        }
        if isinstance(proxies := given.get("trusted_proxies"), str):
            given["trusted_proxies"] = tuple(part.strip() for part in proxies.split(",") if part.strip())
        return cls.model_validate(given)


def shipped(folder: str) -> Path:
    """Find ``templates`` or ``migrations``: inside an installed wheel, else at the top of the checkout."""
    package = Path(__file__).parent
    installed = package / f"_{folder}"
    return installed if installed.is_dir() else package.parent / folder


def client_token(environ: Mapping[str, str] = os.environ) -> str | None:
    """The token of a person who sends files to a service; no setting of the service itself."""
    return environ.get("TESTBED_TOKEN", "").strip() or None


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where a command remembers what it has begun: a folder of the user's own (XDG base directories)."""
    given = environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".local" / "state") / "testbed"
