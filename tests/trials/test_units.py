"""Units as UCUM writes them, and as people do."""

import pytest

from testbed.trials import units

GOOD = [
    "Cel", "%", "m", "cm2", "m-1", "ug/m3", "km/h", "kg.m/s2", "L/(min.m2)", "/m3", "10*3/uL", "{vehicle}/h", "dB{A}", "1", "100",
    "[ppm]", "[pH]", "mm[Hg]", "GiBy", "kW.h", "mmol/L", "W/m2", "[kn_i]", "((m))",
]  # fmt: skip
BAD = [
    "", "°C", "meter", "m/", "m//s", "km h", "{}", "m{", "(m", "m)", "k%", "Kcm", "01", "0", "m100", "mm³", "x" * 41, "hej",
    "m.", "{å}", "(" * 9 + "m" + ")" * 9,
]  # fmt: skip


@pytest.mark.parametrize("code", GOOD)
def test_what_ucum_writes_is_a_unit_and_is_kept_as_it_is(code):
    assert units.valid(code)
    assert units.code_of(code) == code


@pytest.mark.parametrize("text", BAD)
def test_what_ucum_does_not_write_is_none(text):
    assert not units.valid(text)


@pytest.mark.parametrize("text", ["", "meter", "m//s", "hej", "fordon/h", "m{"])
def test_what_has_no_certain_reading_is_refused(text):
    with pytest.raises(units.NoUnit):
        units.code_of(text)


@pytest.mark.parametrize(
    ("written", "code"),
    [("°C", "Cel"), ("µg/m³", "ug/m3"), ("m²", "m2"), ("km/tim", "km/h"), ("kWh", "kW.h"), ("dB(A)", "dB{A}"), ("st", "{st}"),
     ("‰", "[ppth]"), (" % ", "%"), ("kWh/m2", "kW.h/m2"), ("dBm", "{dBm}")],
)  # fmt: skip
def test_people_may_write_units_as_they_do(written, code):
    assert units.code_of(written) == code


@pytest.mark.parametrize(
    ("code", "shown"),
    [("Cel", "°C"), ("ug/m3", "µg/m³"), ("m-1", "m⁻¹"), ("kW.h", "kW·h"), ("{vehicle}/h", "vehicle/h"), ("dB{A}", "dB(A)"),
     ("1", ""), ("[ppm]", "ppm")],
)  # fmt: skip
def test_units_are_shown_as_people_read_them(code, shown):
    assert units.shown(code) == shown


def test_every_unit_that_is_offered_is_one():
    assert [code for code in units.SUGGESTED if not units.valid(code)] == []
    assert [code for code in units.OTHERWISE.values() if not units.valid(code)] == []
