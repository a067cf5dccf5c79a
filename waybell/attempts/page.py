"""The attempts as a page to print: one HTML file without scripts, links or anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from waybell.attempts.telling import Row, Told

_CSS: Final = (
    "body{font:14px/1.4 sans-serif;margin:2em auto;max-width:72em;padding:0 1em;color:#111;background:#fff}"
    "h1{font-size:1.4em}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #999;padding:.3em .5em;text-align:start;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#eee}td.n{text-align:end}tr.theirs td{font-style:italic;background:#f7f7f7}"
    "td.id{font-size:.8em}footer{margin-top:1em;font-size:.85em;overflow-wrap:anywhere}"
    "@page{size:A4 landscape;margin:12mm}"
    "@media print{body{margin:0;max-width:none;padding:0;font-size:10px}thead{display:table-header-group}"
    "tr{break-inside:avoid}}"
)
_HASH = base64.b64encode(hashlib.sha256(_CSS.encode("ascii")).digest()).decode("ascii")
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
POLICY: Final = f"{_NOTHING}; style-src 'sha256-{_HASH}'"
"""The page's Content-Security-Policy: its own style sheet, and nothing else at all."""


def html(told: Told) -> str:
    """The page."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in told.headings)
    rows = "".join(map(_row, told.rows))
    notes = "".join(f"<p>{escape(note)}</p>" for note in told.notes)
    return (
        f'<!DOCTYPE html><html lang="{told.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(told.title)}</title><style>{_CSS}</style></head>"
        f"<body><h1>{escape(told.title)}</h1><p>{escape(told.summary)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><footer>{notes}</footer></body></html>\n"
    )


def _row(row: Row) -> str:
    kind = "" if row.ours else ' class="theirs"'
    cells = "".join(f"<td><bdi>{escape(text)}</bdi></td>" for text in (row.at, row.by, row.number))
    cells += f'<td class="n">{escape(row.rang)}</td>'
    cells += "".join(f"<td><bdi>{escape(text)}</bdi></td>" for text in (row.ended, row.verdict))
    return f'<tr{kind}>{cells}<td class="id"><bdi>{escape(row.id)}</bdi></td></tr>'
