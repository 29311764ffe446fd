"""What is asked of the engine: a job, and the resources that it holds while it runs."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Something that at most `limit` jobs hold at the same time (`vm:42`, `host:h1`).

    Where jobs name different limits for the same resource, the smallest among the holders and the
    newcomer counts. `label` is how users call it (`VM web1`).
    """

    name: str
    limit: int = 1
    label: str = ""

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"resource {self.name}: nobody could ever hold it")


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """A job to be done.

    `args` is JSON and all that the handler gets. `target` says what it works on (`vm:ID`). A
    smaller `priority` goes first. `delay_s` keeps it from starting for so many seconds. While a
    job with the same non-empty `dedup` is unfinished, no second one is made. `parent_id` is the
    job that it belongs to.
    """

    kind: str
    title: str
    args: dict[str, Any] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    target: str = ""
    target_name: str = ""
    host_id: str = ""
    parent_id: str = ""
    priority: int = 50
    delay_s: float = 0.0
    dedup: str = ""
    created_by: str = ""


def to_json(request: JobRequest) -> str:
    """The request as text, for schedules."""
    return json.dumps(asdict(request))


def from_json(text: str) -> JobRequest:
    """The inverse of `to_json`."""
    values = json.loads(text)
    resources = tuple(Resource(**resource) for resource in values.pop("resources"))
    return JobRequest(resources=resources, **values)
