"""What can be wrong with a single row or value, and what to do about it, in Swedish and English."""

ROW: dict[str, tuple[str, str, str]] = {
    "columns": (
        "error",
        "Raden har inte lika många värden som tabellen har kolumner. Ofta är det ett skiljetecken för mycket inne i en text.",
        "The row does not have as many values as the table has columns. Often there is a delimiter too many within a text.",
    ),
    "quote": (
        "error",
        "Citattecknen på raden går inte ihop. Skriv ett citattecken inne i ett värde som två.",
        "The quotation marks of the row do not match. Write a quotation mark inside a value as two.",
    ),
    "json": (
        "error",
        "Raden är inte ett JSON-objekt som går att läsa.",
        "The line is not a JSON object that can be read.",
    ),
    "required": ("error", "Värdet saknas men måste finnas.", "The value is missing but must be there."),
    "type": (
        "error",
        "Värdet passar inte kolumnens typ och togs inte med.",
        "The value does not fit the type of the column and was not taken.",
    ),
    "decimal-comma": (
        "error",
        "Talet har decimalkomma men resten av kolumnen har decimalpunkt. Skriv 16.4, eller ange att filen har decimalkomma.",
        "The number has a decimal comma while the rest of the column has points. Write 16.4, or say that the file has "
        "decimal commas.",
    ),
    "decimals": (
        "error",
        "Talet har fler decimaler än kolumnen tar emot. Avrunda det själv; vi ändrar inga värden.",
        "The number has more decimals than the column takes. Round it yourself; we change no values.",
    ),
    "minimum": (
        "error",
        "Värdet är lägre än det lägsta som är rimligt här. Kontrollera enheten, och om givaren visade fel.",
        "The value is below the lowest that is reasonable here. Check the unit, and whether the sensor was wrong.",
    ),
    "maximum": (
        "error",
        "Värdet är högre än det högsta som är rimligt här. Kontrollera enheten, och om givaren visade fel.",
        "The value is above the highest that is reasonable here. Check the unit, and whether the sensor was wrong.",
    ),
    "length": (
        "error",
        "Texten är för kort eller för lång för kolumnen.",
        "The text is too short or too long for the column.",
    ),
    "pattern": (
        "error",
        "Värdet är inte skrivet som kolumnens värden ska skrivas. Se efter blanksteg och stora och små bokstäver.",
        "The value is not written as the values of the column are to be. Look for blanks and for capitals.",
    ),
    "enum": (
        "error",
        "Värdet är inget av dem som kolumnen tar emot.",
        "The value is none of those the column takes.",
    ),
    "unique": (
        "error",
        "Värdet står redan på en tidigare rad, men får bara finnas en gång i kolumnen.",
        "The value is on an earlier line already, but may occur only once in the column.",
    ),
    "key-null": (
        "error",
        "Ett värde som skiljer raderna åt saknas, till exempel tid eller enhet.",
        "A value that tells the rows apart is missing, such as the time or the unit.",
    ),
    "key-duplicate": (
        "error",
        "Samma mätning finns redan på en tidigare rad. Ta bort den ena; den första togs med om den var utan fel.",
        "The same measurement is on an earlier line already. Remove one; the first was taken if it had no errors.",
    ),
    "time-zone": (
        "error",
        "Raden anger tidszon medan de flesta andra inte gör det, eller tvärtom. Skriv alla tider på samma sätt, "
        "t.ex. 2024-10-27T02:30:00+02:00.",
        "The row gives a time zone where most others do not, or the other way round. Write all times alike, "
        "e.g. 2024-10-27T02:30:00+02:00.",
    ),
    "time-ambiguous": (
        "error",
        "Klockslaget förekom två gånger den natten, när sommartiden slutade. Skriv med skillnaden mot UTC, "
        "t.ex. 2024-10-27T02:30:00+02:00.",
        "This time occurred twice that night, when summer time ended. Write it with its offset from UTC, "
        "e.g. 2024-10-27T02:30:00+02:00.",
    ),
    "time-nonexistent": (
        "error",
        "Klockslaget fanns inte den natten, när sommartiden började. Kontrollera om loggern går på normaltid.",
        "This time did not exist that night, when summer time began. Check whether the logger keeps winter time.",
    ),
    "in-trial-period": (
        "error",
        "Tiden ligger utanför försökets period.",
        "The time is outside the period of the trial.",
    ),
    "unit-of-trial": (
        "error",
        "Försöket har ingen enhet som heter så. Skriv beteckningen precis som i försökets plan.",
        "The trial has no unit of that name. Write the label exactly as in the plan of the trial.",
    ),
    "arm-of-trial": (
        "error",
        "Försöket har ingen grupp som heter så. Skriv namnet precis som i försökets plan.",
        "The trial has no arm of that name. Write the name exactly as in the plan of the trial.",
    ),
    "deployed-at-time": (
        "error",
        "Enheten var inte utplacerad i försöket vid den tiden. Kontrollera enhetens id, tiden och när den sattes upp.",
        "The device was not deployed in the trial at that time. Check its id, the time and when it was put up.",
    ),
    "formula-error": (
        "error",
        "En formel gav ett fel (till exempel #DIV/0! eller #SAKNAS!). Rätta formeln eller lämna cellen tom.",
        "A formula gave an error (such as #DIV/0! or #N/A). Mend the formula or leave the cell empty.",
    ),
    "not-finite": (
        "error",
        "Oändliga tal går inte att räkna med; cellen lämnades tom.",
        "Infinite numbers cannot be worked with; the cell was left empty.",
    ),
    "excel-precision": (
        "warning",
        "Heltal med fler än 15 siffror är redan avrundade av Excel. Formatera kolumnen som text.",
        "Integers of more than 15 digits are already rounded by Excel. Format the column as text.",
    ),
    "lat-lon": (
        "warning",
        "Latitud och longitud ser ut att ha bytt plats: Luleå har latitud 65,6 och longitud 22,1.",
        "Latitude and longitude seem to have changed places: Luleå is at latitude 65.6 and longitude 22.1.",
    ),
    "sweref": (
        "error",
        "Det här ser ut som SWEREF 99 TM i meter. Räkna om till grader (WGS 84), t.ex. 65,584 och 22,157.",
        "This looks like SWEREF 99 TM in metres. Convert it to degrees (WGS 84), e.g. 65.584 and 22.157.",
    ),
    "time-order": (
        "warning",
        "Tiden är tidigare än på raden före för samma sak. Ordningen behålls; kontrollera klockan i loggern.",
        "The time is earlier than on the row before of the same thing. The order is kept; check the clock of the logger.",
    ),
    "time-gap": (
        "warning",
        "Före den här raden är det ett uppehåll som är minst tio gånger längre än vanligt. Saknas det mätningar?",
        "Before this row there is a pause at least ten times as long as usual. Are measurements missing?",
    ),
}  # fmt: skip

TYPES: dict[str, tuple[str, str]] = {
    "integer": ("Skriv ett heltal, t.ex. 16.", "Write a whole number, e.g. 16."),
    "number": ("Skriv ett tal, t.ex. 16,4.", "Write a number, e.g. 16.4."),
    "boolean": ("Skriv ja eller nej (eller true, false, 1, 0).", "Write yes or no (or true, false, 1, 0)."),
    "date": ("Skriv ett datum som 2024-02-29.", "Write a date such as 2024-02-29."),
    "time": ("Skriv ett klockslag mellan 00:00 och 23:59.", "Write a time of day between 00:00 and 23:59."),
    "datetime": (
        "Skriv datum och klockslag, t.ex. 2024-02-29T07:30:00+01:00.",
        "Write a date and time, e.g. 2024-02-29T07:30:00+01:00.",
    ),
    "year": ("Skriv ett år med fyra siffror, t.ex. 2024.", "Write a year of four digits, e.g. 2024."),
    "yearmonth": ("Skriv år och månad som 2024-02.", "Write a year and month such as 2024-02."),
    "geopoint": (
        "Skriv longitud och latitud i grader, t.ex. 22.157, 65.584.",
        "Write longitude and latitude in degrees, e.g. 22.157, 65.584.",
    ),
    "list": ("Skriv en JSON-lista, t.ex. [1, 2].", "Write a JSON list, e.g. [1, 2]."),
    "object": ('Skriv ett JSON-objekt, t.ex. {"a": 1}.', 'Write a JSON object, e.g. {"a": 1}.'),
}  # fmt: skip
"""What the rule ``type`` says of one type."""
