"""Takes secrets out of what users see of a job: they were needed to run it, not to show it."""

import re
from dataclasses import replace
from typing import Any

from castalia.model.job import Job
from castalia.model.page import Page

HIDDEN = "(hidden)"
_SECRET = re.compile(r"password|secret|token|user_data|network_config|private_key", re.IGNORECASE)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")
_QUERY_IN_URL = re.compile(r"^(https?://[^?#\s]*)[?#].*", re.DOTALL)


def public_job(job: Job) -> Job:
    """The job without the secrets in its arguments."""
    return replace(job, args=redacted(job.args))


def public_jobs(page: Page[Job]) -> Page[Job]:
    """The same for a page of jobs."""
    return replace(page, items=[public_job(job) for job in page.items])


def redacted(value: Any) -> Any:
    """`value` with every secret in it replaced; what is empty stays empty."""
    if isinstance(value, dict):
        return {key: _entry(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(inner) for inner in value]
    return _public_text(value) if isinstance(value, str) else value


def _public_text(text: str) -> str:
    """Addresses of downloads are often signed in their query."""
    return _QUERY_IN_URL.sub(rf"\1?{HIDDEN}", _LOGIN_IN_URL.sub("", text))


def _entry(key: str, value: Any) -> Any:
    return HIDDEN if value and _SECRET.search(key) else redacted(value)
