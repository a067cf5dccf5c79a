"""Where recordings are kept."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from waybell.checks.access import what_hinders
from waybell.checks.findings import Finding, Site, failed, ok

CHECK = "recordings"


def check_recordings(site: Site) -> list[Finding]:
    """Whether the folder of ``recordings.url`` can be read, wherever it is."""
    url = urlsplit(site.settings.recordings.url)
    if url.scheme != "file":
        return [_elsewhere(site)]
    folder = Path(unquote(url.path))
    if os.access(folder, os.R_OK | os.X_OK, effective_ids=True) and folder.is_dir():
        return [ok(CHECK, f"{folder} can be read")]
    obstacle = what_hinders(folder)
    remedy = f"mkdir -p {folder} && chown asterisk: {folder}" if obstacle.is_missing else obstacle.remedy
    return [failed(CHECK, obstacle.problem, f"{remedy}; or correct recordings.url")]


def _elsewhere(site: Site) -> Finding:
    """Asked on a loop of its own: this is a thread. No password is shown."""
    from waybell.recordings.library import place
    from waybell.recordings.sounds import MissingError, UnavailableError
    from waybell.recordings.threads import Threads

    chosen = site.settings.recordings
    url = urlsplit(chosen.url)
    shown = f"{url.scheme}://{url.hostname or ''}{url.path}"
    remedy = "correct recordings.url and recordings.options, or make it readable for that account"
    try:
        asyncio.run(place(chosen.url, chosen.options, chosen.seconds, Threads(1)).look())
    except MissingError:
        return failed(CHECK, f"{shown} does not exist there", remedy)
    except UnavailableError as error:
        secret = unquote(url.password or "")
        problem = str(error).replace(secret, "…") if secret else str(error)
        return failed(CHECK, f"{shown} cannot be read: {problem}", remedy)
    return ok(CHECK, f"{shown} can be read")
