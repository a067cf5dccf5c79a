"""Fills in the Asterisk configuration under ``docker/asterisk/``, for a laboratory instance or for the image.

In the files a word between ``@`` signs is a value of :class:`PbxSettings`. As a command it writes the files of an
image: ``python -m lab.pbx_config /etc/asterisk ARI_PASSWORD=… AGI=agi://app:4573``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATES = PROJECT / "docker" / "asterisk"
DIALPLAN = PROJECT / "dialplan"
DIALPLAN_FILES = ("waybell.conf", "cel.conf", "cel_custom.conf")
EXTENSIONS = ("100", "101", "199", "200", "201", "202", "500")

_PLACEHOLDER = re.compile(r"@([A-Z][A-Z_]*)@")


@dataclass(frozen=True, slots=True)
class PbxSettings:
    """Every value of the configuration; the defaults are the container's. Ports are UDP but for ``http_port``."""

    etc: str = "/etc/asterisk"
    state: str = "/var/lib/asterisk"
    data: str = "/usr/share/asterisk"
    spool: str = "/var/spool/asterisk"
    run: str = "/run/asterisk"
    log: str = "/var/log/asterisk"
    system_name: str = "pbx1"
    language: str = "ru"
    sip_host: str = "127.0.0.1"
    sip_port: str = "5060"
    # The trunk's peer has an address of its own: that is how its calls are told from the phones'.
    trunk_host: str = "127.0.0.2"
    trunk_port: str = "5060"
    phones_host: str = "127.0.0.1"
    phones_port: str = "5070"
    http_port: str = "8088"
    rtp_start: str = "10000"
    rtp_end: str = "19999"
    ari_password: str = "waybell"
    agi: str = "agi://127.0.0.1:4573"
    office_dial: str = "PJSIP/500"
    log_levels: str = "notice,warning,error"


def render(settings: PbxSettings, own_files: Mapping[str, str] | None = None) -> dict[str, str]:
    """All configuration files, name → content. ``own_files`` are added as they are or replace ours.

    Raises ``ValueError`` for a placeholder that :class:`PbxSettings` does not know, naming the file.
    """
    values = {field.name.upper(): str(getattr(settings, field.name)) for field in fields(settings)}
    files = {path.name: _fill(path, values) for path in sorted(TEMPLATES.glob("*.conf"))}
    for name in DIALPLAN_FILES:
        if name not in (own_files or {}):
            files[name] = (DIALPLAN / name).read_text(encoding="utf-8")
    return files | dict(own_files or {})


def extension_sections(extensions: Iterable[str], settings: PbxSettings) -> str:
    """``pjsip_custom.conf`` for extensions beyond :data:`EXTENSIONS`, made like those in ``pjsip.conf``."""
    phones = f"{settings.phones_host}:{settings.phones_port}"
    return "".join(
        f"[{number}](phone)\naors = {number}\n[{number}]\ntype = aor\ncontact = sip:{number}@{phones}\n\n"
        for number in extensions
    )


def _fill(path: Path, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            return values[match[1]]
        except KeyError:
            raise ValueError(f"{path}: @{match[1]}@ is not one of {', '.join(values)}") from None

    return _PLACEHOLDER.sub(value, path.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> None:
    """``DIR [NAME=VALUE…]``: write the configuration into DIR."""
    directory = Path(arguments[0])
    changes = dict(argument.lower().split("=", 1)[:1] + argument.split("=", 1)[1:] for argument in arguments[1:])
    for name, content in render(replace(PbxSettings(), **changes)).items():
        (directory / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
