"""A MariaDB server of the tests' own: own data directory, socket and port; never the machine's.

It keeps nothing, so it never waits for the disk. An empty data directory is made once with ``mariadb-install-db``
and kept as a template under ``$WAYBELL_CACHE``; a start copies it, which takes a second or two.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Self

READER = "waybell_reader"
STORE = "waybell_store"
PASSWORD = "only-for-tests"
_TEMPLATE_VERSION = "1"
_START_SECONDS = 60.0
_TUNING = (
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=2",
    "--skip-innodb-doublewrite",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
)


class MariaDBError(RuntimeError):
    """The server did not start, or refused what it was told; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database on a server, with its URLs for the reading account and for the store's account."""

    name: str
    port: int

    def reader(self, driver: str = "asyncmy") -> str:
        """URL of the account that may only SELECT."""
        return f"mysql+{driver}://{READER}:{PASSWORD}@127.0.0.1:{self.port}/{self.name}"

    def store(self, driver: str = "asyncmy") -> str:
        """URL of the account that owns the database."""
        return f"mysql+{driver}://{STORE}:{PASSWORD}@127.0.0.1:{self.port}/{self.name}"


class MariaDB:
    """``start`` it, make databases on it, ``stop`` it. Also a context manager. Signals go to its own pid only."""

    def __init__(self, *options: str) -> None:
        """``options`` are added to mariadbd's command line and win over the defaults."""
        self.port = 0
        self._options = options
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The server's process id; :class:`MariaDBError` when it does not run."""
        if self._process is None:
            raise MariaDBError("MariaDB is not running; call start() first")
        return self._process.pid

    def start(self) -> None:
        """Start on a free port; returns when it answers. Started again after :meth:`kill`, it keeps port and data."""
        if self._home is None:
            self._home = _new_home()
            shutil.copytree(_template(), self._home / "data", copy_function=shutil.copyfile)
            _give_away(self._home)
        for _ in range(5):
            if self._try_start():
                self._make_accounts()
                return
        raise MariaDBError(f"MariaDB did not start:\n{self._log()}")

    def stop(self) -> None:
        """End the server at once and delete everything it had."""
        self.kill()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._home, self.port = None, 0

    def kill(self) -> None:
        """SIGKILL, as in a crash; data and port are kept for the next :meth:`start`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def sigstop(self) -> None:
        """Freeze the server: connections stay open, nothing answers. Returns when every thread stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        threads = Path(f"/proc/{self.pid}/task")
        while any(stat.rpartition(")")[2].split()[0] != "T" for stat in _stats(threads)):
            time.sleep(0.001)

    def sigcont(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server is frozen inside the block and goes on after it, whatever happens."""
        self.sigstop()
        try:
            yield
        finally:
            self.sigcont()

    def cpu_seconds(self) -> float:
        """CPU time the server has used, by all its threads."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def sql(self, text: str, database: str = "") -> str:
        """Run statements as root over the socket; returns the rows as tab-separated lines without a header."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch"]
        command += ["--skip-column-names", "--default-character-set=utf8mb4", database]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            raise MariaDBError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode()

    def database(self, *files: Path) -> Database:
        """A new database with the statements of ``files`` run in it."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.sql(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4;"
            f"GRANT SELECT ON {name}.* TO {READER}@'%'; GRANT ALL ON {name}.* TO {STORE}@'%';"
        )
        for file in files:
            self.sql(file.read_text(encoding="utf-8"), name)
        return Database(name, self.port)

    @property
    def socket(self) -> Path:
        """The Unix socket, for root without a password."""
        if self._home is None:
            raise MariaDBError("MariaDB is not running; call start() first")
        return self._home / "socket"

    def _try_start(self) -> bool:
        port = self.port or _free_port()
        self._process = subprocess.Popen(
            [*_as_nobody_special(), _mariadbd(), *self._arguments(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if self._wait_until_it_answers():
            self.port = port
            return True
        self.kill()
        return False

    def _arguments(self, port: int) -> list[str]:
        home = self.socket.parent
        own = [f"--datadir={home}/data", f"--socket={home}/socket", f"--pid-file={home}/pid"]
        own += [f"--port={port}", "--bind-address=127.0.0.1", f"--log-error={home}/log"]
        return ["--no-defaults", *own, f"--tmpdir={home}", *_TUNING, *self._options]

    def _wait_until_it_answers(self) -> bool:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process is not None and self._process.poll() is None:
            with socket(AF_UNIX) as door:
                if door.connect_ex(str(self.socket)) == 0 and door.recv(1):
                    return True
            time.sleep(0.02)
        return False

    def _make_accounts(self) -> None:
        self.sql(
            f"CREATE USER IF NOT EXISTS {READER}@'%' IDENTIFIED BY '{PASSWORD}';"
            f"CREATE USER IF NOT EXISTS {STORE}@'%' IDENTIFIED BY '{PASSWORD}';"
        )

    def _log(self) -> str:
        log = self.socket.parent / "log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"


def cache_dir() -> Path:
    """Where what is made once is kept: ``$WAYBELL_CACHE``, else ``/var/cache/waybell``, else the user's cache."""
    if chosen := os.environ.get("WAYBELL_CACHE"):
        return Path(chosen)
    return Path("/var/cache/waybell") if os.geteuid() == 0 else Path.home() / ".cache/waybell"


def _template() -> Path:
    """An empty data directory of this server version, made under a lock so that two runs do not meet."""
    version = subprocess.run([_mariadbd(), "--version"], capture_output=True, text=True, check=True).stdout
    words = version.split()
    place = cache_dir() / f"mariadb-{words[words.index('Ver') + 1]}-{_TEMPLATE_VERSION}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _install(place)
    return place


def _install(place: Path) -> None:
    home = _new_home()
    try:
        command = ["mariadb-install-db", "--no-defaults", f"--datadir={home}/data", f"--tmpdir={home}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db", *_TUNING]
        done = subprocess.run([*_as_nobody_special(), *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise MariaDBError(f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        half = place.parent / f"{place.name}.new"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(home / "data", half)
        half.rename(place)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="waybell-db-"))
    home.chmod(0o755)
    _give_away(home)
    return home


def _give_away(place: Path) -> None:
    if os.geteuid() == 0:
        account = _account()
        for path in (place, *place.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("mysql")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as_nobody_special() -> list[str]:
    """Never as root, and ended by the kernel when the test run is killed."""
    drop: list[str] = []
    if os.geteuid() == 0:
        account = _account()
        drop = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return ["setpriv", *drop, "--pdeathsig=KILL"]


def _stats(threads: Path) -> Iterator[str]:
    for thread in threads.glob("*/stat"):
        with suppress(OSError):  # a thread that has just ended
            yield thread.read_text()


def _mariadbd() -> str:
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise MariaDBError("mariadbd is not installed; install Debian's mariadb-server (./run test does)")
    return found


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
