"""A table schema as tests write it, and the same once it is spelt in one way."""

from typing import Any

FILL: dict[str, Any] = {
    "fields": [
        {
            "name": "tid",
            "type": "datetime",
            "constraints": {"required": True},
            "testbed:titles": {"sv": "Tid", "en": "Time"},
            "testbed:zone": "Europe/Stockholm",
            "testbed:check": "in-trial-period",
        },
        {
            "name": "kärl",
            "type": "string",
            "constraints": {"required": True, "pattern": "Kärl [0-9]+"},
            "testbed:check": "unit-of-trial",
            "testbed:titles": {"sv": "Kärl", "en": "Bin"},
            "example": "Kärl 1",
        },
        {
            "name": "fyllnad",
            "type": "number",
            "constraints": {"minimum": 0, "maximum": 100},
            "testbed:titles": {"sv": "Fyllnad", "en": "Fill level"},
            "testbed:descriptions": {
                "sv": "Andel av kärlets höjd.",
                "en": "Share of the height of the bin.",
            },
            "testbed:unit": "%",
            "testbed:aliases": ["Fyllnad (%)"],
        },
        {"name": "läge", "type": "string", "constraints": {"enum": ["inne", "ute"]}},
    ],
    "primaryKey": ["tid", "kärl"],
    "missingValues": ["", "NA"],
    "testbed:extra_columns": "keep",
}


def changed(**fyllnad: Any) -> dict[str, Any]:
    """The same with the column ``fyllnad`` changed."""
    fields = [{**each, **fyllnad} if each["name"] == "fyllnad" else each for each in FILL["fields"]]
    return {**FILL, "fields": fields}
