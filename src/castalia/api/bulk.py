"""One request for many objects: what was begun for some, and why not for the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from castalia.api.redaction import public_job
from castalia.errors import CastaliaError
from castalia.http.problems import status_of
from castalia.model.job import Job


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why nothing was begun for one object; the fields of a problem."""

    ref: str
    status: int
    title: str
    detail: str
    code: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class BulkAnswer:
    """A job for each object that takes part, and a refusal for each other."""

    jobs: tuple[Job, ...]
    errors: tuple[Refusal, ...]


def for_each(refs: Sequence[str], act: Callable[[str], Job]) -> BulkAnswer:
    """Begins a job for each object; the same object twice counts once."""
    jobs: list[Job] = []
    refusals: list[Refusal] = []
    for ref in dict.fromkeys(refs):
        try:
            jobs.append(public_job(act(ref)))
        except CastaliaError as error:
            refusals.append(_refusal(ref, error))
    return BulkAnswer(jobs=tuple(jobs), errors=tuple(refusals))


def _refusal(ref: str, error: CastaliaError) -> Refusal:
    return Refusal(
        ref=ref,
        status=status_of(error),
        title=error.title,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
    )
