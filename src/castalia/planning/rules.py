"""A pool's rules, as far as planning asks about them."""

from dataclasses import dataclass

MEMORY_RESERVE_MIB = 256
"""Left to the host itself."""


@dataclass(frozen=True, kw_only=True)
class PoolRules:
    """What a pool allows and when it is worth doing something.

    `memory_reserve_mib` stays free on every host. `cpu_overcommit` is how many vCPUs one CPU may
    carry; balancing and consolidation never go beyond it, placement only dislikes it.

    `threshold_share` (0..1): hosts whose use differs by less are left alone. A move must gain what
    closing such a difference gains, and more if it is slow: twice that when it takes `worth_s`
    seconds. `link_mib_s` is what a migration may use of the network, in MiB/s. A VM that was moved
    within the last `cool_down_s` seconds stays where it is.

    The three weights say how much a difference in memory, in measured CPU demand, and in promised
    vCPUs counts. `busy_share` is how much of a host's CPUs consolidation may fill.
    """

    memory_reserve_mib: int = MEMORY_RESERVE_MIB
    cpu_overcommit: float = 8.0
    threshold_share: float = 0.1
    worth_s: float = 300.0
    link_mib_s: float = 1000.0
    cool_down_s: float = 900.0
    memory_weight: float = 1.0
    cpu_weight: float = 1.0
    vcpu_weight: float = 0.25
    busy_share: float = 0.7

    @property
    def needed_gain(self) -> float:
        """What a move that costs nothing must gain.

        Moving half of the difference d between two equal hosts lowers the sum of squared deviations
        by d²/2, and nothing lowers it further; so hosts closer than the threshold stay as they are.
        """
        return self.threshold_share**2 / 2
