"""How to cite a version, and how to load it in the tools people use."""

from dataclasses import dataclass
from datetime import datetime

from testbed.texts import said


@dataclass(frozen=True, slots=True)
class Cited:
    """What a citation names; ``url`` is absolute, ``sha256`` that of the manifest."""

    creator: str
    publisher: str
    title: dict[str, str]
    number: str
    slug: str
    url: str
    sha256: str
    published_at: datetime


def plain(cited: Cited) -> str:
    """One line, as DataCite recommends: creator (year): title. Version. Publisher. Address."""
    return (
        f"{cited.creator} ({cited.published_at.year}): {said(cited.title)}. Version {cited.number}. "
        f"{cited.publisher}. {cited.url} (SHA-256 {cited.sha256})"
    )


def bibtex(cited: Cited) -> str:
    """A BibTeX entry; braces keep names and capitals as they are."""
    key = f"{cited.slug}-{cited.number}"
    lines = {
        "author": f"{{{_tex(cited.creator)}}}",
        "title": f"{{{_tex(said(cited.title))}}}",
        "year": str(cited.published_at.year),
        "version": cited.number,
        "publisher": _tex(cited.publisher),
        "url": cited.url,
        "note": f"Manifest SHA-256 {cited.sha256}",
    }
    return "@misc{" + key + ",\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in lines.items()) + "}"


def _tex(text: str) -> str:
    for each in "\\{}":
        text = text.replace(each, "")
    for each in "&%$#_":
        text = text.replace(each, f"\\{each}")
    return text


def loaders(url: str, slug: str, number: str, *, open_to_all: bool) -> dict[str, str]:
    """Code that loads a version, by tool; unless it is open, each line shows where the token goes."""
    parquet, csv = f"{url}/data.parquet", f"{url}/data.csv"
    kept = f"{slug}-{number}"
    if open_to_all:
        return {
            "pandas": f'import pandas as pd\n\ndf = pd.read_parquet("{parquet}")',
            "R": f'library(readr)\n\ndf <- read_csv("{csv}")',
            "DuckDB": f"SELECT * FROM read_parquet('{parquet}');",  # noqa: S608 - shown, never run
            "curl": f"curl --fail --output {kept}.csv {csv}",
        }
    return {
        "pandas": (
            "import os\nimport pandas as pd\n\n"
            'headers = {"Authorization": "Bearer " + os.environ["TB_TOKEN"]}\n'
            f'df = pd.read_csv("{csv}", storage_options=headers)'
        ),
        "R": (
            "library(httr2)\nlibrary(readr)\n\n"
            f'answer <- request("{csv}") |>\n'
            '  req_auth_bearer_token(Sys.getenv("TB_TOKEN")) |>\n  req_perform()\n'
            "df <- read_csv(resp_body_raw(answer))"
        ),
        "DuckDB": (
            "CREATE SECRET (TYPE http, BEARER_TOKEN getenv('TB_TOKEN'));\n"
            f"SELECT * FROM read_parquet('{parquet}');"
        ),
        "curl": f'curl --fail --oauth2-bearer "$TB_TOKEN" --output {kept}.csv {csv}',
    }
