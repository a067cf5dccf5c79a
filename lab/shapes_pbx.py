"""A PBX with everything that gives a call another shape: transfers, pick-up, parking, queues, conferences."""

from __future__ import annotations

from lab.asterisk import Asterisk

_MODULES = """
load = app_bridgewait.so
load = app_confbridge.so
load = app_directed_pickup.so
load = app_queue.so
load = cdr_custom.so
load = res_musiconhold.so
load = res_parking.so
"""

_DIALPLAN = """
[waybell-incoming]
exten => 74950000600,1,Queue(support,r,,,10)
 same => n,Hangup()
exten => 74950000601,1,Queue(behind-local,r,,,10)
 same => n,Hangup()
exten => 74950000610,1,Dial(Local/500@lab-office,10)
 same => n,Hangup()
exten => 74950000611,1,Dial(Local/500@lab-office/n,10)
 same => n,Hangup()
exten => 74950000612,1,Dial(PJSIP/500,10,tT)
 same => n,Hangup()
exten => 74950000613,1,Dial(PJSIP/500,10)
 same => n,Hangup()
exten => 74950000620,1,ConfBridge(room)
 same => n,Hangup()

[waybell-outgoing]
exten => _[1-5]XX,1,Dial(PJSIP/${EXTEN},10)
 same => n,Hangup()
exten => _7XXXXXXXXXX,1,Dial(PJSIP/${EXTEN}@trunk,10)
 same => n,Hangup()
exten => 620,1,ConfBridge(room)
 same => n,Hangup()
exten => 700,1,Park()
exten => _70[1-9],1,ParkedCall(default,${EXTEN})

[lab-office]
exten => _[1-5]XX,1,Dial(PJSIP/${EXTEN},10)
"""

_QUEUES = """
[general]
persistentmembers = no

[support]
strategy = ringall
timeout = 10
retry = 1
ringinuse = yes
member => PJSIP/199
member => PJSIP/200
member => PJSIP/201

[behind-local]
strategy = ringall
timeout = 10
retry = 1
member => Local/199@lab-office,0,Manager
member => Local/200@lab-office,0,Clerk
"""

_PARKING = """
[default]
parkext => 700
parkpos => 701-720
context => parkedcalls
parkingtime => 2
comebacktoorigin = yes
comebackdialtime = 5
"""

_FEATURES = """
[general]
transferdigittimeout = 3
pickupexten = *8
atxferthreeway = *3

[featuremap]
blindxfer => #1
atxfer => *2
"""

_GROUPS = "".join(f"[{number}](+)\ncall_group = 1\npickup_group = 1\n\n" for number in (199, 200, 201, 500))

_CONFERENCES = """
[general]

[default_user]
type = user
quiet = yes
startmuted = no

[default_bridge]
type = bridge
"""

# Asterisk's classic call records have whole seconds only.
_CALL_RECORDS = """
[waybell-shapes.csv]
format = dsv
separator_character = ,
quote_character = "
quote_escape_character = "
quoting_method = all
fields = linkedid,uniqueid,channel,dstchannel,start(double),answer(double),end(double),disposition
"""

_MUSIC = """
[default]
mode = files
directory = moh
"""


def shapes_pbx(**options: object) -> Asterisk:
    """An :class:`~lab.asterisk.Asterisk` whose extensions 100 to 599 ring each other."""
    return Asterisk(
        extra_files={
            "modules_custom.conf": _MODULES,
            "waybell_custom.conf": _DIALPLAN,
            "queues.conf": _QUEUES,
            "res_parking.conf": _PARKING,
            "features.conf": _FEATURES,
            "pjsip_custom.conf": _GROUPS,
            "confbridge.conf": _CONFERENCES,
            "musiconhold.conf": _MUSIC,
            "cdr_custom.conf": _CALL_RECORDS,
        },
        **options,  # type: ignore[arg-type]
    )
