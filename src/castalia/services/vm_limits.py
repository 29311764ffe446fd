"""How large a VM may be, and what may be said of it."""

from castalia.errors import InvalidRequest
from castalia.model.amount import MAX_VOLUME_BYTES, format_bytes
from castalia.model.names import checked_tag

MAX_VCPUS = 255
MAX_MEMORY_MIB = 4 * 1024 * 1024
MIN_MEMORY_MIB = 16
MIN_VOLUME_BYTES = 1024 * 1024
MAX_DESCRIPTION = 10_000
MAX_TAGS = 64
FIRMWARES = ("bios", "uefi", "uefi-secure")


def checked_vcpus(value: int) -> int:
    """Returns the number of vCPUs; raises InvalidRequest if no VM can have so many."""
    return _within("vcpus", value, 1, MAX_VCPUS, "vCPUs")


def checked_memory(value_mib: int) -> int:
    """Returns the memory in MiB; raises InvalidRequest if no VM can have so much."""
    return _within("memory_mib", value_mib, MIN_MEMORY_MIB, MAX_MEMORY_MIB, "MiB of memory")


def checked_max_memory(value_mib: int, *, memory_mib: int) -> int:
    """Returns the memory in MiB that a running VM may be given, 0 standing for `memory_mib`; raises
    InvalidRequest if it is less than that or more than any VM can have."""
    return _within(
        "max_memory_mib", value_mib or memory_mib, memory_mib, MAX_MEMORY_MIB, "MiB at most"
    )


def checked_firmware(value: str) -> str:
    """Returns `value` if it names a firmware; raises InvalidRequest otherwise."""
    if value not in FIRMWARES:
        remedy = f"Choose one of: {', '.join(FIRMWARES)}."
        raise InvalidRequest(f"There is no firmware {value!r}.", field="firmware", remedy=remedy)
    return value


def checked_description(text: str) -> str:
    """Returns the description; raises InvalidRequest if it is too long."""
    if len(text) > MAX_DESCRIPTION:
        remedy = f"Use at most {MAX_DESCRIPTION} characters."
        raise InvalidRequest("The description is too long.", field="description", remedy=remedy)
    return text


def checked_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the tags, each once; raises InvalidRequest for too many or an impossible one."""
    if len(tags) > MAX_TAGS:
        remedy = f"Use at most {MAX_TAGS} tags."
        raise InvalidRequest("There are too many tags.", field="tags", remedy=remedy)
    return tuple(dict.fromkeys(checked_tag(tag) for tag in tags))


def checked_volume_size(size_bytes: int, *, field: str = "size_bytes") -> int:
    """Returns the size of a volume; raises InvalidRequest if it is no usable one."""
    if MIN_VOLUME_BYTES <= size_bytes <= MAX_VOLUME_BYTES:
        return size_bytes
    remedy = f"Choose 1 MiB to {format_bytes(MAX_VOLUME_BYTES)}."
    raise InvalidRequest(f"{size_bytes} bytes are no usable size.", field=field, remedy=remedy)


def _within(field: str, value: int, low: int, high: int, what: str) -> int:
    if not low <= value <= high:
        remedy = f"Choose {low} to {high}."
        raise InvalidRequest(f"{value} {what} cannot be given.", field=field, remedy=remedy)
    return value
