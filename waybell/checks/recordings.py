"""Where recordings are kept."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from waybell.checks.access import what_hinders
from waybell.checks.findings import Finding, Site, failed, ok, skipped

CHECK = "recordings"


def check_recordings(site: Site) -> list[Finding]:
    """The folder of a ``file://`` URL; of any other only that it was not looked at."""
    url = urlsplit(site.settings.recordings.url)
    if url.scheme != "file":
        return [skipped(CHECK, f"{url.scheme}://{url.hostname or ''} is not looked at: only file:// is")]
    folder = Path(unquote(url.path))
    if os.access(folder, os.R_OK | os.X_OK, effective_ids=True) and folder.is_dir():
        return [ok(CHECK, f"{folder} can be read")]
    obstacle = what_hinders(folder)
    remedy = f"mkdir -p {folder} && chown asterisk: {folder}" if obstacle.is_missing else obstacle.remedy
    return [failed(CHECK, obstacle.problem, f"{remedy}; or correct recordings.url")]
