"""A private PostgreSQL server, and databases on it and on SQLite.

The server belongs to the test run: a cluster of its own in a temporary directory, reached through a
socket there and by nothing else, gone at the end.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from castalia.db.database import Database
from castalia.db.tables import metadata as main_tables
from castalia.jobs.tables import metadata as job_tables

_names = itertools.count(1)


class PostgresqlServer:
    """A running server; `url()` makes a new, empty database. A `durable` one writes its journal to
    the disk at each commit, which tests need not wait for."""

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        self.directory = directory
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Makes the cluster and waits until it answers."""
        data = self.directory / "data"
        as_owner = _as_postgres(self.directory)
        make = [_program("initdb"), "-D", data, "-U", "castalia", "-A", "trust", "-N", "-E", "UTF8"]
        subprocess.run([*as_owner, *make, "--no-locale"], check=True, stdout=subprocess.DEVNULL)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "on" if self._durable else "off",
            "shared_buffers": "32MB",
            "max_connections": "150",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        # the server must not outlive a killed test run
        mortal = [*as_owner, "setpriv", "--pdeathsig", "INT", "--"]
        command = [*mortal, _program("postgres"), "-D", data, *arguments]
        with (self.directory / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._admin().close()
            except psycopg.OperationalError:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        address = f"host={self.directory} user=castalia dbname=postgres"
        return psycopg.connect(address, autocommit=True)

    def url(self) -> str:
        """The SQLAlchemy address of a new, empty database."""
        name = f"test{next(_names)}"
        with self._admin() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://castalia@/{name}?host={self.directory}"

    def drop(self, url: str) -> None:
        """Removes a database, whoever still uses it."""
        name = url.split("@/")[1].split("?")[0]
        with self._admin() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Ends the server and removes its files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
        shutil.rmtree(self.directory)


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt install postgresql)")
    return path


def _as_postgres(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root, so root's servers run as its own user."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(directory, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A private server for the whole run, started by the first test that wants it."""
    # the address of a socket has room for about 100 characters, so no path of pytest's
    server = PostgresqlServer(Path(tempfile.mkdtemp(prefix="castalia-pg-")))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    url = postgresql_server.url()
    yield url
    postgresql_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty SQLite database."""
    return f"sqlite:///{tmp_path / 'castalia.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database; the test runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def _postgresql_tables(postgresql_server: PostgresqlServer) -> Iterator[Database]:
    # making a database takes most of a second, emptying one takes a hundredth
    with_tables = opened(postgresql_server.url())
    yield with_tables
    with_tables.close()


@pytest.fixture
def postgresql_database(_postgresql_tables: Database) -> Iterator[Database]:
    """A PostgreSQL database with all tables."""
    with_tables = Database(address(_postgresql_tables))
    yield with_tables
    with_tables.close()
    with _postgresql_tables.write() as connection:
        for metadata in (main_tables, job_tables):
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database with all tables; the test runs on SQLite and on PostgreSQL."""
    with_tables: Database = request.getfixturevalue(f"{request.param}_database")
    return with_tables


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A SQLite database with all tables."""
    with_tables = opened(sqlite_url)
    yield with_tables
    with_tables.close()


def address(database: Database) -> str:
    """Where another process finds this database."""
    return database.engine.url.render_as_string(hide_password=False)


def opened(url: str) -> Database:
    """The database at this address, its tables made."""
    database = Database(url)
    main_tables.create_all(database.engine)
    job_tables.create_all(database.engine)
    return database
