"""The built-in templates boot, believe their seeds, and shut down when they are asked to."""

import os
import pwd
import subprocess
import tempfile
import traceback
from pathlib import Path

import pytest
from tests.booted_guest import booted
from tests.images_fixture import built_image

from castalia.images.boot_disk import owner_prefix
from castalia.images.builder_micro import MicroBuilder
from castalia.images.command import ignore_progress, keep_going
from castalia.images.inspect import inspect_image
from castalia.images.passwords import password_hash
from castalia.images.seed import seed_iso
from castalia.model.vm import GuestSeed

pytestmark = pytest.mark.real

USER_DATA = """#cloud-config
write_files:
- {path: /root/written, content: "from user-data"}
runcmd:
- ip route show default > /root/route
- echo ran > /root/ran
"""


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


def ssh(guest, key: Path, user: str, command: str) -> str:
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=60"]
    words = [word for option in options for word in ("-o", option)]
    argv = ["ssh", "-q", *words, "-i", str(key), "-p", str(guest.ssh_port), f"{user}@127.0.0.1"]
    done = subprocess.run([*argv, command], capture_output=True, text=True)
    assert done.returncode == 0, (done.stderr, guest.serial_log()[-2000:])
    return done.stdout


@pytest.fixture(scope="module")
def micro(micro_image, key):
    """A micro guest with a seed of fields."""
    seed = GuestSeed(
        hostname="web1.example.org",
        user="ada",
        password_hash=password_hash("secret"),
        ssh_keys=(public(key),),
    )
    content = seed_iso(seed, instance_id="one", name="web1")
    with booted(micro_image, seed=content) as guest:
        yield guest


def test_micro_is_a_sound_image(micro_image):
    info = inspect_image(micro_image)
    assert info.virtual_bytes == 512 * 1024**2
    assert info.actual_bytes < 64 * 1024**2


def test_micro_has_its_name(micro):
    assert micro.agent("guest-get-host-name")["host-name"] == "web1"
    assert "web1.example.org" in micro.exec("cat /etc/hosts")


def test_micro_lets_its_user_in_by_key(micro, key):
    assert ssh(micro, key, "ada", "id -un; sudo id -un").split() == ["ada", "root"]


def test_micro_keeps_root_locked(micro):
    assert micro.exec("grep ^root: /etc/shadow").startswith("root:*:")


def test_micro_has_an_address_by_dhcp(micro):
    found = micro.until("ip -4 -o address show dev eth0")
    assert "10.0.2.15/24" in found
    names = [card["name"] for card in micro.agent("guest-network-get-interfaces")]
    assert {"lo", "eth0"} <= set(names)


def test_micro_grows_to_its_disk(micro):
    micro.until("cat /var/lib/castalia/boot-finished")
    size_kib = int(micro.until("df -k / | awk '$2 > 600000 { print $2 }'"))
    assert 900_000 < size_kib < 1024**2


def test_micro_has_a_login_on_its_serial_console(micro):
    micro.until("pidof getty")
    assert "web1 login:" in micro.serial_log()


def test_micro_changes_passwords_by_agent(micro):
    before = micro.exec("grep ^ada: /etc/shadow")
    secret = "bmV3"
    micro.agent("guest-set-user-password", username="ada", password=secret, crypted=False)
    after = micro.exec("grep ^ada: /etc/shadow")
    assert after.startswith("ada:$6$")
    assert after != before


def test_micro_freezes_and_thaws(micro):
    assert micro.agent("guest-fsfreeze-freeze") == 1
    assert micro.agent("guest-fsfreeze-thaw") == 1


@pytest.mark.parametrize("on_cd", [False, True])
def test_micro_does_what_user_data_says_and_obeys_the_agent(micro_image, key, on_cd):
    network = "version: 2\nethernets: {a: {addresses: [10.0.2.77/24], gateway4: 10.0.2.2}}\n"
    seed = GuestSeed(network_config=network, user_data=USER_DATA, ssh_keys=(public(key),))
    content = seed_iso(seed, instance_id="two", name="Two_2")
    with booted(micro_image, seed=content, seed_on_cd=on_cd) as guest:
        assert guest.until("cat /root/ran") == "ran\n"
        assert guest.exec("cat /root/written") == "from user-data"
        assert guest.exec("hostname") == "two-2\n"
        assert "10.0.2.77/24" in guest.exec("ip -4 -o address show dev eth0")
        assert "via 10.0.2.2" in guest.exec("cat /root/route")
        guest.shut_down_by_agent()
        assert guest.process.wait(60) == 0


def test_micro_without_a_seed_obeys_the_power_button(micro_image):
    with booted(micro_image, memory_mib=96) as guest:
        assert guest.exec("hostname") == "micro\n"
        guest.until("pidof acpid")
        guest.press_power()
        assert guest.process.wait(60) == 0


def build_as(user: pwd.struct_passwd, target: Path, work: Path) -> int:
    """Builds in a child that gave up root, and returns its exit code. The interpreter itself may
    lie where only root can reach it, so it is forked, not started anew."""
    MicroBuilder().fingerprint()  # imports what reads packaged files
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ["HOME"] = str(work.parent)
        MicroBuilder().build(target, work_dir=work, progress=ignore_progress, check=keep_going)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_micro_can_be_built_without_root():
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        os.chown(directory, user.pw_uid, user.pw_gid)
        target = directory / "micro.qcow2"
        owner_prefix.cache_clear()
        assert build_as(user, target, directory / "work") == 0
        assert target.stat().st_uid == user.pw_uid
        with booted(target) as guest:
            owners = guest.exec("stat -c '%u %a' / /etc/shadow /usr/bin/sudo /tmp")
            assert owners.split("\n")[:4] == ["0 755", "0 600", "0 4755", "0 1777"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_debian_boots_and_believes_its_seed(key):
    seed = GuestSeed(
        hostname="deb1.example.org",
        user="debian",
        ssh_keys=(public(key),),
        user_data=USER_DATA,
    )
    content = seed_iso(seed, instance_id="three", name="deb1")
    image = built_image("debian-12")
    with booted(image, seed=content, memory_mib=512, disk="4G") as guest:
        guest.until("systemctl is-system-running --wait | grep -v starting")
        assert guest.exec("systemctl --failed --plain --no-legend") == ""
        assert guest.until("cat /root/ran") == "ran\n"
        assert guest.exec("cat /root/written") == "from user-data"
        assert guest.exec("hostname -f") == "deb1.example.org\n"
        assert ssh(guest, key, "debian", "id -un; sudo id -un").split() == ["debian", "root"]
        assert int(guest.exec("df -k --output=size / | tail -n 1")) > 3_000_000
        assert guest.exec("ls /etc/ssh/ssh_host_*_key") == "/etc/ssh/ssh_host_ed25519_key\n"
        assert "deb1 login:" in guest.serial_log()
        guest.shut_down_by_agent()
        assert guest.process.wait(120) == 0
