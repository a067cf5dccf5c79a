"""How many connections and files this process may have open at once."""

from __future__ import annotations

import resource
from contextlib import suppress

from waybell.configuration import SettingsError

WEB_CONNECTIONS = 200
"""The most that the web door holds at once; beyond it, it is not to take what the AGI door needs."""

# The store's connections and files, the event log, the loop's own, and a connection that is closed as it is taken.
_EVERYTHING_ELSE = 100


def make_room(agi_connections: int, crm_connections: int) -> None:
    """Lets this process open as many files as the system allows it.

    Raises :class:`SettingsError` when even so the AGI door could run out of them: it then takes no calls at all.
    """
    limit = _raised()
    most = limit - WEB_CONNECTIONS - crm_connections - _EVERYTHING_ELSE
    if limit != resource.RLIM_INFINITY and agi_connections > most:
        raise SettingsError(
            f"agi.max_connections: {agi_connections}: up to {max(most, 0)} are allowed here, because this process may "
            f"have {limit} files open (LimitNOFILE= of the service, ulimit -n)"
        )


def _raised() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems refuse what they said was allowed
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
