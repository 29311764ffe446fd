"""A manager in a process of its own, as its users have it: what measures must not share its
interpreter."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from castalia.bootstrap import Manager, build
from castalia.model.access import Principal, Role
from castalia.settings import ServerSettings, Settings

_LONGEST_START_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """How to reach it as `admin`, and its process."""

    address: str
    token: str
    password: str
    process: psutil.Process

    @property
    def headers(self) -> dict[str, str]:
        """What an API client sends."""
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.Client:
        """A client that is logged in."""
        return httpx.Client(base_url=self.address, headers=self.headers, timeout=60)

    def cpu_share(self, seconds: float) -> float:
        """How much of one core it uses during that time."""
        before, begun = self.process.cpu_times(), time.monotonic()
        time.sleep(seconds)
        after = self.process.cpu_times()
        spent = after.user - before.user + after.system - before.system
        return spent / (time.monotonic() - begun)

    def resident_mib(self) -> float:
        """Its memory."""
        return self.process.memory_info().rss / 1024**2


@contextmanager
def served(state: Path, *, port: int, prepare: Callable[[Manager], None]) -> Iterator[Served]:
    """Fills a database with `prepare`, and serves it until the block ends."""
    settings = Settings(state_dir=state, server=ServerSettings(port=port))
    token, password = _prepared(settings, prepare)
    argv = [sys.executable, "-m", "castalia.daemon", "serve"]
    log = (state / "bench.log").open("wb")
    process = subprocess.Popen(
        [*argv, "--state-dir", str(state), "--port", str(port)], stdout=log, stderr=log
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _await_ready(address)
        yield Served(
            address=address,
            token=token,
            password=password,
            process=psutil.Process(process.pid),
        )
    finally:
        process.terminate()
        process.wait()
        log.close()


def _prepared(settings: Settings, prepare: Callable[[Manager], None]) -> tuple[str, str]:
    manager = build(settings)
    try:
        prepare(manager)
        admin = manager.services.users.ensure_first_admin()
        assert admin is not None
        who = Principal(user_id=admin.user.id, user_name=admin.user.name, role=Role.ADMIN)
        _, token = manager.services.tokens.create("bench", Role.ADMIN, principal=who)
        return token, admin.password
    finally:
        manager.stop()


def _await_ready(address: str) -> None:
    end = time.monotonic() + _LONGEST_START_S
    while True:
        try:
            if httpx.get(f"{address}/readyz").is_success:
                return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)
