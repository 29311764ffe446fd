"""The server's log: lines of JSON, with whatever nobody may see left out."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from castalia.api.logs import configure_logging


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield configure_logging(tmp_path / "log")
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_our_lines_and_those_of_libraries_come_out_alike(log_file: Path) -> None:
    structlog.get_logger("ours").info("served", port=8006)
    logging.getLogger("uvicorn.error").warning("theirs %s", "said")
    ours, theirs = lines(log_file)
    assert (ours["event"], ours["port"], ours["level"]) == ("served", 8006, "info")
    assert (theirs["event"], theirs["level"]) == ("theirs said", "warning")
    assert ours["timestamp"]


def test_a_traceback_is_kept_without_the_values_in_it(log_file: Path) -> None:
    password = "hunter2"
    try:
        raise RuntimeError("broken" if password else "")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    (line,) = lines(log_file)
    assert "broken" in json.dumps(line)
    assert password not in json.dumps(line)


def test_only_its_owner_reads_the_log(log_file: Path) -> None:
    structlog.get_logger().info("x")
    assert log_file.parent.stat().st_mode & 0o077 == 0


def test_requests_of_health_checks_make_no_noise(log_file: Path) -> None:
    logging.getLogger("uvicorn.access").info("GET /healthz 200")
    assert not log_file.exists() or log_file.read_text() == ""
