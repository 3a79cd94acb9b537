"""The `linli` command line."""

from __future__ import annotations

import os
import sys
import warnings

# nameko is built on eventlet; operators cannot act on its deprecation
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
if len(sys.argv) > 1 and sys.argv[1] in ("up", "witness"):  # before anything else opens sockets or takes locks
    import eventlet

    eventlet.monkey_patch()

from pathlib import Path
from typing import Annotated, Any

import typer

from services.console import audit, keys, operations, operators
from services.console.output import explained, fail, out, print_json
from shared.domain.errors import BadInputError
from shared.service.settings import Settings

app = typer.Typer(
    help="Linli (邻里): a case ledger for neighbourhoods that people can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
scenario_app = typer.Typer(
    help="Stories told through the API: dated steps, and the figures they must give.", no_args_is_help=True
)
case_app = typer.Typer(help="Cases of the issue ledger.", no_args_is_help=True)
park_app = typer.Typer(
    help="Facts that a service could not apply: list them, try again, or leave one out.", no_args_is_help=True
)
request_app = typer.Typer(help="What one operator asked for and another has to confirm.", no_args_is_help=True)
key_app = typer.Typer(help="The key that signs the city ledger.", no_args_is_help=True)
app.add_typer(key_app, name="key")
app.add_typer(scenario_app, name="scenario")
app.add_typer(request_app, name="request")
app.add_typer(case_app, name="case")
app.add_typer(park_app, name="park")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Url = Annotated[
    str | None, typer.Option("--url", help="Address of the gateway; default from LINLI_HOST and LINLI_PORT.")
]
Asked = Annotated[str, typer.Argument(help="The request.")]
Parking = Annotated[str, typer.Argument(help="The service that parked it.")]
Source = Annotated[str, typer.Argument(help="The service it came from; unreadable: a message that is no fact.")]
Stream = Annotated[str, typer.Argument(help="The stream it belongs to.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
Until = Annotated[
    str | None, typer.Option(help="A time (2026-03-01T09:00:00+08:00) or a size of the city ledger (a number).")
]


@app.command()
def up(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services to start; none: all of them in this process.")
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="Load this story once everything has started.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="Write log lines here instead of to stdout.")] = None,
) -> None:
    """Start Linli and serve until Ctrl-C."""
    from services.console.up import serve

    with explained():
        serve(services or [], scenario, log_file)


@app.command()
def migrate(
    replica_set: Annotated[str, typer.Option(help="Form the replica set rs0 of these: host:port,host:port.")] = "",
    users: Annotated[
        Path | None, typer.Option(help="Folder of the files mongodb_SERVICE with the users' passwords.")
    ] = None,
    json: Json = False,
) -> None:
    """Prepare a city's MongoDB: users, collections, validators, indexes; repeat it at each release. SQLite needs nothing."""
    from services.console.databases import print_migrated
    from services.console.migrate import prepare

    with explained():
        report = prepare(replica_set, users)
        print_json(report) if json else print_migrated(report)


@scenario_app.command("run")
def scenario_run(
    file: Annotated[Path, typer.Argument(help="The scenario file (YAML).")],
    url: Url = None,
    json: Json = False,
) -> None:
    """Run a story through the API and compare its figures; goes on where an earlier run stopped."""
    from services.console.scenario import run

    with explained():
        if not run(file, url, json):
            raise SystemExit(1)


@scenario_app.command("check")
def scenario_check(file: Annotated[Path, typer.Argument(help="The scenario file (YAML).")]) -> None:
    """Check a scenario file without running it."""
    from services.console.scenario import load

    with explained():
        found = load(file)
        out.print(f"{file}: {found.count} steps, {len(found.figures)} figures")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8; its first line names the columns, in either language.")],
    document: Annotated[
        str, typer.Option(help="Name of the document that it was taken from; default: the file's.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check: record nothing.")] = False,
    language: Annotated[str, typer.Option(help="Language of what is said: zh or en.")] = "zh",
    account: Annotated[
        str, typer.Option(help="Account that gives the commands; default: the operator. Its password is asked for.")
    ] = "",
    password: Annotated[str, typer.Option(help="Asked for when left out.")] = "",
    url: Url = None,
    json: Json = False,
) -> None:
    """Bring places, bodies, posts, persons and what is known of them in from a table; what is known already stays as it is."""
    from services.console.importing import run
    from shared.words import LANGUAGES

    with explained():
        if language not in LANGUAGES:
            raise BadInputError(f"there are {' and '.join(LANGUAGES)}, not {language}", {"language": "unknown"})
        if account and not password:
            password = typer.prompt(f"Password of {account}", hide_input=True)
        by = (account, password) if account else None
        if not run(file, document, language, dry_run, by, url, json):
            raise SystemExit(1)


@case_app.command("show")
def case_show(
    id: Annotated[str, typer.Argument(help="The number of the case.")], url: Url = None, json: Json = False
) -> None:
    """What happened to a case, step by step."""
    with explained():
        operations.show_case(id, url, json)


@app.command()
def status(url: Url = None, json: Json = False) -> None:
    """Heads, lags and parked facts of every service, on one screen."""
    with explained():
        operations.show_status(url, json)


@park_app.command("list")
def park_list(url: Url = None, json: Json = False) -> None:
    """Parked facts with the reason."""
    with explained():
        operations.list_parked(url, json)


@park_app.command("retry")
def park_retry(
    service: Parking, source: Source, stream: Stream, reason: Reason, url: Url = None, json: Json = False
) -> None:
    """Apply the parked facts of a stream again, in order."""
    with explained():
        operations.act_on_parked("retry", service, source, stream, reason, url, json)


@park_app.command("skip")
def park_skip(
    service: Parking, source: Source, stream: Stream, reason: Reason, url: Url = None, json: Json = False
) -> None:
    """Leave the first parked fact of a stream out for good and go on with those behind it; or put a message away that is no fact."""
    with explained():
        operations.act_on_parked("skip", service, source, stream, reason, url, json)


@app.command("sign-in")
def sign_in(
    name: Annotated[str, typer.Argument(help="The operator's account.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Asked for when left out.")],
    code: Annotated[
        str, typer.Option(prompt="Number of the second factor (if any)", help="Asked for when left out.")
    ] = "",
    url: Url = None,
) -> None:
    """Sign in as a named operator; the commands that follow are given in that name instead of with the installation's token."""
    with explained():
        operators.sign_in(name, password, code, url)


@app.command("sign-out")
def sign_out(url: Url = None) -> None:
    """End the sign-in for good."""
    with explained():
        operators.sign_out(url)


@app.command()
def security(
    act: Annotated[str, typer.Option(help="Only acts of this kind, like sign_in_failed.")] = "",
    since: Annotated[str, typer.Option(help="From this day or moment on, like 2026-03-01.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    url: Url = None,
    json: Json = False,
) -> None:
    """Who signed in, failed, read a contact, and did what to accounts, the newest first; red: alone where two are wanted."""
    with explained():
        operators.show_acts(act, since, limit, url, json)


@request_app.command("list")
def request_list(url: Url = None, json: Json = False) -> None:
    """What waits for a second person."""
    with explained():
        operators.list_requests(url, json)


@request_app.command("confirm")
def request_confirm(id: Asked, url: Url = None, json: Json = False) -> None:
    """Confirm what somebody else asked for: it is done now."""
    with explained():
        operators.settle("confirm", id, url, json)


@request_app.command("decline")
def request_decline(id: Asked, url: Url = None, json: Json = False) -> None:
    """Put a request away."""
    with explained():
        operators.settle("decline", id, url, json)


@app.command()
def verify(
    previous: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint that you kept: the ledger must begin with it. Repeat it for more."),
    ] = None,
    accept_key: Annotated[
        list[str] | None, typer.Option(help="A key of the ledger that you believe although no older one names it.")
    ] = None,
    json: Json = False,
) -> None:
    """Check every chain and the city ledger from raw records; exits 1 and names the first wrong position."""
    with explained():
        report = audit.verify(json, previous or [], accept_key or [])
        print_json(report) if json else audit.print_verified(report)


@key_app.command("show")
def key_show(json: Json = False) -> None:
    """The keys that have signed the city ledger, in order, as tools for signed notes read them."""
    with explained():
        report = keys.show(Settings.read())
        print_json(report) if json else keys.print_shown(report)


@key_app.command("change")
def key_change() -> None:
    """Let the key name the next one. The audit service takes it at its next start, as a fact of its log."""
    with explained():
        keys.change(Settings.read())


@key_app.command("lost")
def key_lost(reason: Annotated[str, typer.Argument(help="Why there is no key that could name the next one.")]) -> None:
    """Go on with a new key in place of one that is lost. Whoever verifies has to be told to believe it."""
    with explained():
        keys.lose(Settings.read(), reason)


@app.command()
def replay(until: Until = None, json: Json = False) -> None:
    """Rebuild all views from the logs in a fresh place and compare them row by row with the live ones.

    With --until the views are rebuilt as they were then and their digests printed: the same position always gives the same ones.
    """
    with explained():
        report = audit.replay_all(until, quiet=json)
        print_json(report) if json else audit.print_replayed(report)
        if report["differences"]:
            raise SystemExit(1)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to write ledger.jsonl, checkpoint.txt and ledger.pub.")],
    full: Annotated[bool, typer.Option(help="With everything that is withheld from the public: for auditors.")] = False,
    json: Json = False,
) -> None:
    """Write the city ledger as JSON Lines of CloudEvents with its signed checkpoint, as anybody may see it."""
    with explained():
        report = audit.export(folder, full, quiet=json)
        print_json(report) if json else audit.print_exported(report)


@app.command()
def rebuild(
    service: Annotated[str, typer.Argument(help="The service whose views to fold anew.")],
    url: Url = None,
    json: Json = False,
) -> None:
    """Fold a service's views anew while it goes on answering."""
    with explained():
        operations.rebuild(service, url, json)


@app.command("witness")
def witness_serve(
    folder: Annotated[Path, typer.Argument(help="The witness's own folder: its key and what it has cosigned.")],
    name: Annotated[str, typer.Option(help="Its name in cosignatures, like court.example/witness.")],
    ledger: Annotated[
        list[str] | None, typer.Option(help="The key of a ledger to cosign, from its ledger.vkey. Repeat it for more.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8100,
    show: Annotated[bool, typer.Option("--show", help="Print its key and what it cosigned last, and end.")] = False,
    forget: Annotated[str, typer.Option(help="Begin anew with the ledger of this name, and end; give --reason.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Run a witness: an office other than the city's, which cosigns the ledger only while it goes on from what it has seen."""
    from services.witness.server import serve
    from services.witness.witness import Witness

    with explained():
        if forget and len(reason) < 3:
            raise BadInputError("--forget needs a --reason", {"reason": ["say why"]})
        if not show and not forget:
            if not ledger:
                raise BadInputError("name at least one ledger with --ledger", {"ledger": ["none is given"]})
            serve(folder, name, ledger, host, port)
            return
        witness = Witness(folder, name, ledger or [])
        if forget:
            witness.forget(forget, reason)
        print(witness.shown(), end="")


@app.command("doctor")
def doctor_check(
    services: Annotated[
        list[str] | None, typer.Argument(help="Check as these services, with their users; none: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Check the servers and files that Linli stands on, one line a check; exits 1 when one failed."""
    from services.console.doctor.examine import examine, print_examined

    with explained():
        report = examine(Settings.read(), services or [])
        print_json(report) if json else print_examined(report)
        if report["failed"]:
            raise SystemExit(1)


@app.command("backup")
def backup_city(
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup.")],
    keys: Annotated[Path | None, typer.Option(help="Copy the keys too, into this other folder.")] = None,
    json: Json = False,
) -> None:
    """Copy a running city: logs, the order of the ledger, accounts. Keys go into a folder of their own, or nowhere."""
    from services.console.backup.backup import backup, print_backup

    with explained():
        report = backup(folder, keys, quiet=json)
        print_json(report) if json else print_backup(report)


@app.command("restore")
def restore_city(
    folder: Annotated[Path, typer.Argument(help="A folder that `linli backup` wrote.")],
    to: Annotated[
        str | None,
        typer.Option(help="Cut here: issues=120,registry=40, a time, or a size of the city ledger (a number)."),
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="The folder with the newest copy of the keys.")] = None,
    json: Json = False,
) -> None:
    """Bring a city back into an empty place, whole or to a position; everything is verified before anything is written."""
    from services.console.backup.restore import print_restored, restore

    with explained():
        report = restore(folder, to, keys, quiet=json)
        print_json(report) if json else print_restored(report)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; usage mistakes exit with 2. What it writes is for its user only."""
    os.umask(0o077)
    try:
        return app(args=arguments, standalone_mode=True)
    except BadInputError as error:
        fail(error.message, 2)


if __name__ == "__main__":
    main()
