"""The composition root: the only place where parts are wired together."""

import gc
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI

from castalia import console, web
from castalia.api.app import create_app
from castalia.api.logs import configure_logging
from castalia.api.server import check_bind, make_server
from castalia.db import migrate
from castalia.db.database import Database
from castalia.errors import Conflict
from castalia.hypervisor.factory import open_connection, open_driver
from castalia.jobs.engine import JobEngine
from castalia.model.access import SYSTEM, Principal, Role
from castalia.model.event import Change
from castalia.model.job import Job
from castalia.services.access import AccessService
from castalia.services.audit import AuditService
from castalia.services.authentication import Authentication
from castalia.services.consoles import ConsoleService
from castalia.services.events import EventBus
from castalia.services.host_link import Drivers, OpenHost
from castalia.services.hosts import HostService
from castalia.services.housekeeping import Housekeeping
from castalia.services.idempotency import IdempotencyService
from castalia.services.inventory import Inventory
from castalia.services.jobs import JobService
from castalia.services.metrics import MetricService
from castalia.services.networks import NetworkService
from castalia.services.overview import OverviewService
from castalia.services.passwords import Passwords
from castalia.services.sampling import Sampler
from castalia.services.scheduler import Scheduler
from castalia.services.search import SearchService
from castalia.services.services import Services
from castalia.services.sessions import SessionService
from castalia.services.ssh_keys import SshKeyService
from castalia.services.storage import StorageService
from castalia.services.submission import Submission
from castalia.services.templates import TemplateService, library_path
from castalia.services.throttle import Throttle
from castalia.services.tickets import TicketService
from castalia.services.tokens import TokenService
from castalia.services.uploads import UploadService
from castalia.services.vm_clone import VmCloneService
from castalia.services.vm_create import VmCreateService
from castalia.services.vm_delete import VmDeleteService
from castalia.services.vm_devices import VmDeviceService
from castalia.services.vm_edit import VmEditService
from castalia.services.vm_power import VmPowerService
from castalia.services.vm_read import VmService
from castalia.services.volume_import import VolumeImportService
from castalia.settings import Settings
from castalia.storage.driver_libvirt import LibvirtStorage
from castalia.workflows.catalog import WORKFLOWS
from castalia.workflows.parts import Locks, Parts

_log = structlog.get_logger()
_JOB_RETRIES = 3
_GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Manager:
    """A whole manager, not yet running."""

    settings: Settings
    database: Database
    engine: JobEngine
    scheduler: Scheduler
    inventory: Inventory
    sampler: Sampler
    housekeeping: Housekeeping
    services: Services

    def start(self) -> None:
        """Connects to the hosts and begins to work; raises Conflict if another manager has the
        state directory."""
        self.scheduler.start()
        self.inventory.start()
        self.engine.start()
        self.sampler.start()
        self.housekeeping.start()

    def stop(self) -> None:
        """Ends all work in order; jobs that run go on after the next start."""
        self.engine.stop()
        self.scheduler.stop()
        self.inventory.stop()
        self.services.metrics.close()
        self.database.close()


def open_libvirt(settings: Settings, uri: str) -> Drivers:
    """Both drivers of a host, over one libvirt connection that is not opened yet."""
    connection = open_connection(uri, settings=settings)
    return Drivers(
        hypervisor=open_driver(connection, settings=settings),
        storage=LibvirtStorage(connection),
    )


def build(settings: Settings, *, open_host: OpenHost | None = None) -> Manager:
    """Wires a manager on `settings`; tests pass their own `open_host`.

    Raises Unsupported for a database that a newer version has used.
    """
    settings.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    migrate.upgrade(database)
    events = EventBus(database)
    engine = JobEngine(
        database,
        settings.jobs,
        lock_dir=settings.state_dir,
        on_change=lambda job: events.publish([_job_change(job)]),
    )
    scheduler = Scheduler()
    metrics = MetricService(database, settings=settings.metrics)
    inventory = Inventory(
        database=database,
        open_host=open_host or partial(open_libvirt, settings),
        scheduler=scheduler,
        publish=events.publish,
        record=events.record,
        settings=settings,
        lost=metrics.forget_host,
    )
    locks = Locks()
    services = _services(
        settings,
        database=database,
        engine=engine,
        inventory=inventory,
        events=events,
        locks=locks,
        metrics=metrics,
    )
    _register_workflows(
        engine,
        Parts(
            database=database,
            links=inventory,
            settings=settings,
            publish=events.publish,
            record=events.record,
            library=library_path(settings.state_dir),
            uploads=services.uploads.content,
            locks=locks,
        ),
    )
    return Manager(
        settings=settings,
        database=database,
        engine=engine,
        scheduler=scheduler,
        inventory=inventory,
        sampler=Sampler(
            inventory=inventory,
            metrics=services.metrics,
            database=database,
            scheduler=scheduler,
            publish=events.publish,
            interval_s=settings.metrics.interval_s,
        ),
        housekeeping=Housekeeping(
            scheduler=scheduler, audit=services.audit, uploads=services.uploads
        ),
        services=services,
    )


def _register_workflows(engine: JobEngine, parts: Parts) -> None:
    for kind, workflow in WORKFLOWS.items():
        engine.register(kind, partial(_run, workflow, parts), retries=_JOB_RETRIES)


def _run(workflow: Callable[..., Any], parts: Parts, context: Any) -> Any:
    return workflow(context, parts)


def _job_change(job: Job) -> Change:
    data = {
        "title": job.title,
        "state": job.state.value,
        "percent": job.percent,
        "message": job.message,
        "target": job.target,
        "target_name": job.target_name,
        "error": job.error,
        "user": job.created_by,
    }
    return Change(noun="job", id=job.id, verb="updated", data=data)


def _services(
    settings: Settings,
    *,
    database: Database,
    engine: JobEngine,
    inventory: Inventory,
    events: EventBus,
    locks: Locks,
    metrics: MetricService,
) -> Services:
    audit = AuditService(database)
    submission = Submission(database=database, engine=engine, audit=audit)
    passwords = Passwords()
    throttle = Throttle(database, settings.access)
    sessions = SessionService(
        database,
        settings=settings.access,
        audit=audit,
        passwords=passwords,
        throttle=throttle,
    )
    tokens = TokenService(database, audit=audit)
    storage = StorageService(
        database=database,
        inventory=inventory,
        submission=submission,
        state_dir=settings.state_dir,
    )
    uploads = UploadService(
        directory=settings.state_dir / "uploads",
        limit_bytes=settings.server.upload_limit_gib * _GIB,
        locks=locks,
    )
    on_vms: dict[str, Any] = {
        "database": database,
        "submission": submission,
        "host_limit": settings.jobs.host_limit,
    }
    return Services(
        vms=VmService(database=database, inventory=inventory, storage=storage, audit=audit),
        vm_create=VmCreateService(**on_vms),
        vm_power=VmPowerService(**on_vms),
        vm_edit=VmEditService(**on_vms),
        vm_devices=VmDeviceService(**on_vms),
        vm_clone=VmCloneService(**on_vms),
        vm_delete=VmDeleteService(**on_vms),
        hosts=HostService(
            database=database, inventory=inventory, submission=submission, audit=audit
        ),
        templates=TemplateService(
            database=database, submission=submission, audit=audit, uploads=uploads
        ),
        storage=storage,
        volume_import=VolumeImportService(
            database=database, submission=submission, uploads=uploads
        ),
        networks=NetworkService(database=database, inventory=inventory, submission=submission),
        uploads=uploads,
        jobs=JobService(engine=engine, audit=audit),
        events=events,
        metrics=metrics,
        consoles=ConsoleService(
            database=database,
            inventory=inventory,
            tickets=TicketService(database, settings=settings.access),
            audit=audit,
        ),
        overview=OverviewService(database=database, engine=engine),
        search=SearchService(database=database),
        users=AccessService(database, audit=audit, passwords=passwords, throttle=throttle),
        sessions=sessions,
        tokens=tokens,
        ssh_keys=SshKeyService(database, audit=audit),
        authentication=Authentication(sessions=sessions, tokens=tokens),
        idempotency=IdempotencyService(database),
        audit=audit,
    )


def make_app(manager: Manager) -> FastAPI:
    """The HTTP app over a manager: API, pages, consoles."""
    return create_app(
        manager.services,
        settings=manager.settings,
        routers=[console.router, web.router],
        error_page=web.error_page,
    )


# Looking through all that a manager of 10,000 VMs holds takes 0.2 s, in which nobody is answered;
# with Python's own thresholds (700, 10, 10) that was four times a minute.
_GARBAGE_THRESHOLDS = (20_000, 20, 20)


def run(settings: Settings, *, on_ready: Callable[[], object]) -> None:
    """Runs a manager until it is told to stop; `on_ready` is called once it holds its state
    directory."""
    check_bind(settings.server)
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    configure_logging(settings.state_dir / "log")
    manager = build(settings)
    server = make_server(make_app(manager), settings)
    manager.start()
    try:
        on_ready()
        _log.info("serving", bind=settings.server.bind, port=settings.server.port)
        server.run()
    finally:
        manager.stop()


def first_admin(settings: Settings) -> dict[str, Any]:
    """Makes the first administrator if there is none, and an API token for the command line.

    Returns the user's name, the password (empty if the user was there already), and the token.
    """
    access, tokens = _access(settings)
    made = access.ensure_first_admin()
    user_name = made.user.name if made else _an_admin(access)
    user = access.get(user_name, principal=SYSTEM)
    principal = Principal(
        user_id=user.id, user_name=user.name, role=Role.ADMIN, source="local", channel="cli"
    )
    name = f"command line {secrets.token_hex(3)}"
    _, token = tokens.create(name, Role.ADMIN, principal=principal)
    return {"user": user_name, "password": made.password if made else "", "token": token}


def reset_admin_password(settings: Settings) -> dict[str, Any]:
    """Gives an administrator a new random password, and returns it."""
    from castalia.services.passwords import random_password

    access, _ = _access(settings)
    user_name, password = _an_admin(access), random_password()
    access.set_password(user_name, password, principal=SYSTEM)
    return {"user": user_name, "password": password}


def _access(settings: Settings) -> tuple[AccessService, TokenService]:
    settings.state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    database = Database(settings.database_url)
    migrate.upgrade(database)
    audit = AuditService(database)
    throttle = Throttle(database, settings.access)
    access = AccessService(database, audit=audit, passwords=Passwords(), throttle=throttle)
    return access, TokenService(database, audit=audit)


def _an_admin(access: AccessService) -> str:
    from castalia.model.page import PageRequest

    for user in access.list(PageRequest(limit=500), principal=SYSTEM).items:
        if user.role is Role.ADMIN and not user.disabled:
            return user.name
    raise Conflict("There is no administrator.", remedy="Restore the database from a backup.")
