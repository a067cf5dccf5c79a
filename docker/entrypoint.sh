#!/bin/sh
# What a container does: asterisk [NAME=VALUE...], demo, test or bench with their arguments, else a waybell command.
set -eu

home=/opt/waybell
command=${1:-serve}
[ $# -eq 0 ] || shift

case $command in
    asterisk) exec "$home/docker/asterisk.sh" "$@" ;;
    demo)     cd "$home" && exec .venv/bin/python -m lab.demo "$@" ;;
    test)     cd "$home" && exec .venv/bin/python -m pytest -ra "$@" ;;
    bench)    cd "$home" && exec .venv/bin/python -m bench "$@" ;;
    *)        exec "$home/.venv/bin/waybell" "$command" "$@" ;;
esac
