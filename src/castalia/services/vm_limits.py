"""How large a VM may be."""

from castalia.errors import InvalidRequest
from castalia.model.amount import MAX_VOLUME_BYTES, format_bytes

MAX_VCPUS = 255
MAX_MEMORY_MIB = 4 * 1024 * 1024
MIN_MEMORY_MIB = 16
MIN_VOLUME_BYTES = 1024 * 1024


def checked_vcpus(value: int) -> int:
    """Returns the number of vCPUs; raises InvalidRequest if no VM can have so many."""
    return _within("vcpus", value, 1, MAX_VCPUS, "vCPUs")


def checked_memory(value_mib: int) -> int:
    """Returns the memory in MiB; raises InvalidRequest if no VM can have so much."""
    return _within("memory_mib", value_mib, MIN_MEMORY_MIB, MAX_MEMORY_MIB, "MiB of memory")


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
