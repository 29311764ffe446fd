"""How long moving a running VM takes."""

MAX_PASSES = 30
"""After so many passes the rest is sent with the VM paused, as QEMU's and Xen's limits do."""


def migration_seconds(memory_mib: int, *, dirty_mib_s: float, link_mib_s: float) -> float:
    """Seconds to copy a VM's memory over a link of `link_mib_s` MiB/s while the guest writes
    `dirty_mib_s` MiB/s.

    Each pass copies what was written during the pass before: a geometric series in the ratio of
    both rates (Clark et al., "Live Migration of Virtual Machines", NSDI 2005). A pass never copies
    more than the whole memory.
    """
    first_s = memory_mib / link_mib_s
    ratio = min(max(dirty_mib_s, 0.0) / link_mib_s, 1.0)
    if ratio == 1.0:
        return first_s * MAX_PASSES
    return first_s * float(1 - ratio**MAX_PASSES) / (1 - ratio)
