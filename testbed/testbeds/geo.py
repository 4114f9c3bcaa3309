"""Places on the earth as GeoJSON (RFC 7946): WGS 84, longitude first, points and polygons only."""

import itertools
import json
import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from testbed.texts import message

MOST_POINTS = 1_000
DIGITS = 7  # a centimetre
PAIR = re.compile(r"(-?\d{1,3}(?:[.,]\d{1,15})?)\s*(?:[,;]\s*|\s+)(-?\d{1,3}(?:[.,]\d{1,15})?)", re.ASCII)
UNREADABLE = message("Write latitude and longitude, as 65.5848, 22.1547, or paste GeoJSON.")
KINDS = message("A place is a GeoJSON Point or Polygon.")
POINT_ONLY = message("A position is one point.")
BAD_PAIR = message("A position is longitude and latitude, as [22.1547, 65.5848].")
OUTSIDE = message(
    "Longitude lies between -180 and 180, latitude between -90 and 90; in GeoJSON longitude comes first."
)
RINGS = message(
    "A polygon is a list of rings; each has four positions or more, and the last is the first again."
)
TOO_MANY = message("A place has 1,000 positions at most.")
OTHER_CRS = message("GeoJSON is always WGS 84; take the crs away and give longitude and latitude.")


def read_geometry(given: Any) -> dict[str, Any] | None:
    """Return a checked Point or Polygon, rings turned as RFC 7946 has them; blank is none.

    Takes GeoJSON, as an object or as text, also wrapped in one Feature; or the text "latitude, longitude".

    Raises:
        ValueError: what is wrong, as a message id.
    """
    if isinstance(given, str):
        given = _from_text(given.strip())
    if given is None:
        return None
    found = _unwrapped(given)
    if "crs" in found:
        raise ValueError(OTHER_CRS)
    coordinates = found.get("coordinates")
    if found.get("type") == "Point":
        return {"type": "Point", "coordinates": _position(coordinates)}
    if found.get("type") == "Polygon":
        return {"type": "Polygon", "coordinates": _rings(coordinates)}
    raise ValueError(KINDS)


def read_point(given: Any) -> dict[str, Any] | None:
    """As ``read_geometry``, a Point only."""
    found = read_geometry(given)
    if found is not None and found["type"] != "Point":
        raise ValueError(POINT_ONLY)
    return found


Geometry = Annotated[dict[str, Any] | None, BeforeValidator(read_geometry)]
"""A Point or Polygon, or nothing."""

Position = Annotated[dict[str, Any] | None, BeforeValidator(read_point)]
"""A Point, or nothing."""


def _from_text(text: str) -> Any:
    if not text:
        return None
    if pair := PAIR.fullmatch(text):
        latitude, longitude = (float(number.replace(",", ".")) for number in pair.groups())
        return {"type": "Point", "coordinates": [longitude, latitude]}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(UNREADABLE) from None


def _unwrapped(given: Any) -> dict[str, Any]:
    """The geometry itself, where a drawing tool put it into a Feature or a collection of one."""
    if isinstance(given, dict) and given.get("type") == "FeatureCollection":
        features = given.get("features")
        given = features[0] if isinstance(features, list) and len(features) == 1 else None
    if isinstance(given, dict) and given.get("type") == "Feature":
        given = given.get("geometry")
    if not isinstance(given, dict):
        raise ValueError(KINDS)
    return given


def _position(given: Any) -> list[float]:
    """Longitude and latitude; a height is left out, as nothing here is drawn by it."""
    if not isinstance(given, list) or not 2 <= len(given) <= 3:
        raise ValueError(BAD_PAIR)
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in given):
        raise ValueError(BAD_PAIR)
    longitude, latitude = given[:2]
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # false for NaN and infinity as well
        raise ValueError(OUTSIDE)
    return [round(longitude, DIGITS), round(latitude, DIGITS)]


def _rings(given: Any) -> list[list[list[float]]]:
    if not isinstance(given, list) or not given or not all(isinstance(ring, list) for ring in given):
        raise ValueError(RINGS)
    if sum(len(ring) for ring in given) > MOST_POINTS:
        raise ValueError(TOO_MANY)
    rings = [[_position(each) for each in ring] for ring in given]
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise ValueError(RINGS)
    return [_turned(ring, outer=place == 0) for place, ring in enumerate(rings)]


def _turned(ring: list[list[float]], *, outer: bool) -> list[list[float]]:
    """Outer rings run against the clock, holes with it."""
    area = math.fsum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(ring))
    return ring if (area >= 0) == outer else ring[::-1]


def as_text(geometry: dict[str, Any] | None) -> str:
    """What a form's field holds: a point as "latitude, longitude", anything else as GeoJSON."""
    if geometry is None:
        return ""
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        return f"{latitude}, {longitude}"
    return json.dumps(geometry, separators=(",", ":"))
