"""Recorded traffic as readable text: one protocol line per text line, ``>`` from Asterisk, ``<`` from the server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Direction(StrEnum):
    """Who did it. The value is the mark at the start of a line."""

    ASTERISK = ">"
    SERVER = "<"
    ASTERISK_CLOSES = ">|"
    SERVER_CLOSES = "<|"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that went one way in one go."""

    direction: Direction
    data: bytes


_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|(.))")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}
_NAMES = {value: "\\" + name for name, value in _PLAIN.items()}


def write(path: Path, about: str, pieces: Iterable[Piece]) -> None:
    """Writes a transcript; ``about`` becomes its first line."""
    out = [f"# {about}\n"]
    for piece in pieces:
        lines = piece.data.split(b"\n")
        texts = [_escape(line + b"\n") for line in lines[:-1]] + ([_escape(lines[-1])] if lines[-1] else [])
        out += [f"{piece.direction} {text}\n" for text in texts or [""]]
    path.write_text("".join(out), encoding="utf-8")


def read(path: Path) -> list[Piece]:
    """The pieces of a transcript; lines that went the same way are one piece."""
    pieces: list[Piece] = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        mark, _, text = line.partition(" ")
        if not line or mark == "#":
            continue
        data = _ESCAPED.sub(_unescape, text).encode("utf-8", "surrogateescape")
        if pieces and pieces[-1].direction == mark:
            data = pieces.pop().data + data
        pieces.append(Piece(Direction(mark), data))
    return pieces


def _escape(data: bytes) -> str:
    return "".join(_escape_one(letter) for letter in data.decode("utf-8", "surrogateescape"))


def _escape_one(letter: str) -> str:
    if letter in _NAMES:
        return _NAMES[letter]
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return letter if code >= 0x20 else f"\\x{code:02x}"


def _unescape(match: re.Match[str]) -> str:
    if match[2]:
        return _PLAIN[match[2]]
    code = int(match[1], 16)
    return chr(0xDC00 + code) if code >= 0x80 else chr(code)
