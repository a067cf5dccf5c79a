"""Run as a program: pyst2 logs in at the port given, and tells in one line of JSON what it was answered.

A program of its own, because pyst2 works with threads that wait for each other.
"""

from __future__ import annotations

import json
import os
import sys

from asterisk.manager import Manager, ManagerAuthException


def main(port: str, secret: str, channel: str, exten: str) -> None:
    """Logs in and places one call twice, and one that is not allowed."""
    manager = Manager()
    told = [str(manager.connect("127.0.0.1", int(port)))]
    try:
        told.append(manager.login("measoft", secret).headers["Message"])
        contexts = ("outgoing", "outgoing", "elsewhere")
        answers = [manager.originate(channel, exten, context, "1", caller_id="0") for context in contexts]
        told.extend(answer.headers["Message"] for answer in answers)
        told.append(manager.ping().headers["Ping"])
        told.append(manager.command("core show channels").headers["Message"])
        manager.close()
    except ManagerAuthException as error:
        told.append(str(error))
    print(json.dumps([manager.title, manager.version, *told]), flush=True)
    # Where the server has closed first, its threads wait for each other for ever.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
