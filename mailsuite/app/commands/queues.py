"""
The queue as its operator sees it, and one message's way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import click

from mailsuite.app.asking import Plain
from mailsuite.app.commands.terminal import (
    CONTEXT,
    SuiteCommand,
    SuiteGroup,
    Where,
    as_json_option,
    show,
    size_of,
    table,
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Age(click.ParamType[float]):
    name = "age"

    def convert(
        self,
        value: Any,  # click hands on what the user typed
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """
        Seconds from ``90m``, ``4h`` and their like.
        """
        found = re.fullmatch(r"(\d+)([smhd])", str(value).strip().lower())
        if found is None:
            self.fail(f"{value!r}: expected 30m, 4h or 2d", param, ctx)
        return float(int(found[1]) * _UNITS[found[2]])


_FILTERS = (
    click.argument("ids", nargs=-1, metavar="[ID...]"),
    click.option("--to", "recipient", metavar="ADDRESS", help="Recipient."),
    click.option(
        "--from", "sender", metavar="ADDRESS", help="Sender, or login."
    ),
    click.option("--domain", help="Domain it goes to."),
    click.option(
        "--older-than", type=Age(), metavar="AGE", help="Such as 4h or 2d."
    ),
    click.option("--younger-than", type=Age(), metavar="AGE", help="As above."),
    click.option("--error", metavar="TEXT", help="Part of the last reason."),
    click.option(
        "--held/--not-held", default=None, help="Held ones alone, or none."
    ),
)

_Command = Callable[..., None]


def _filtered(command: _Command) -> _Command:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(cls=SuiteGroup, context_settings=CONTEXT)
def queue() -> None:
    """
    Messages that wait to be delivered.

    Example: mailsuite queue list --domain example.org
    """


@queue.command("list")
@_filtered
@as_json_option
@click.pass_obj
def queue_list(where: Where, /, as_json: bool, **chosen: Plain) -> None:
    """
    List what waits.

    Example: mailsuite queue list --older-than 4h --error refused
    """
    listed: list[Plain] = []
    after = ""
    while page := where.perform("queue.list", after=after, filter=chosen):
        listed += page
        after = page[-1]["queue_id"]
    chosen_some = any(value for value in chosen.values() if value is not None)
    show(
        listed,
        as_json,
        lambda: (
            "No message that waits matches"
            if chosen_some and not listed
            else queue_table(listed)
        ),
    )


@queue.command("show")
@click.argument("queue_id", metavar="ID")
@as_json_option
@click.pass_obj
def queue_show(where: Where, queue_id: str, as_json: bool) -> None:
    """
    Show one message: its envelope, what was tried, its header section.

    Example: mailsuite queue show 65a1b2c3001
    """
    result = where.perform("queue.show", queue_id=queue_id)
    show(result, as_json, lambda: _shown(result))


def _change(name: str, done: str, text: str, example: str) -> None:
    """
    Add a command that does something to all messages that match.
    """

    @_filtered
    @click.option("--all", "all_of_them", is_flag=True, help="Every message.")
    @as_json_option
    @click.pass_obj
    def change(
        where: Where, /, as_json: bool, all_of_them: bool, **chosen: Plain
    ) -> None:
        if not all_of_them and not any(
            value for value in chosen.values() if value is not None
        ):
            raise click.UsageError("name some messages, or say --all")
        number = where.perform(f"queue.{name}", filter=chosen)
        if chosen["ids"] and not number:
            raise click.ClickException(
                "no such message waits, or not in a state for it: see"
                " mailsuite queue list, and mailsuite trace ID"
            )
        show(
            {"messages": number},
            as_json,
            lambda: f"{done}: {number} message{'' if number == 1 else 's'}",
        )

    change.__doc__ = f"{text}\n\nExample: {example}"
    queue.command(name)(change)


_change(
    "retry",
    "Due at once",
    "Try messages now, whatever their time is.",
    "mailsuite queue retry --domain example.org",
)
_change(
    "hold",
    "Held",
    "Try messages no more until they are released.",
    "mailsuite queue hold --from bob@example.org",
)
_change(
    "release",
    "Released",
    "Let held messages go on.",
    "mailsuite queue release --from bob@example.org",
)
_change(
    "drop",
    "Dropped",
    "Discard messages; nobody is told but the log.",
    "mailsuite queue drop 65a1b2c3001",
)


@queue.command("flush")
@as_json_option
@click.pass_obj
def queue_flush(where: Where, as_json: bool) -> None:
    """
    Try all that waits, now.

    Example: mailsuite queue flush
    """
    number = where.perform("queue.flush")
    show({"messages": number}, as_json, lambda: f"Due at once: {number}")


@click.command("trace", cls=SuiteCommand)
@click.argument("what", metavar="ID-OR-ADDRESS")
@as_json_option
@click.pass_obj
def trace(where: Where, what: str, as_json: bool) -> None:
    """
    Tell every step of a message, or of all of an address, in words.

    Example: mailsuite trace bob@example.org
    """
    result = where.perform("queue.trace", what=what)
    if not result and not as_json:
        raise click.ClickException(
            f"nothing is known of {what}; steps are kept for 30 days"
        )
    show(result, as_json, lambda: "\n\n".join(map(_traced, result)))


# --- In words ----------------------------------------------------------------


def queue_table(listed: list[Plain]) -> str:
    """
    What waits, a line for each recipient that still does.
    """
    if not listed:
        return "The queue is empty"
    rows = [("ID", "AGE", "SIZE", "FROM", "TO", "NEXT", "REASON")]
    for one in listed:
        first = (
            one["queue_id"],
            _span(time.time() - one["arrival"]),
            size_of(one["octets"]),
            one["user"] or f"<{one['reverse_path'] or ''}>",
        )
        when = "held" if one["held"] else _until(one["next"])
        for recipient in one["recipients"]:
            if recipient["waits"]:
                reason = one["held"] or recipient["reason"] or "not yet tried"
                rows.append((*first, recipient["address"], when, reason))
                first = ("", "", "", "")
    return table(rows)


def _shown(one: Plain) -> str:
    held = f", held: {one['held']}" if one["held"] else ""
    given_up = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["expiry"]))
    return "\n".join(
        [
            f"{one['queue_id']}: {one['octets']} octets, tried until"
            f" {given_up}{held}",
            *map(_step, one["steps"]),
            "",
            one["header"].rstrip(),
        ]
    )


def _traced(one: Plain) -> str:
    return "\n".join([one["queue_id"], *map(_step, one["steps"])])


def _step(step: list[Plain]) -> str:
    when, text = step
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
    return f"  {at}  {text}"


def _until(when: float | None) -> str:
    if when is None:
        return ""
    left = when - time.time()
    return "now" if left <= 0 else f"in {_span(left)}"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"
