"""Settings of missed calls, and of what is shown of the attempts to reach somebody."""

from __future__ import annotations

from pydantic import Field, model_validator

from waybell.callbacks.hours import Hours
from waybell.setting_values import Section, TimeOfDay


class Missed(Section):
    """Callers whom nobody answered, and what happens when nobody calls them back."""

    look_back_hours: int = Field(168, ge=1, le=8784, description="how far back one looks who does not say from when")
    after_minutes: float = Field(
        30.0, gt=0, le=10_080, allow_inf_nan=False, description="a caller who has waited so long is overdue"
    )
    ring: str = Field(
        "",
        pattern=r"^([0-9]{2,6})?$",
        description="a manager's extension that rings, once for each overdue caller, and is then connected to them; "
        "empty: none",
    )
    hours_from: TimeOfDay = Field(
        "09:00", description="before this the manager's phone is silent (callbacks.time_zone)"
    )
    hours_until: TimeOfDay = Field("18:00", description="nor from this time on; 24:00 is midnight")
    give_up_hours: int = Field(24, ge=1, le=168, description="a caller who called longer ago rings nobody any more")

    @model_validator(mode="after")
    def _go_together(self) -> Missed:
        try:
            Hours(self.hours_from, self.hours_until)
        except ValueError as error:
            raise ValueError(f"hours_until: {error}") from None
        if self.after_minutes >= self.give_up_hours * 60:
            raise ValueError("after_minutes: must be less than give_up_hours")
        return self


class Attempts(Section):
    """What counts as an attempt to reach a recipient, and the page that shows it."""

    genuine_seconds: float = Field(
        15.0, ge=1, le=120, allow_inf_nan=False, description="ringing so long without an answer was a genuine attempt"
    )
    font: str = Field(
        "", description="path of a TrueType font for PDF; empty: the system's DejaVu, Liberation or Noto Sans"
    )
