"""All services, as the interfaces get them."""

from dataclasses import dataclass

from castalia.services.access import AccessService
from castalia.services.audit import AuditService
from castalia.services.authentication import Authentication
from castalia.services.consoles import ConsoleService
from castalia.services.events import EventBus
from castalia.services.hosts import HostService
from castalia.services.idempotency import IdempotencyService
from castalia.services.jobs import JobService
from castalia.services.metrics import MetricService
from castalia.services.networks import NetworkService
from castalia.services.overview import OverviewService
from castalia.services.search import SearchService
from castalia.services.sessions import SessionService
from castalia.services.ssh_keys import SshKeyService
from castalia.services.storage import StorageService
from castalia.services.templates import TemplateService
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


@dataclass(frozen=True, kw_only=True)
class Services:
    """One attribute per noun, and one per kind of change of a VM."""

    vms: VmService
    vm_create: VmCreateService
    vm_power: VmPowerService
    vm_edit: VmEditService
    vm_devices: VmDeviceService
    vm_clone: VmCloneService
    vm_delete: VmDeleteService
    hosts: HostService
    templates: TemplateService
    storage: StorageService
    volume_import: VolumeImportService
    networks: NetworkService
    uploads: UploadService
    jobs: JobService
    events: EventBus
    metrics: MetricService
    consoles: ConsoleService
    overview: OverviewService
    search: SearchService
    users: AccessService
    sessions: SessionService
    tokens: TokenService
    ssh_keys: SshKeyService
    authentication: Authentication
    idempotency: IdempotencyService
    audit: AuditService
