"""The configuration, read from environment variables only here; each variable has a row in the README."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

from shared.domain.errors import BadInputError
from shared.following.codes import SHORTEST_SECRET
from shared.service.collecting import place_of
from shared.tls import Server, Tls, checked, configured

#: Variable, default, meaning. A test compares the README's table with it.
VARIABLES: tuple[tuple[str, str, str], ...] = (
    ("LINLI_DATA", "data", "Folder of the SQLite files, keys and tokens (embedded)"),
    ("LINLI_HOST", "127.0.0.1", "Address the portal listens on"),
    ("LINLI_PORT", "8000", "Port of the portal"),
    (
        "LINLI_CERTIFICATE_FILE",
        "",
        "Certificate, chain and key in one PEM file: the portal and the operators' port speak HTTPS and nothing else; empty: HTTP",
    ),
    (
        "LINLI_CA_FILE",
        "",
        "The authority that signed that certificate, for `linli` and the health check; empty: the system's authorities",
    ),
    (
        "LINLI_HTTPS_ONLY",
        "",
        "yes: what did not come over HTTPS, by the word of a trusted proxy, is refused, but for /health; for portals behind a proxy",
    ),
    ("LINLI_CITY", "linli.example", "Name of the city in signed checkpoints, as a domain name"),
    (
        "LINLI_SECRET_FILE",
        "",
        "File with the secret that signs calls, facts and sign-ins; older ones below it are still believed; "
        "empty: <data>/secret, made at first start",
    ),
    (
        "LINLI_OPERATOR_TOKEN_FILE",
        "",
        "File with the operator's bearer token; empty: <data>/operator.token, made at first start",
    ),
    ("AMQP_URI", "linli://embedded", "Broker; the default is the in-process one"),
    ("AMQP_PASSWORD_FILE", "", "File with the password for the user in AMQP_URI"),
    (
        "AMQP_CA_FILE",
        "",
        "With amqps://: the authority that signed the broker's certificate; empty: the system's authorities",
    ),
    ("AMQP_CERTIFICATE_FILE", "", "With amqps://: own certificate and its key, when the broker asks for one"),
    ("MONGODB_URI", "", "MongoDB replica set; empty: SQLite files under LINLI_DATA"),
    ("MONGODB_PASSWORD_FILE", "", "File with the password for the user in MONGODB_URI"),
    (
        "MONGODB_CA_FILE",
        "",
        "With tls=true: the authority that signed MongoDB's certificates; empty: the system's authorities",
    ),
    ("MONGODB_CERTIFICATE_FILE", "", "With tls=true: own certificate and its key, when MongoDB asks for one"),
    (
        "LINLI_METRICS_PORT",
        "0",
        "Port for operators: /health/live, /health/ready, /health/services and /metrics of the process; 0: none",
    ),
    ("LINLI_CATCH_UP", "5", "Seconds between two questions to a silent source whether anything was missed"),
    ("LINLI_RPC_TIMEOUT", "5", "Seconds to wait for a service's answer"),
    ("LINLI_MAX_REQUESTS", "64", "HTTP requests worked on at a time; more are answered 429"),
    (
        "LINLI_TRUSTED_PROXIES",
        "",
        "Addresses or networks, divided by commas, of the proxies before the portal: they say whose requests they pass on, and over TLS",
    ),
    (
        "LINLI_ADDRESS_RATE",
        "200",
        "Requests a second from one address, and ten times as many at once after a rest; 0: no limit",
    ),
    ("LINLI_ADDRESS_CONNECTIONS", "200", "Connections of one address at a time; 0: no limit"),
    (
        "LINLI_WITNESSES",
        "",
        "File with the witnesses of the city ledger and how many of them must cosign (C2SP tlog-policy); empty: none",
    ),
    ("LINLI_ANCHOR_MINUTES", "60", "Minutes between two signed checkpoints that are recorded in every service's log"),
    (
        "LINLI_LOGS_TO",
        "",
        "tls://host:port of a syslog collector on another machine, which gets each log line too (RFC 5425); empty: stdout only",
    ),
    (
        "LINLI_LOGS_CA_FILE",
        "",
        "The authority that signed the collector's certificate; empty: the system's authorities",
    ),
    ("LINLI_LOG_LEVEL", "info", "debug, info, warning or error"),
    (
        "LINLI_TRACES",
        "",
        "Where OpenTelemetry traces go: console, or an OTLP address like http://127.0.0.1:4318; empty: nowhere",
    ),
    (
        "LINLI_SECURITY_CONTACT",
        "",
        "Where weaknesses are reported, for /.well-known/security.txt: mailto:… or https://…; empty: the file is not there",
    ),
    (
        "LINLI_SECOND_FACTOR",
        "",
        "everybody: all accounts need a second factor; empty: operators, and whoever signs for money",
    ),
    (
        "LINLI_BREACHED_PASSWORDS",
        "",
        "File of passwords that became known elsewhere, brought along (SHA-1 hashes in order); they are not taken; empty: common ones only",
    ),
    (
        "LINLI_TRIAL",
        "",
        "For trials only: yes lets one person do what otherwise takes two, and asks nobody for a second factor or another first password",
    ),
    (
        "LINLI_TODAY",
        "",
        "For trials only: the day that the clock takes for today, like 2026-03-01; empty: the real one",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The configuration of one process."""

    data: Path
    host: str
    port: int
    city: str
    secret_file: Path
    operator_token_file: Path
    amqp_uri: str
    mongodb_uri: str
    metrics_port: int
    catch_up: float
    rpc_timeout: float
    max_requests: int
    trusted_proxies: str
    address_rate: int
    address_connections: int
    log_level: str
    traces: str
    witnesses: Path | None = None
    anchor_minutes: float = 60
    today: str = ""
    trial: bool = False
    security_contact: str = ""
    second_factor: str = ""
    certificate_file: str = ""
    ca_file: str = ""
    https_only: bool = False
    breached_passwords: Path | None = None
    logs_to: tuple[str, int] | None = None
    logs_ca_file: str = ""
    amqp_tls: Tls | None = None
    mongodb_tls: Tls | None = None
    #: Not from the environment: the services with a log, as whoever starts them knows them.
    owners: tuple[str, ...] = ()
    restoring: bool = False  # not from the environment: only a restore may open an unfinished restore

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check all variables; raises `BadInputError` naming the variable that is wrong."""
        value = {name: environment.get(name, default) or default for name, default, _ in VARIABLES}
        data = Path(value["LINLI_DATA"])
        levels = ("debug", "info", "warning", "error")
        if value["LINLI_LOG_LEVEL"] not in levels:
            raise BadInputError(f"LINLI_LOG_LEVEL must be one of {', '.join(levels)}, not {value['LINLI_LOG_LEVEL']!r}")
        if value["LINLI_TRACES"] not in ("", "console") and not value["LINLI_TRACES"].startswith(
            ("http://", "https://")
        ):
            raise BadInputError(f"LINLI_TRACES must be console or an http address, not {value['LINLI_TRACES']!r}")
        if value["LINLI_SECOND_FACTOR"] not in ("", "everybody"):
            raise BadInputError(f"LINLI_SECOND_FACTOR must be everybody or empty, not {value['LINLI_SECOND_FACTOR']!r}")
        return cls(
            data=data,
            host=value["LINLI_HOST"],
            port=_number(value, "LINLI_PORT", 0, 65535),
            city=value["LINLI_CITY"],
            secret_file=Path(value["LINLI_SECRET_FILE"]) if value["LINLI_SECRET_FILE"] else data / "secret",
            operator_token_file=Path(value["LINLI_OPERATOR_TOKEN_FILE"] or data / "operator.token"),
            amqp_uri=_with_password(value, "AMQP"),
            mongodb_uri=_with_password(value, "MONGODB"),
            metrics_port=_number(value, "LINLI_METRICS_PORT", 0, 65535),
            catch_up=_number(value, "LINLI_CATCH_UP", 1, 3600),
            rpc_timeout=_number(value, "LINLI_RPC_TIMEOUT", 1, 600),
            max_requests=_number(value, "LINLI_MAX_REQUESTS", 1, 10_000),
            trusted_proxies=_networks(value, "LINLI_TRUSTED_PROXIES"),
            address_rate=_number(value, "LINLI_ADDRESS_RATE", 0, 1_000_000),
            address_connections=_number(value, "LINLI_ADDRESS_CONNECTIONS", 0, 1_000_000),
            log_level=value["LINLI_LOG_LEVEL"],
            traces=value["LINLI_TRACES"],
            witnesses=Path(value["LINLI_WITNESSES"]) if value["LINLI_WITNESSES"] else None,
            anchor_minutes=_number(value, "LINLI_ANCHOR_MINUTES", 1, 1440),
            today=_day(value, "LINLI_TODAY"),
            trial=_yes(value, "LINLI_TRIAL"),
            security_contact=_contact(value, "LINLI_SECURITY_CONTACT"),
            second_factor=value["LINLI_SECOND_FACTOR"],
            certificate_file=checked("LINLI_CERTIFICATE_FILE", value["LINLI_CERTIFICATE_FILE"], own=True),
            ca_file=checked("LINLI_CA_FILE", value["LINLI_CA_FILE"], own=False),
            https_only=_yes(value, "LINLI_HTTPS_ONLY"),
            breached_passwords=Path(value["LINLI_BREACHED_PASSWORDS"]) if value["LINLI_BREACHED_PASSWORDS"] else None,
            logs_to=place_of(value["LINLI_LOGS_TO"]),
            logs_ca_file=checked("LINLI_LOGS_CA_FILE", value["LINLI_LOGS_CA_FILE"], own=False),
            amqp_tls=_tls(value, "AMQP"),
            mongodb_tls=_tls(value, "MONGODB"),
        )

    @property
    def address(self) -> str:
        """Where the portal of this machine answers."""
        return f"{'https' if self.certificate_file or self.ca_file else 'http'}://{self.host}:{self.port}"

    def secrets(self) -> tuple[bytes, ...]:
        """Return the city's secrets, one per line: the first signs, all check. Creates a file in the data folder at first start."""
        if not self.secret_file.exists():
            if self.secret_file.parent != self.data:
                raise BadInputError(f"LINLI_SECRET_FILE {self.secret_file} does not exist")
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self.secret_file, os.urandom(32).hex().encode(), replace=False)
        secrets = tuple(line.strip() for line in self.secret_file.read_bytes().splitlines() if line.strip())
        if not secrets or min(map(len, secrets)) < SHORTEST_SECRET:
            raise BadInputError(f"{self.secret_file} must hold at least {SHORTEST_SECRET} bytes in each line")
        return secrets


def text_of(path: Path, variable: str) -> str:
    """One line of text that a variable names the file of; raises `BadInputError` naming both when it is none."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadInputError(f"{variable} {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{variable} {path} holds no text in UTF-8") from None
    if not text.isprintable():
        raise BadInputError(f"{variable} {path} holds something else than one line of text")
    return text


def write_private(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner may read, atomically.

    Without `replace` a file that another process wrote first stays: services of a city start at the same time.
    """
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        os.replace(temporary, path)
        return
    with suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()


def keep_private(folder: Path) -> None:
    """Make a folder for its owner only, with all that lies in it, and from now on whatever this process makes anywhere."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (folder, *folder.rglob("*")):
        with suppress(PermissionError, FileNotFoundError):  # another user's, which the doctor names; or gone
            mode = stat.S_IMODE(path.lstat().st_mode)
            if not path.is_symlink() and mode & 0o077:
                path.chmod(mode & 0o700)


def _with_password(value: Mapping[str, str], server: str) -> str:
    """Insert the password from its file into a server's address, so that no environment holds it."""
    uri, file = value[f"{server}_URI"], value[f"{server}_PASSWORD_FILE"]
    if not file:
        return uri
    password = text_of(Path(file), f"{server}_PASSWORD_FILE")
    head, at, tail = uri.partition("@")
    if not at or "://" not in head or ":" in head.partition("://")[2]:
        raise BadInputError(
            f"{server}_URI must name a user and no password when {server}_PASSWORD_FILE is set: scheme://user@host"
        )
    return f"{head}:{quote(password, safe='')}@{tail}"


def _tls(value: Mapping[str, str], server: Server) -> Tls | None:
    return configured(server, value[f"{server}_URI"], value[f"{server}_CA_FILE"], value[f"{server}_CERTIFICATE_FILE"])


def _day(value: Mapping[str, str], name: str) -> str:
    with suppress(ValueError):
        if not value[name] or date.fromisoformat(value[name]).isoformat() == value[name]:
            return value[name]
    raise BadInputError(f"{name} must be a day like 2026-03-01, not {value[name]!r}")


def _networks(value: Mapping[str, str], name: str) -> str:
    for part in value[name].split(","):
        try:
            ip_network(part.strip() or "::1")
        except ValueError as error:
            raise BadInputError(f"{name} must be addresses or networks like 10.0.0.0/24: {error}") from None
    return value[name]


def _yes(value: Mapping[str, str], name: str) -> bool:
    if value[name] not in ("", "yes", "no"):
        raise BadInputError(f"{name} must be yes or no, not {value[name]!r}")
    return value[name] == "yes"


def _contact(value: Mapping[str, str], name: str) -> str:
    if value[name] and (not value[name].startswith(("mailto:", "https://")) or not value[name].isprintable()):
        raise BadInputError(f"{name} must begin with mailto: or https://, not {value[name]!r}")
    return value[name]


def _number(value: Mapping[str, str], name: str, least: int, most: int) -> int:
    try:
        number = int(value[name])
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise BadInputError(f"{name} must be a whole number from {least} to {most}, not {value[name]!r}")
    return number
