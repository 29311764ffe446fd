"""The columns of the VM list, and which of them somebody chose."""

from dataclasses import dataclass

COOKIE = "castalia_vm_columns"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; `sort` is the list's word to sort by it, empty where it cannot be sorted."""

    key: str
    label: str
    sort: str = ""
    shown: bool = True


COLUMNS = (
    Column(key="state", label="State", sort="state"),
    Column(key="host", label="Host", sort="host"),
    Column(key="cpu", label="CPU", sort="cpu"),
    Column(key="memory", label="Memory", sort="memory"),
    Column(key="address", label="Address"),
    Column(key="template", label="Template", sort="template"),
    Column(key="tags", label="Tags"),
    Column(key="vcpus", label="vCPUs", shown=False),
    Column(key="mode", label="Mode", shown=False),
    Column(key="age", label="Age", sort="created"),
)


def chosen(cookie: str) -> frozenset[str]:
    """The keys of the columns to show; the default when nothing usable was chosen."""
    known = {column.key for column in COLUMNS}
    picked = known & set(cookie.split("."))
    return frozenset(picked or (column.key for column in COLUMNS if column.shown))
