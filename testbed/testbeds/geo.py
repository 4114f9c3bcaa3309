"""GeoJSON (RFC 7946) as far as places need it: one Point or one Polygon in WGS 84, longitude first."""

import json
import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from testbed.texts import message

MOST_POINTS = 1000
NUMBERS = re.compile(r"(-?\d+(?:\.\d+)?)\s*[,; ]\s*(-?\d+(?:\.\d+)?)", re.ASCII)
WRONG = message("Give a place as GeoJSON: a Point [longitude, latitude], or a Polygon of closed rings.")
OUTSIDE = message(
    "A longitude lies between -180 and 180, a latitude between -90 and 90; longitude comes first."
)
TOO_MANY = message("A polygon may have at most 1,000 points.")
OPEN_RING = message("A ring needs four points or more, and ends where it began.")


def _place(given: Any) -> dict[str, Any] | None:
    """What a form (latitude and longitude, or pasted text) or a program gives, as a checked geometry."""
    if isinstance(given, str):
        given = _read(given)
    if isinstance(given, dict) and set(given) <= {"lat", "lon"}:
        given = _of_numbers(given.get("lat"), given.get("lon"))
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - {"type", "coordinates", "bbox"}:
        raise ValueError(WRONG)
    shape, coordinates = given.get("type"), given.get("coordinates")
    if shape == "Point":
        return {"type": "Point", "coordinates": _position(coordinates)}
    if shape == "Polygon" and isinstance(coordinates, list) and coordinates:
        return {"type": "Polygon", "coordinates": _rings(coordinates)}
    raise ValueError(WRONG)


def _read(text: str) -> Any:
    if not text.strip():
        return None
    if found := NUMBERS.fullmatch(text.strip()):
        return {"lat": found[1], "lon": found[2]}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(WRONG) from None


def _of_numbers(lat: Any, lon: Any) -> dict[str, Any] | None:
    if lat in (None, "") and lon in (None, ""):
        return None
    try:
        return {"type": "Point", "coordinates": [_decimal(lon), _decimal(lat)]}
    except (TypeError, ValueError):
        raise ValueError(WRONG) from None


def _decimal(text: Any) -> float:
    """A number as people write it in Sweden, with a comma or a point."""
    return float(str(text).strip().replace(",", "."))


def _position(given: Any) -> list[float]:
    if not isinstance(given, list) or not 2 <= len(given) <= 3:
        raise ValueError(WRONG)
    if any(
        isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each)
        for each in given
    ):
        raise ValueError(WRONG)
    lon, lat = float(given[0]), float(given[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError(OUTSIDE)
    return [round(lon, 7), round(lat, 7)]


def _rings(given: list[Any]) -> list[list[list[float]]]:
    if any(not isinstance(ring, list) for ring in given):
        raise ValueError(WRONG)
    if sum(map(len, given)) > MOST_POINTS:
        raise ValueError(TOO_MANY)
    rings = [[_position(each) for each in ring] for ring in given]
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise ValueError(OPEN_RING)
    return rings


Geometry = Annotated[dict[str, Any] | None, BeforeValidator(_place)]
"""A Point or a Polygon, or nothing. Also taken: ``{"lat": …, "lon": …}`` and GeoJSON as text."""
