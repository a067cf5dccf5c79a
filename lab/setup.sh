# shellcheck shell=sh
# What ./run installs, and how. Sourced from the checkout's root; everything it says goes to stderr.

readonly AT_LEAST='(3, 11)'
readonly keyring=/usr/share/keyrings/debian-archive-keyring
# An ordinary user's PATH leaves out where servers and chroot are.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'run: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '     %s\n' "$*" >&2
    exit 1
}

# set_up demo|test|bench|lint: everything that `./run` of that needs.
set_up() {
    # A lock on the folder itself needs no file. The kernel drops it when we, and what we still run, are gone.
    exec 9<.
    one_at_a_time 9 "another ./run is installing here; waiting for it"
    [ "$1" = lint ] || need_commands "$1"
    case $1 in
        demo) need_packages run ;;
        *) need_packages dev ;;
    esac
    [ "$1" = lint ] || need_asterisk
    exec 9<&-
}

one_at_a_time() {
    command -v flock >/dev/null || return 0
    flock -n "$1" || { say "$2"; flock "$1"; }
}

# ---- system packages -------------------------------------------------------------------------------------

# Nothing here brings a service that would start on the machine: so never mariadb-server, whose own server would
# run and come back at every boot. The tests' servers run from the core package.
wanted() {
    own_asterisk || echo mmdebstrap:mmdebstrap
    echo sox:sox espeak-ng:espeak-ng
    [ "$1" = demo ] || echo mariadbd:mariadb-server-core mariadb:mariadb-client-core sipp:sip-tester
    [ "$1" = demo ] || echo ssh-keygen:openssh-client
    # The browser tests' chromium belongs on the line above.
}

missing_packages() {
    for pair in $(wanted "$1"); do
        have "${pair%%:*}" || echo "${pair#*:}"
    done
    # A parcel's attempts are printed with it.
    [ "$1" = demo ] || [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || echo fonts-dejavu-core
    own_asterisk || [ -e "$keyring.gpg" ] || [ -e "$keyring.pgp" ] || echo debian-archive-keyring
}

have() { command -v "$1" >/dev/null; }

need_commands() {
    # shellcheck disable=SC2046
    set -- $(missing_packages "$1")
    [ $# -eq 0 ] || apt_install "$@"
}

apt_install() {
    have apt-get || die "these are missing and there is no apt-get here: $*" \
        "Install them with the machine's own package manager, or use Debian 12, Ubuntu 24.04 or Docker."
    [ "$(id -u)" = 0 ] || die "these Debian packages are missing: $*" \
        "Ask an administrator for:  apt-get install --no-install-recommends $*"
    exec 8</var/lib/dpkg
    one_at_a_time 8 "another ./run is installing Debian packages; waiting for it"
    if ! apt_knows "$@" || ! step "Installing Debian packages: $*" apt_get install "$@"; then
        step "Updating the list of Debian packages" apt_get update || apt_failed "$*"
        step "Installing Debian packages: $*" apt_get install "$@" || apt_failed "$*"
    fi
    exec 8<&-
}

apt_failed() {
    die "Debian packages could not be installed: $1" "Mend what apt-get says above, then repeat the command: it goes on from here."
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

apt_knows() { apt-cache show "$@" >/dev/null 2>&1; }

# ---- Python ----------------------------------------------------------------------------------------------

need_python() {
    find_python || { apt_install python3 python3-venv && find_python; } || die "no Python 3.11 or newer was found" \
        "Install one and repeat, or name it:  WAYBELL_PYTHON=/path/to/python3 ./run ..."
    # Debian packs ensurepip apart from Python.
    "$python" -c 'import venv, ensurepip' 2>/dev/null || apt_install "$(basename "$python")-venv"
}

find_python() {
    for python in ${WAYBELL_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        ! "$python" -c "import sys; sys.exit(sys.version_info < $AT_LEAST)" 2>/dev/null || return 0
    done
    return 1
}

# need_packages run|dev: .venv as requirements/NAME.lock says. Its stamps say from what it was made.
need_packages() {
    if [ "$(lock_key "$1")" != "$(stamp "$1")" ]; then
        rm -f .venv/.waybell-*
        python_works || make_venv
        step "Installing Python packages from requirements/$1.lock (about half a minute)" \
            pip_install --require-hashes --only-binary :all: -r "requirements/$1.lock" || pip_failed
        # All that the demo needs is in dev.lock too, in the same versions.
        for name in run "$1"; do lock_key "$name" >".venv/.waybell-$name"; done
    fi
    if [ "$(project_key)" != "$(stamp project)" ]; then
        step "Installing Waybell into .venv" pip_install --no-deps --no-build-isolation --editable . || pip_failed
        project_key >.venv/.waybell-project
    fi
}

stamp() { cat ".venv/.waybell-$1" 2>/dev/null || true; }

# A changed lock, a moved checkout and another Python each make another key.
lock_key() { { pwd -P; .venv/bin/python -V; sha256sum "requirements/$1.lock"; } 2>&1 | sha256sum; }

project_key() { sha256sum pyproject.toml; }

make_venv() {
    need_python
    step "Making .venv with $("$python" -V)" "$python" -m venv --clear .venv || die ".venv could not be made"
}

pip_install() { .venv/bin/python -m pip install --disable-pip-version-check --no-input "$@"; }

pip_failed() {
    die "Python packages could not be installed" "Mend what pip says above (network, proxy, disk), then repeat the command."
}

# The scripts in .venv/bin name its folder, so a moved checkout needs a new one.
python_works() {
    .venv/bin/python -c "import pip, sys; sys.exit(sys.version_info < $AT_LEAST)" 2>/dev/null &&
        grep -qF -e "=$PWD/.venv" -e "\"$PWD/.venv\"" -e "'$PWD/.venv'" .venv/bin/activate
}

# ---- Asterisk --------------------------------------------------------------------------------------------

# A program, or a root file system, that the user named.
own_asterisk() { [ -n "${WAYBELL_ASTERISK:-}${WAYBELL_ROOTFS:-}" ]; }

need_asterisk() {
    [ -z "${WAYBELL_ASTERISK:-}" ] || return 0
    .venv/bin/python -S -m lab.rootfs >/dev/null || die "there is no Asterisk to run (see above)"
}

# ---- without root ----------------------------------------------------------------------------------------

# with_root COMMAND [ARGUMENTS]: returns when we are root. Else it never does: the same command is run as root of a user
# namespace, if no package is missing, or in Docker.
with_root() {
    [ "$(id -u)" != 0 ] || return 0
    missing=$(missing_packages "$what"; have newuidmap || echo uidmap)
    if [ -z "$missing" ] && in_namespace true 2>/dev/null; then
        WAYBELL_CACHE=${WAYBELL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/waybell}
        export WAYBELL_CACHE
        in_namespace ./run "$@"
        exit
    fi
    if { docker compose version && docker info; } >/dev/null 2>&1; then
        say "not root: ./run $* goes on in Docker (docker/compose.yml)"
        in_docker "$@"
    fi
    # shellcheck disable=SC2086
    die "this needs root on Debian or Ubuntu, or Docker; there is neither here" \
        "Run it as root, start Docker, or ask an administrator for" ${missing:-"user namespaces (subuid(5))"}
}

in_namespace() { unshare --map-root-user --map-auto --mount --propagation private "$@"; }

in_docker() {
    tty=-T
    [ ! -t 0 ] || [ ! -t 1 ] || tty=
    [ "$1" != setup ] || exec docker compose -f docker/compose.yml build "$what"
    # shellcheck disable=SC2086
    exec docker compose -f docker/compose.yml run --rm --build --service-ports $tty "$@"
}

# ---- progress --------------------------------------------------------------------------------------------

# step TEXT COMMAND...: runs it quietly, says how long it took; a failure shows the end of what it printed.
step() {
    text=$1
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/waybell-run.XXXXXX")
    began=$(date +%s)
    say "$text ..."
    heartbeat "$began" &
    heart=$!
    trap 'kill $heart 2>/dev/null; exit 130' INT TERM HUP
    rc=0
    "$@" >"$log" 2>&1 || rc=$?
    kill "$heart" 2>/dev/null || true
    wait "$heart" 2>/dev/null || true
    trap - INT TERM HUP
    if [ "$rc" -ne 0 ]; then
        tail -n 20 "$log" | sed 's/^/    | /' >&2
        say "$text: failed after $(($(date +%s) - began)) s (exit $rc); all it printed: $log"
        return "$rc"
    fi
    rm -f "$log"
    printf '    done in %s s\n' "$(($(date +%s) - began))" >&2
}

heartbeat() {
    exec 8<&- 9<&-
    while sleep 15 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        printf '    %s s ...\n' "$(($(date +%s) - $1))" >&2
    done
}
