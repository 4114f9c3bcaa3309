"""Units of measurement as UCUM writes them, case sensitive: ``Cel``, ``ug/m3``, ``km/h``, ``{vehicle}/h``.

The grammar is the whole of UCUM 2.1 (section 3: terms, exponents, annotations, prefixes); the table of atoms
holds those that a city measures with; a code outside it is refused rather than guessed.
Source: https://ucum.org/ucum
"""

import re
from dataclasses import dataclass

LONGEST = 40
DEEPEST = 8

_PREFIXES = "da Y Z E P T G M k h d c m u n p f a z y Ki Mi Gi Ti"
_METRIC = (
    "m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t u eV pc bar kat R cal"
    " bit By Bd B Np B[SPL] B[V] B[mV] B[uV] B[W] B[kW] U [iU] m[H2O] m[Hg] eq osm"
)
_PLAIN = (
    "% [ppth] [ppm] [ppb] [pptr] [pi] 10* 10^ min h d wk a mo mo_s mo_j mo_g a_t a_j a_g deg ' '' gon atm [pH]"
    " [in_i] [ft_i] [yd_i] [mi_i] [nmi_i] [kn_i] [acr_us] [gal_us] [lb_av] [oz_av] [degF] [psi] [Btu] [HP] AU"
    " [g] [c] [CFU]"
)
PREFIXES, METRIC, PLAIN = _PREFIXES.split(), set(_METRIC.split()), set(_PLAIN.split())

OTHERWISE = {
    "°": "deg", "º": "deg", "°C": "Cel", "ºC": "Cel", "℃": "Cel", "degC": "Cel", "°F": "[degF]", "℉": "[degF]",
    "‰": "[ppth]", "ppm": "[ppm]", "ppb": "[ppb]", "Ω": "Ohm", "procent": "%", "percent": "%", "pH": "[pH]",
    "st": "{st}", "pcs": "{pcs}", "kr": "{SEK}", "SEK": "{SEK}", "sek": "s", "sec": "s", "tim": "h", "hour": "h",
    "hours": "h", "min.": "min", "dygn": "d", "day": "d", "days": "d", "vecka": "wk", "week": "wk", "month": "mo",
    "år": "a", "year": "a", "kmh": "km/h", "kph": "km/h", "mph": "[mi_i]/h", "m/sek": "m/s", "knop": "[kn_i]",
    "kWt": "kW.h", "kWh": "kW.h", "Wh": "W.h", "MWh": "MW.h", "Ah": "A.h", "mAh": "mA.h", "VA": "V.A", "kVA": "kV.A",
    "dBA": "dB{A}", "dB(A)": "dB{A}", "dBm": "{dBm}", "ton": "t", "liter": "L", "litre": "L", "byte": "By", "kB": "kBy",
    "MB": "MBy", "lux": "lx",
}  # fmt: skip
"""Ways people write that are no UCUM, or mean something else in it (``st`` is the stere), and have one certain reading."""

SHOWN = {
    "Cel": "°C", "[degF]": "°F", "deg": "°", "[ppth]": "‰", "[ppm]": "ppm", "[ppb]": "ppb", "Ohm": "Ω", "[pH]": "pH",
    "[kn_i]": "kn", "[mi_i]": "mi", "[in_i]": "in", "[ft_i]": "ft",
}  # fmt: skip
RAISED = str.maketrans("²³⁻¹⁰⁴⁵⁶⁷⁸⁹", "23-10456789")
LIFTED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

SUGGESTED = (
    "Cel", "%", "m", "cm", "mm", "km", "m2", "m3", "s", "min", "h", "d", "m/s", "km/h", "g", "kg", "t", "L", "L/min", "Pa",
    "hPa", "kPa", "bar", "W", "kW", "W.h", "kW.h", "J", "V", "mV", "A", "mA", "Hz", "lx", "dB", "dB{A}", "ug/m3", "mg/L",
    "[ppm]", "[pH]", "uS/cm", "deg", "mm/h", "W/m2", "{vehicle}/h", "{person}", "1",
)  # fmt: skip
"""What the form offers; any other code may be written."""

_TOKEN = re.compile(r"(?P<annotation>\{[!-z|~]+\})|(?P<sign>[./()])|(?P<unit>[^{}./()\s]+)", re.ASCII)
_EXPONENT = re.compile(r"(?P<name>.*?[^0-9+-])(?P<power>[+-]?[1-9][0-9]?)?")


class NoUnit(ValueError):
    """The text is no UCUM code this module knows."""


@dataclass
class _Reader:
    """Recursive descent over the tokens of one code; UCUM has no precedence: ``/`` and ``.`` go from the left."""

    tokens: list[tuple[str, str]]
    at: int = 0
    depth: int = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        found = self.peek()
        self.at += 1
        return found

    def whole(self) -> None:
        if self.peek() == ("sign", "/"):
            self.take()
        self.term()
        if self.peek()[0] != "end":
            raise NoUnit

    def term(self) -> None:
        self.component()
        while self.peek() in {("sign", "."), ("sign", "/")}:
            self.take()
            self.component()

    def component(self) -> None:
        kind, text = self.take()
        if (kind, text) == ("sign", "("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise NoUnit
            self.term()
            if self.take() != ("sign", ")"):
                raise NoUnit
            self.depth -= 1
        elif kind == "unit":
            if not _simple(text):
                raise NoUnit
            if self.peek()[0] == "annotation":
                self.take()
        elif kind != "annotation":
            raise NoUnit


def _simple(text: str) -> bool:
    """A factor (``100``), or an atom with its prefix and its exponent (``cm2``)."""
    if text.isascii() and text.isdigit():
        return len(text) < 10 and text[0] != "0"
    if text in {"10*", "10^"} or re.fullmatch(r"10[*^][+-]?[1-9][0-9]?", text):
        return True
    found = _EXPONENT.fullmatch(text)
    return found is not None and _atom(found["name"])


def _atom(name: str) -> bool:
    if name in METRIC or name in PLAIN:
        return True
    return any(name.startswith(prefix) and name[len(prefix) :] in METRIC for prefix in PREFIXES)


def valid(code: str) -> bool:
    """Whether ``code`` is UCUM, spelt as it must be: no blanks, no ``°C``."""
    if not code or len(code) > LONGEST:
        return False
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(code):
        found = _TOKEN.match(code, at)
        if found is None:
            return False
        tokens.append((str(found.lastgroup), found.group()))
        at = found.end()
    try:
        _Reader(tokens).whole()
    except NoUnit:
        return False
    return True


def code_of(written: str) -> str:
    """The UCUM code of what somebody wrote: the code itself, or ``°C``, ``µg/m³``, ``km/tim`` in one certain reading.

    Raises:
        NoUnit: there is no such reading.
    """
    plain = written.strip().replace("µ", "u").replace("μ", "u").replace("·", ".").translate(RAISED)
    parts = re.split(r"(?<=[./(])|(?=[./)])", plain)
    code = "".join(OTHERWISE.get(part, part) for part in parts)
    for each in (OTHERWISE.get(plain, plain), code):
        if valid(each):
            return each
    raise NoUnit(written)


def shown(code: str) -> str:
    """The code as people read it: ``ug/m3`` is µg/m³, ``Cel`` is °C, ``{vehicle}/h`` is vehicle/h, ``1`` is nothing."""
    if code in {"", "1"}:
        return ""
    return "".join(_part(found.group(), str(found.lastgroup)) for found in _TOKEN.finditer(code))


def _part(text: str, kind: str) -> str:
    if kind == "annotation":
        return text[1:-1] if len(text) > 4 or not text[1:-1].isupper() else f"({text[1:-1]})"
    if kind == "sign":
        return "·" if text == "." else text
    if text in SHOWN:
        return SHOWN[text]
    found = _EXPONENT.fullmatch(text)
    name, power = (found["name"], found["power"] or "") if found else (text, "")
    micro = f"µ{name[1:]}" if name[:1] == "u" and name[1:] in METRIC else name
    return SHOWN.get(micro, micro) + power.translate(LIFTED)
