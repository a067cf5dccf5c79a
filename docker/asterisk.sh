#!/bin/sh
# Asterisk in a container: our configuration, with NAME=VALUE changes to lab/pbx_config.py's values, and our prompts.
# An admin's own additions are mounted as /etc/asterisk/{waybell,pjsip,globals,modules}_custom.conf.
set -eu

cd /opt/waybell
.venv/bin/python -m lab.pbx_config /etc/asterisk "$@"
.venv/bin/python - <<'PYTHON'
from pathlib import Path

from waybell.prompts import make_prompts

make_prompts(Path("/usr/share/asterisk/sounds"), ["ru", "en"])
PYTHON
install -d -o asterisk -g asterisk -m 0750 /var/log/asterisk/cel-custom /var/log/asterisk/cdr-csv
install -d -o asterisk -g asterisk /run/asterisk
exec setpriv --reuid asterisk --regid asterisk --init-groups /usr/sbin/asterisk -f -C /etc/asterisk/asterisk.conf
