"""Codes people can read aloud and type from a label: five letters and digits that cannot be mistaken for others."""

import re
import secrets
from typing import Annotated, Any

from pydantic import BeforeValidator
from sqlalchemy import ColumnElement, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.texts import message

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans("ILO", "110")
NO_EUI = message("A DevEUI is sixteen hexadecimal digits.")


async def new_code(session: AsyncSession, prefix: str, column: Any) -> str:
    """A code nobody has yet in ``column``: the prefix, a dash, five characters of Crockford's base 32."""
    while True:
        code = f"{prefix}-{''.join(secrets.choice(CROCKFORD) for _ in range(5))}"
        taken: Any = select(exists().where(column == code))
        if not (await session.exec(taken)).scalar_one():
            return code


def is_code(column: Any, typed: str) -> ColumnElement[bool]:
    """Whether the column holds the code, however it was typed: in lower case, with O for 0, with I or L for 1."""
    prefix, _, rest = typed.upper().partition("-")
    found: ColumnElement[bool] = column == f"{prefix}-{rest.translate(MISREAD)}"
    return found


def _eui(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if not (plain := re.sub(r"[\s:.-]", "", given).lower()):
        return None
    if not re.fullmatch(r"[0-9a-f]{16}", plain, re.ASCII):
        raise ValueError(NO_EUI)
    return plain


DevEui = Annotated[str | None, BeforeValidator(_eui)]
"""Sixteen hexadecimal digits in lower case; taken in upper case too, with colons, dashes or blanks between."""
