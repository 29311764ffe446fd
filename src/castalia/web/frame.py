"""What surrounds every page: the sections of the left bar."""

from dataclasses import dataclass

from castalia.model.access import Role


@dataclass(frozen=True, kw_only=True)
class Section:
    """An entry of the left bar. `count` names the number beside it."""

    href: str
    label: str
    icon: str
    count: str = ""
    role: Role = Role.VIEWER
    gap: bool = False

    def current(self, path: str) -> bool:
        """Whether `path` is a page of this section."""
        if self.href == "/":
            return path == "/"
        return path == self.href or path.startswith(self.href + "/")


SECTIONS = (
    Section(href="/", label="Overview", icon="layout-dashboard"),
    Section(href="/vms", label="VMs", icon="device-desktop", count="vms", gap=True),
    Section(href="/hosts", label="Hosts", icon="server-2", count="hosts"),
    Section(href="/templates", label="Templates", icon="template", count="templates"),
    Section(href="/storage", label="Storage", icon="database", count="repositories"),
    Section(href="/networks", label="Networks", icon="network", count="networks"),
    Section(href="/jobs", label="Jobs", icon="list-check", count="active_jobs", gap=True),
    Section(href="/events", label="Events", icon="bell"),
    Section(href="/audit", label="Audit", icon="shield-check", role=Role.ADMIN),
    Section(href="/settings", label="Settings", icon="settings", gap=True),
)


def navigation(role: Role) -> list[Section]:
    """The sections that somebody in `role` may open."""
    return [section for section in SECTIONS if role.allows(section.role)]
