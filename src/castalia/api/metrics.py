"""Measurements for Prometheus: what there is, how busy it is, how long requests take.

Everything is read when it is asked for, from the database and the latest samples; no host is
touched.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from castalia.http.security import authenticated, public
from castalia.model.access import SYSTEM, Role
from castalia.model.job import JobState
from castalia.model.metric import Sample
from castalia.model.page import PageRequest
from castalia.services.services import Services

router = APIRouter(tags=["Health"])
_WHY = "it asks for the role viewer itself, unless settings open it to this machine's programs"
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_PAGE = 1000
_NAMES_KEPT_S = 60.0
_SAMPLED = {
    "cpu_fraction": "CPU time used, of all CPUs, 0..1",
    "memory_used_mib": "Memory in use, in MiB",
    "disk_read_bps": "Bytes read from disks per second",
    "disk_write_bps": "Bytes written to disks per second",
    "disk_iops": "Disk operations per second",
    "net_rx_bps": "Bytes received per second",
    "net_tx_bps": "Bytes sent per second",
}


class Metrics:
    """One app's measurements."""

    def __init__(self, services: Services) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Inventory(services))
        self._latency = Histogram(
            "castalia_http_request_seconds",
            "Time until an answer begins",
            ("handler", "method", "status"),
            registry=self._registry,
        )

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Notes a request."""
        handler = getattr(scope.get("endpoint"), "__name__", "none")
        method = scope["method"] if handler != "none" else "any"
        self._latency.labels(handler, method, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self._registry)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=PlainTextResponse,
    dependencies=[public(_WHY)],
)
async def metrics(request: Request) -> Response:
    """Measurements in Prometheus's text format; needs the role viewer."""
    if not _open_to(request):
        (await authenticated(request)).require(Role.VIEWER)
    text = await run_in_threadpool(request.app.state.metrics.text)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_1_0_0)


def _open_to(request: Request) -> bool:
    host = request.client.host if request.client else ""
    return bool(request.app.state.settings.server.open_metrics) and host in _LOOPBACK


class _Names:
    """What to call the subject of a sample: a host by name, a VM by its host's and its own.

    Reading all names of 10,000 VMs takes a second, and they change rarely: a new one is shown
    within a minute.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, tuple[str, ...]] = {}
        self._read_at = -_NAMES_KEPT_S

    def known(self) -> dict[str, tuple[str, ...]]:
        """The names by subject."""
        if monotonic() - self._read_at >= _NAMES_KEPT_S:
            self._known, self._read_at = dict(self._read()), monotonic()
        return self._known

    def _read(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for host in _all(self._services.hosts.list):
            yield f"host:{host.id}", (host.name,)
        for vm in _all(self._services.vms.list):
            yield f"vm:{vm.id}", (vm.host_name, vm.name)


class _Inventory(Collector):
    """What there is now."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._names = _Names(services)

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families."""
        names = self._names.known()
        overview = self._services.overview.get(principal=SYSTEM)
        yield _by_state("castalia_vms", "VMs by state", overview.vms)
        yield _by_state("castalia_hosts", "Hosts by state", overview.hosts)
        yield _by_state("castalia_jobs", "Unfinished jobs by state", self._jobs())
        samples = [one for one in self._services.metrics.latest() if one.subject in names]
        for field, text in _SAMPLED.items():
            yield from _sampled(field, text, samples, names)

    def _jobs(self) -> dict[str, int]:
        wanted = (JobState.QUEUED, JobState.RUNNING)
        jobs = self._services.jobs
        return {
            state: jobs.list(
                PageRequest(limit=1, filter=f"state:{state}", sort="-created_at"), principal=SYSTEM
            ).total
            for state in wanted
        }


def _all(listing: Any) -> Iterator[Any]:
    cursor = ""
    while True:
        page = listing(PageRequest(limit=_PAGE, cursor=cursor), principal=SYSTEM)
        yield from page.items
        if not (cursor := page.next_cursor):
            return


def _by_state(name: str, text: str, counts: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("state",))
    for state, count in counts.items():
        family.add_metric((str(state),), count)
    return family


def _sampled(
    field: str, text: str, samples: list[Sample], names: dict[str, tuple[str, ...]]
) -> Iterator[Metric]:
    hosts = GaugeMetricFamily(f"castalia_host_{field}", text, labels=("host",))
    vms = GaugeMetricFamily(f"castalia_vm_{field}", text, labels=("host", "vm"))
    for sample in samples:
        family = vms if sample.subject.startswith("vm:") else hosts
        family.add_metric(names[sample.subject], getattr(sample, field))
    yield hosts
    yield vms
