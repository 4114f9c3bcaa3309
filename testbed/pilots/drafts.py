"""Pilots, needs, parts and cases as they arrive."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, model_validator
from sqlmodel import Field, SQLModel

from testbed.access.models import Role, Visibility
from testbed.pilots.models import CaseKind, Stage, UserGroup
from testbed.texts import Line, WebAddress, clean, message, optional_text2, text2

EXAMPLE_NEED = "Parkarbetarna kör till kärl som är tomma."
YEARS = 5
ENDS_EARLY = message("A pilot cannot end before it starts.")
TOO_LONG = message("A pilot lasts five years at most.")


def _one_line(text: Any) -> Any:
    return " ".join(text.split()) if isinstance(text, str) else text


Sentence = Annotated[
    str, BeforeValidator(clean), BeforeValidator(_one_line), StringConstraints(min_length=10, max_length=300)
]
"""10 to 300 characters on one line, however they were typed."""


class NeedDraft(SQLModel):
    """A need in the users' words, or the ``id`` of one that is registered already."""

    model_config = {"extra": "forbid"}

    id: int | None = Field(default=None, description="An existing need, instead of a statement.")
    statement: Sentence | None = Field(default=None, schema_extra={"examples": [EXAMPLE_NEED]})
    user_groups: list[UserGroup] = Field(default=[], description="Whom it helps.")


class NeedPatch(SQLModel):
    """What an edit of a need changes; what is absent stays."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    statement: Sentence = ""
    user_groups: list[UserGroup] = []


class Quick(SQLModel):
    """The four questions that decide which laws a pilot meets; none has an answer of its own."""

    model_config = {"extra": "forbid"}

    personal: bool | None = Field(default=None, description="Is anything about identifiable people recorded?")
    camera: bool | None = Field(default=None, description="Is a camera used?")
    research: bool | None = Field(default=None, description="Is it research on people?")
    ai: bool | None = Field(default=None, description="Does AI decide something about people?")

    def answered(self) -> dict[str, bool]:
        return {key: value for key, value in self.model_dump().items() if value is not None}


class PartDraft(SQLModel):
    """A partner's part: a registered one by ``partner_id``, or by ``name``, added as a company if it is new."""

    model_config = {"extra": "forbid"}

    partner_id: int | None = None
    name: Line | None = Field(default=None, min_length=2, max_length=200)
    roles: list[Role] = Field(default=[], description="Supplier, unless said otherwise.")

    @model_validator(mode="after")
    def _named(self) -> "PartDraft":
        if (self.partner_id is None) == (self.name is None):
            raise ValueError(message("Name one partner, by its name or its number."))
        return self


class PartPatch(SQLModel):
    """The roles a partner has from now on."""

    model_config = {"extra": "forbid"}

    roles: list[Role] = Field(min_length=1)


class CaseDraft(SQLModel):
    """A case number (diarienummer), as the authority itself writes it."""

    model_config = {"extra": "forbid"}

    authority_id: int
    number: Line = Field(min_length=1, max_length=80, schema_extra={"examples": ["KS-2026/0812"]})
    kind: CaseKind = CaseKind.municipal
    url: WebAddress | None = None


class StageStep(SQLModel):
    """One step forward, or one back with a reason."""

    model_config = {"extra": "forbid"}

    to: Stage
    reason: Annotated[str, BeforeValidator(clean)] | None = Field(default=None, max_length=1000)


class PilotDraft(SQLModel):
    """A pilot as it is registered: nine fields, of which testbed, title and need are enough to save."""

    model_config = {"extra": "forbid"}

    testbed_id: int
    title: text2(min_length=3, max_length=120) = Field(  # type: ignore[valid-type]
        schema_extra={"examples": ["Smarta kärl i Stadsparken"]}
    )
    need: NeedDraft
    lead_partner_id: int | None = Field(
        default=None, description="The department, municipal company or city that leads it."
    )
    partners: list[PartDraft] = Field(default=[], max_length=50)
    start_planned: date | None = None
    end_planned: date | None = None
    quick: Quick = Quick()
    served_at: datetime | None = Field(
        default=None, description="When the form was served; kept only as the seconds it took to fill it in."
    )


class PilotPatch(SQLModel):
    """What an edit changes; what is absent stays. ``row_version`` says which version was seen."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    title: text2(min_length=3, max_length=120) = {}  # type: ignore[valid-type]
    question: optional_text2(max_length=1000) = None  # type: ignore[valid-type]
    summary_plain: optional_text2(max_length=600) = None  # type: ignore[valid-type]
    lead_partner_id: int | None = None
    start_planned: date | None = None
    end_planned: date | None = None
    quick: Quick = Quick()
    tags: Annotated[list[Line], BeforeValidator(lambda given: _tags(given))] = Field(
        default=[], max_length=20
    )
    visibility: Visibility = Visibility.partners


def _tags(given: Any) -> Any:
    """A form sends tags as one text with commas."""
    if given is None:
        return []
    return [tag.strip() for tag in given.split(",") if tag.strip()] if isinstance(given, str) else given


def span_problem(start: date | None, end: date | None) -> str | None:
    """What is wrong with a planned time, or None."""
    if start is None or end is None:
        return None
    if end < start:
        return ENDS_EARLY
    longest = (start.year + YEARS, start.month, start.day)
    return TOO_LONG if (end.year, end.month, end.day) > longest else None
