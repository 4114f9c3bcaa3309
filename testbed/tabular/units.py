"""Conversions between units, all of them linear; codes of UCUM (https://ucum.org), and the signs people write for them."""

from dataclasses import dataclass
from fractions import Fraction

from testbed.tabular.problems import Unreadable

_F = Fraction
_LINEAR: dict[str, dict[str, Fraction]] = {
    "length": {"m": _F(1), "mm": _F(1, 1000), "cm": _F(1, 100), "dm": _F(1, 10), "km": _F(1000), "[in_i]": _F(254, 10000),
               "[ft_i]": _F(3048, 10000)},
    "speed": {"m/s": _F(1), "km/h": _F(10, 36), "[kn_i]": _F(1852, 3600), "cm/s": _F(1, 100), "mm/s": _F(1, 1000)},
    "pressure": {"Pa": _F(1), "hPa": _F(100), "kPa": _F(1000), "bar": _F(100_000), "mbar": _F(100), "MPa": _F(1_000_000)},
    "energy": {"J": _F(1), "kJ": _F(1000), "MJ": _F(10**6), "GJ": _F(10**9), "W.h": _F(3600), "kW.h": _F(3_600_000),
               "MW.h": _F(3_600_000_000)},
    "power": {"W": _F(1), "mW": _F(1, 1000), "kW": _F(1000), "MW": _F(10**6)},
    "voltage": {"V": _F(1), "mV": _F(1, 1000), "kV": _F(1000)},
    "current": {"A": _F(1), "mA": _F(1, 1000), "uA": _F(1, 10**6)},
    "time": {"s": _F(1), "ms": _F(1, 1000), "min": _F(60), "h": _F(3600), "d": _F(86400)},
    "mass": {"kg": _F(1), "g": _F(1, 1000), "mg": _F(1, 10**6), "t": _F(1000)},
    "volume": {"m3": _F(1), "L": _F(1, 1000), "dL": _F(1, 10_000), "mL": _F(1, 10**6)},
    "flow": {"m3/h": _F(1), "L/s": _F(36, 10), "L/min": _F(6, 100), "m3/s": _F(3600)},
    "share": {"1": _F(1), "%": _F(1, 100), "[ppth]": _F(1, 1000), "[ppm]": _F(1, 10**6)},
    "frequency": {"Hz": _F(1), "kHz": _F(1000), "MHz": _F(10**6)},
    "concentration": {"ug/m3": _F(1), "mg/m3": _F(1000), "ng/m3": _F(1, 1000)},
    "conductivity": {"S/m": _F(1), "mS/cm": _F(1, 10), "uS/cm": _F(1, 10_000)},
}  # fmt: skip
"""Quantity: code: how many of its first unit one of them is."""
_TEMPERATURES = {"K": (_F(1), _F(0)), "Cel": (_F(1), _F(27315, 100)), "[degF]": (_F(5, 9), _F(45967, 180))}
"""Code: how many kelvin one degree is, and how many kelvin zero is."""
_SIGNS = {
    "°C": "Cel", "C": "Cel", "°F": "[degF]", "m³": "m3", "l": "L", "l/s": "L/s", "l/min": "L/min", "Wh": "W.h", "kWh": "kW.h",
    "MWh": "MW.h", "µA": "uA", "µg/m3": "ug/m3", "µg/m³": "ug/m3", "mg/m³": "mg/m3", "µS/cm": "uS/cm", "m³/h": "m3/h",
    "m³/s": "m3/s", "kn": "[kn_i]", "knop": "[kn_i]", "in": "[in_i]", "ft": "[ft_i]", "tum": "[in_i]",
    "‰": "[ppth]", "ppm": "[ppm]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversion:
    """``value × times ÷ by + plus``, in whole numbers where it can, so that 164 cm becomes 1.64 m and not nearly so."""

    times: int
    by: int
    plus: Fraction

    @property
    def same(self) -> bool:
        return self.times == self.by and not self.plus

    def sql(self, value: str) -> str:
        """Of a DOUBLE."""
        scaled = value if self.times == 1 else f"({value} * {self.times}::DOUBLE)"
        scaled = scaled if self.by == 1 else f"({scaled} / {self.by}::DOUBLE)"
        return f"({scaled} + {float(self.plus)!r}::DOUBLE)" if self.plus else scaled


def conversion(field: str, given: str, wanted: str | None) -> Conversion:
    """From the unit a file is in to that of the schema. Raises: Unreadable (unit-conversion)."""
    source, target = _SIGNS.get(given, given), _SIGNS.get(wanted or "", wanted or "")
    if wanted and source == target:
        return Conversion(1, 1, Fraction(0))
    for scales in (
        {code: (scale, Fraction(0)) for code, scale in linear.items()} for linear in _LINEAR.values()
    ):
        if source in scales and target in scales:
            return _between(scales[source], scales[target])
    if source in _TEMPERATURES and target in _TEMPERATURES:
        return _between(_TEMPERATURES[source], _TEMPERATURES[target])
    raise Unreadable("unit-conversion", value=f"{field}: {given} → {wanted or '?'}"[:200])


def _between(source: tuple[Fraction, Fraction], target: tuple[Fraction, Fraction]) -> Conversion:
    factor = source[0] / target[0]
    return Conversion(factor.numerator, factor.denominator, (source[1] - target[1]) / target[0])
