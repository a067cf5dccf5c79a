"""Who hears whom, and for how long.

Channels in one bridge hear each other. The two halves of a Local channel are one pipe, nobody who talks: those in the
bridge of the one half hear those in the bridge of the other. Whoever is parked or waits (a holding bridge) hears music.
In a conference a caller is alone as far as the log of that call goes: there, being in it counts.
"""

from __future__ import annotations

from collections.abc import Collection

_NOBODY = frozenset[str]()


class Bridges:
    """The bridges of one conversation. ``talked``: microseconds in which at least two people heard each other.

    ``pipes`` holds the halves of Local channels: uniqueid → the name without the half.
    """

    __slots__ = ("_members", "_rooms", "_since", "pipes", "talked")

    def __init__(self) -> None:
        self.talked = 0
        self.pipes: dict[str, str] = {}
        self._members: dict[str, set[str]] = {}
        self._rooms: set[str] = set()
        self._since: int | None = None

    def enter(self, bridge: str, uniqueid: str, at: int, *, mixed: bool) -> Collection[str]:
        """A channel enters; gives all who hear each other with it now, itself included. ``mixed``: for any number."""
        members = self._members.setdefault(bridge, set())
        if mixed and not members:
            self._rooms.add(bridge)
        members.add(uniqueid)
        group = self._group_of(uniqueid) if self.pipes else members
        if len(group) > 1 or (bridge in self._rooms and uniqueid not in self.pipes):
            if self._since is None:
                self._since = at
            return group
        return _NOBODY

    def leave(self, bridge: str, uniqueid: str, at: int) -> bool:
        """A channel leaves a bridge; whether it was in it."""
        members = self._members.get(bridge)
        if not members or uniqueid not in members:
            return False
        members.discard(uniqueid)
        if self._since is not None and not self._is_talk(members):
            self.stop(at)
        return True

    def gone(self, uniqueid: str, at: int) -> None:
        """A channel is no more."""
        for bridge, members in self._members.items():
            if uniqueid in members:
                self.leave(bridge, uniqueid, at)

    def stop(self, at: int) -> None:
        """All talk that goes on ends."""
        if self._since is not None:
            self.talked += at - self._since
            self._since = None

    def _is_talk(self, left: set[str]) -> bool:
        """Whether any goes on; ``left``: who is still in the bridge that somebody just left."""
        if not self.pipes and (len(left) > 1 or (len(self._members) == 1 and not self._rooms)):
            return len(left) > 1
        if self._rooms and any(self._members[bridge] for bridge in self._rooms):
            return True
        groups = [group.difference(self.pipes) for group in self._joined()] if self.pipes else self._members.values()
        return any(len(group) > 1 for group in groups)

    def _group_of(self, uniqueid: str) -> set[str]:
        found = next((group for group in self._joined() if uniqueid in group), set[str]())
        return found.difference(self.pipes)

    def _joined(self) -> list[set[str]]:
        """The channels in each set of bridges that pipes join."""
        groups: list[set[str]] = []
        for members in self._members.values():
            joined, names = set(members), self._names(members)
            for other in [group for group in groups if names & self._names(group)]:
                groups.remove(other)
                joined |= other
            groups.append(joined)
        return groups

    def _names(self, members: set[str]) -> set[str]:
        return {self.pipes[uniqueid] for uniqueid in members if uniqueid in self.pipes}
