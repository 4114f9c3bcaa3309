"""Where to go on to after signing in: a path here, never another site."""

import re
from urllib.parse import quote

# Browsers read a backslash as a slash and drop tabs and line ends, so none of these may stand anywhere.
HERE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def onward(path: str | None) -> str:
    """The path if it leads to a page here, else the start page; ready for a Location header."""
    if path is None or not HERE.fullmatch(path) or path.split("?")[0] in {"/sign-in", "/sign-out"}:
        return "/"
    return quote(path, safe="/?&=%+:;,@!$'()*~.-_#[]")
