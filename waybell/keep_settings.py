"""Settings: how long what is kept."""

from __future__ import annotations

from pydantic import Field

from waybell.setting_values import Section

_YEARS = 36_500


class Keep(Section):
    """How many days each kind of data is kept; 0: for ever. What is older is deleted a little at a time."""

    journal_days: int = Field(0, ge=0, le=_YEARS, description="calls, with their legs and routes")
    callbacks_days: int = Field(
        400, ge=0, le=_YEARS, description="calls that Waybell placed, as the app that asked for them sees them"
    )
    recordings_days: int = Field(0, ge=0, le=_YEARS, description="recordings, the files themselves")
    ratings_days: int = Field(0, ge=0, le=_YEARS, description="what callers said of calls")
    listens_days: int = Field(0, ge=0, le=_YEARS, description="who listened to which recording")
