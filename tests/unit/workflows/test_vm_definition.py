"""From a planned VM to the definition that its host gets."""

import pytest

from castalia.libvirtxml.device_build import nic_xml
from castalia.workflows.vm_definition import nic_plan


@pytest.mark.parametrize("network", ["default", "user"])
def test_the_user_mode_network_stands_in_for_the_one_asked_for(network: str) -> None:
    plan = nic_plan(mac="52:54:00:00:00:01", kind="user", network=network, model="virtio")

    assert "<source" not in nic_xml(plan)


def test_other_cards_name_their_network() -> None:
    plan = nic_plan(mac="52:54:00:00:00:01", kind="network", network="lan", model="virtio")

    assert plan.source == "lan"
