"""Letters about results and deliveries, in the language at hand: (subject, body) of plain text."""

from collections.abc import Sequence
from datetime import date, datetime

from babel.numbers import format_decimal

from testbed.catalogues import gettext, ngettext
from testbed.lists import Ref
from testbed.notices.mail import Receiver
from testbed.texts import language, message, said
from testbed.trials.deliveries import HOME
from testbed.trials.models import Result, ResultState
from testbed.trials.views import DeliveryItem, Receipt

MOST_PROBLEMS = 5
WHY_PERSON = message(
    "You get this because of your part in it. Which letters you get, you choose here: {link}"
)
WHY_MAILBOX = message("This mailbox is the contact that is written on your organisation's page: {link}")
READ = {
    ResultState.ready: message("Everything was read."),
    ResultState.partly: message("Some of the file was not understood. What was read can be used."),
    ResultState.unreadable: message(
        "No table could be made of this file. The file itself is kept exactly as it was sent."
    ),
}
READ_SUBJECT = {
    ResultState.ready: message("Everything was read: {filename} ({code})"),
    ResultState.partly: message("Something was not understood: {filename} ({code})"),
    ResultState.unreadable: message("Could not be read: {filename} ({code})"),
}


def receipt(base_url: str, told: Receipt, to: Receiver) -> tuple[str, str]:
    """The receipt of a file, as its page shows it."""
    facts = [
        (gettext("Result"), told.result),
        (gettext("Received"), _moment(told.received_at)),
        (gettext("File"), told.filename),
        (gettext("Size"), gettext("%(num)s bytes") % {"num": _number(told.size)}),
        ("SHA-256", told.sha256),
        (gettext("Digest declared by the sender"), _declared(told.digest_declared)),
        (gettext("Trial"), told.trial),
        (gettext("Pilot"), told.pilot),
        (gettext("From"), told.partner),
        (gettext("Sent by"), told.person),
        (gettext("Delivery"), _delivery(told)),
        (gettext("Case number"), told.case or gettext("To be registered by the coordinator")),
    ]
    return gettext("Receipt {code}: {filename}").format(code=told.result, filename=told.filename), _body(
        gettext("The file is received and kept."),
        "\n".join(f"{label}: {_line(value)}" for label, value in facts if value),
        gettext("What happens next") + ":\n" + "\n".join(f"- {each}" for each in told.next),
        gettext("Follow it here: {link}").format(link=base_url + told.links["state"]),
        gettext("The receipt: {link}").format(link=base_url + told.links["receipt"]),
        _why(base_url, to),
    )


def _declared(declared: bool) -> str:
    return gettext("Yes, and it was the same") if declared else gettext("Not declared")


def _delivery(told: Receipt) -> str | None:
    if told.delivery is None:
        return None
    words = gettext("in time") if told.delivery.on_time else gettext("after the due day")
    due = gettext("due {day}").format(day=told.delivery.due_on.isoformat())
    return f"{told.delivery.code} {said(told.delivery.title)} ({due}, {words})"


def checked(base_url: str, result: Result, to: Receiver) -> tuple[str, str]:
    """How the reading of a file ended, with the counts that decide what to do now."""
    report = result.report or {}
    refused, link = int(report.get("rejected") or 0), f"{base_url}/results/{result.code}"
    counts = [
        ngettext("%(num)s row was read.", "%(num)s rows were read.", result.rows or 0)
        % _num(result.rows or 0)
    ]
    if refused:
        counts.append(
            ngettext("%(num)s row was not taken.", "%(num)s rows were not taken.", refused) % _num(refused)
        )
    found = [_problem(each) for each in report.get("problems", [])[:MOST_PROBLEMS]]
    more = len(report.get("problems", [])) - len(found)
    if more > 0:
        found.append(ngettext("… and %(num)s more kind.", "… and %(num)s more kinds.", more) % _num(more))
    good = result.state == ResultState.ready
    subject = gettext(READ_SUBJECT[result.state]).format(filename=result.filename, code=result.code)
    upload = f"{base_url}/trials/{result.trial_id}/upload"
    return subject, _body(
        gettext(READ[result.state]),
        " ".join(counts) if result.state != ResultState.unreadable else None,
        gettext("What was found") + ":\n" + "\n".join(f"- {each}" for each in found) if found else None,
        gettext("Every line is shown here: {link}").format(link=link),
        None if good else gettext("Upload a corrected file: {link}").format(link=upload),
        _why(base_url, to),
    )


def _problem(found: dict[str, object]) -> str:
    hint, column = found.get("hint"), found.get("column")
    words = (
        said({str(k): str(v) for k, v in hint.items()}) if isinstance(hint, dict) else str(found.get("rule"))
    )
    where = f" ({_line(column)})" if column is not None else ""
    return f"{words}{where}: {_number(int(str(found.get('count') or 1)))}"


def accepted(base_url: str, result: Result, to: Receiver) -> tuple[str, str]:
    """That a result was accepted, and may become part of a dataset."""
    subject = gettext("Accepted: {filename} ({code})").format(filename=result.filename, code=result.code)
    return subject, _body(
        gettext("What you handed in is accepted, and may become part of a dataset."),
        gettext("See what was taken here: {link}").format(link=f"{base_url}/results/{result.code}"),
        _why(base_url, to),
    )


def reminder(
    base_url: str, parts: Sequence[tuple[Ref, Sequence[DeliveryItem]]], today: date, to: Receiver
) -> tuple[str, str]:
    """What is missing from each partner of the receiver, by due date, each with the page that takes it."""
    every = [each for _, missing in parts for each in missing]
    late = sum(each.due_on < today for each in every)
    subject = (
        ngettext("%(num)s delivery is overdue", "%(num)s deliveries are overdue", late) % _num(late)
        if late
        else ngettext("%(num)s delivery is due soon", "%(num)s deliveries are due soon", len(every))
        % _num(len(every))
    )
    told: list[str] = []
    for partner, missing in parts:
        told.append(gettext("This is expected from {partner}:").format(partner=_line(partner.title)))
        told += [_expected(base_url, each, today) for each in missing]
        told.append(
            gettext("Everything that is expected: {link}").format(link=f"{base_url}{partner.url}/expected")
        )
    return f"{subject}: {', '.join(_line(partner.title) for partner, _ in parts)}", _body(
        *told,
        gettext("Will something not come? Tell the coordinator of the pilot, who can write down why."),
        _why(base_url, to),
    )


def _expected(base_url: str, each: DeliveryItem, today: date) -> str:
    left = (each.due_on - today).days
    if left > 0:
        when = ngettext("in %(num)s day", "in %(num)s days", left) % _num(left)
    elif left == 0:
        when = gettext("today")
    else:
        when = ngettext("%(num)s day late", "%(num)s days late", -left) % _num(-left)
    due = gettext("due {day}").format(day=each.due_on.isoformat())
    head = f"{each.code} {_line(said(each.title))} – {due} ({when})"
    return f"{head}\n{_line(said(each.trial))}, {each.pilot}\n{base_url}/trials/{each.trial_id}/upload?delivery={each.code}"


def _why(base_url: str, to: Receiver) -> str:
    if to.person_id is None:
        return "-- \n" + gettext(WHY_MAILBOX).format(link=f"{base_url}/partners")
    return "-- \n" + gettext(WHY_PERSON).format(link=f"{base_url}/me#mail")


def _body(*parts: str | None) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _line(value: object) -> str:
    return " ".join(str(value).split())


def _moment(at: datetime) -> str:
    local = at.astimezone(HOME)
    return f"{local:%Y-%m-%d %H:%M:%S} ({local.tzname()})"


def _number(value: int) -> str:
    return str(format_decimal(value, locale=language.get()))


def _num(value: int) -> dict[str, str]:
    return {"num": _number(value)}
