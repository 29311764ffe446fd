"""A real manager in a process of its own, that is killed while it works and started again."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from castalia.bootstrap import first_admin
from castalia.settings import ServerSettings, Settings

LIMIT_S = 100.0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class ManagerProcess:
    """`castalia serve` on a state directory. It survives every kill but the last."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._port = _free_port()
        settings = Settings(state_dir=state_dir, server=ServerSettings(port=self._port))
        token = first_admin(settings)["token"]
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{self._port}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=LIMIT_S,
            trust_env=False,
        )
        self._log = (state_dir / "output").open("ab")

    def start(self) -> None:
        """Starts the process; returns once it answers."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("CASTALIA_")
        }
        environment |= {
            "CASTALIA_STATE_DIR": str(self.state_dir),
            "CASTALIA_SERVER__PORT": str(self._port),
            "CASTALIA_CONFIG": str(self.state_dir / "no-such.toml"),
            "CASTALIA_ACCELERATOR__OVERRIDE": "emulated",
            "PYTHONPATH": "src",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "castalia.daemon", "serve"],
            env=environment,
            cwd=Path(__file__).parents[2],
            stdout=self._log,
            stderr=self._log,
        )
        self.until(self._answers, "the manager to answer")

    def kill(self) -> None:
        """Kills it with SIGKILL: it cannot write anything more."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Ends it for good."""
        self.kill()
        self._client.close()
        self._log.close()

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.state_dir / "output").read_text()[-3000:]
        try:
            return self._client.get("/hosts").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    # --- its API ---
    def get(self, path: str) -> Any:
        """The answer to a GET."""
        return self._client.get(path).raise_for_status().json()

    def items(self, path: str) -> list[dict[str, Any]]:
        """All items of a list."""
        return list(self.get(f"{path}?limit=500")["items"])

    def begin(self, method: str, path: str, **options: Any) -> str:
        """Starts a job; returns its id."""
        answer = self._client.request(method, path, **options)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["id"])

    def end(self, job_id: str) -> dict[str, Any]:
        """The job, once it has ended."""
        self.until(lambda: self.get(f"/jobs/{job_id}")["finished_at"] is not None, "the job's end")
        return dict(self.get(f"/jobs/{job_id}"))

    def succeeded(self, job_id: str) -> None:
        """Waits for the job's good end."""
        job = self.end(job_id)
        assert job["state"] == "succeeded", (job["error"], self._failures())

    def done(self, method: str, path: str, **options: Any) -> None:
        """Does a job to its good end."""
        self.succeeded(self.begin(method, path, **options))

    def _failures(self) -> list[str]:
        log = (self.state_dir / "log" / "castalia.log").read_text()
        return [line for line in log.splitlines() if "job.failed" in line]

    def cancel(self, job_id: str) -> None:
        """Asks a job to stop."""
        self._client.post(f"/jobs/{job_id}/cancel").raise_for_status()

    # --- its journal ---
    def kill_in(self, job_id: str, step: str) -> None:
        """Kills it as soon as the step stands in the journal: somewhere in its work, or just
        after."""
        self.until(lambda: self.has_step(job_id, step), step)
        self.kill()

    def has_step(self, job_id: str, step: str) -> bool:
        """Whether the step was begun."""
        return step in self._steps(job_id)

    def kill_after_undo(self, job_id: str, step: str) -> None:
        """Kills it as soon as the step is undone: somewhere in the undo of the step before."""
        self.until(lambda: self._steps(job_id)[step] == "undone", step)
        self.kill()

    def _steps(self, job_id: str) -> dict[str, str]:
        query = "SELECT name, state FROM job_steps WHERE job_id = ?"
        database = sqlite3.connect(f"file:{self.state_dir}/castalia.db?mode=ro", uri=True)
        try:
            return dict(database.execute(query, (job_id,)).fetchall())
        finally:
            database.close()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for something that another process brings about."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited for {what}"
            time.sleep(0.005)
