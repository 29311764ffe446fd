import base64
import io
import os
import shlex
import subprocess

import pycdlib
import pytest
import yaml

from castalia.errors import InvalidRequest
from castalia.images.passwords import checked_password_hash, password_hash
from castalia.images.seed import checked_seed, seed_iso
from castalia.model.vm import GuestSeed

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode()


def files(iso: bytes) -> dict[str, str]:
    disc = pycdlib.PyCdlib()
    disc.open_fp(io.BytesIO(iso))
    found = {}
    for child in disc.list_children(rr_path="/"):
        if child.is_file():
            name = child.rock_ridge.name().decode()
            content = io.BytesIO()
            disc.get_file_from_iso_fp(content, rr_path=f"/{name}")
            found[name] = content.getvalue().decode()
    disc.close()
    return found


def seeded(**fields) -> dict[str, str]:
    return files(seed_iso(GuestSeed(**fields), instance_id="i-1", name="Web_1"))


def test_the_label_is_the_one_that_cloud_init_looks_for():
    iso = seed_iso(GuestSeed(), instance_id="i", name="n")
    assert iso[32808:32840] == b"cidata".ljust(32)


def test_fields_become_a_cloud_config():
    found = seeded(hostname="web1.example.org", user="ada", password_hash="$6$a$b", ssh_keys=(KEY,))
    assert yaml.safe_load(found["meta-data"]) == {
        "instance-id": "i-1",
        "local-hostname": "web1.example.org",
    }
    assert found["user-data"].startswith("#cloud-config\n")
    config = yaml.safe_load(found["user-data"])
    assert (config["hostname"], config["fqdn"]) == ("web1", "web1.example.org")
    (user,) = config["users"]
    assert user["name"] == "ada"
    assert user["ssh_authorized_keys"] == [KEY]
    assert (user["hashed_passwd"], user["lock_passwd"]) == ("$6$a$b", False)
    assert config["ssh_pwauth"] is True
    assert "vendor-data" not in found
    assert "network-config" not in found


def test_without_a_hostname_the_name_stands_in():
    assert yaml.safe_load(seeded()["meta-data"])["local-hostname"] == "web-1"


def test_keys_without_a_user_are_the_default_users():
    config = yaml.safe_load(seeded(ssh_keys=(KEY,))["user-data"])
    assert config["ssh_authorized_keys"] == [KEY]
    assert "users" not in config


def test_user_data_is_verbatim_and_fields_stand_behind_it():
    text = "#cloud-config\n# my own\npackages: [nginx]\n"
    found = seeded(user="ada", ssh_keys=(KEY,), user_data=text)
    assert found["user-data"] == text
    assert yaml.safe_load(found["vendor-data"])["users"][0]["name"] == "ada"


def test_network_config_is_verbatim():
    text = "version: 2\nethernets: {eth0: {dhcp4: true}}\n"
    assert seeded(network_config=text)["network-config"] == text


def refused(**fields) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        checked_seed(GuestSeed(**fields))
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "name", ["-a", "a-", "a b", "a..b", "a\n", "x" * 64, "ä", ".".join("a" * 200)]
)
def test_bad_host_names_are_refused(name):
    assert refused(hostname=name).field == "hostname"


@pytest.mark.parametrize("name", ["Ada", "1a", "a b", "a:b", "a\n", "x" * 33, "../a"])
def test_bad_users_are_refused(name):
    assert refused(user=name).field == "user"


@pytest.mark.parametrize("text", ["secret", "$6$a\n$b", "$6$a:b", "$6$"])
def test_bad_password_hashes_are_refused(text):
    assert refused(password_hash=text).field == "password_hash"


BLOB = KEY.split()[1]


@pytest.mark.parametrize(
    "key",
    [
        "nonsense",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-ed25519 AAAA",
        f"ssh-rsa {BLOB}",
        f"ssh-dss {BLOB}",
        f'command="rm" {KEY}',
        f"{KEY}\n{KEY}",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        f"{KEY} {'x' * 20000}",
    ],
)
def test_bad_keys_are_refused(key):
    assert refused(ssh_keys=(key,)).field == "ssh_keys"


def test_a_private_key_is_called_one():
    assert "private" in refused(ssh_keys=("-----BEGIN OPENSSH PRIVATE KEY-----\n…",)).message


def test_keys_are_trimmed():
    seed = checked_seed(GuestSeed(ssh_keys=(f"  {KEY}   me@here \n", "  ")))
    assert seed.ssh_keys == (f"{KEY} me@here",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("packages: [nginx]\n", "would not understand"),
        ("", ""),
        ("#cloud-config\n- a\n", "mapping"),
        ("#cloud-config\na: 1\nb: [\n", "Line"),
        ("#cloud-config\na: b: c\n", "Line 2"),
        ("#cloud-config\n" + "a: " + "[" * 100 + "]" * 100, "too large"),
        ("#cloud-config\na: &x [1]\nb: *x\n", "Line 3"),
        ("#cloud-config\nx: 2001-99-99\n", "not YAML"),
        ("#cloud-config\nx: " + "9" * 5000, "not YAML"),
        ("#!/bin/sh\n\0", "would not understand"),
        ("#!/bin/sh\n" + "x" * 300_000, "too large"),
    ],
)
def test_bad_user_data_is_refused(text, words):
    if text:
        error = refused(user_data=text)
        assert error.field == "user_data"
        assert words in error.message
    else:
        checked_seed(GuestSeed(user_data=text))


def test_an_alias_bomb_never_unfolds():
    lines = ["#cloud-config", 'a0: &a0 ["x"]']
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases" in refused(user_data="\n".join(lines)).message


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\necho hi\n",
        "#include\nhttp://example.org/x\n",
        "## template: jinja\n#cloud-config\n{% if x %}a: 1{% endif %}\n",
        "#cloud-config\n",
    ],
)
def test_other_user_data_passes(text):
    assert seeded(user_data=text)["user-data"] == text


MIME = """Content-Type: multipart/mixed; boundary="B"
MIME-Version: 1.0

--B
Content-Type: text/cloud-config

#cloud-config
{config}
--B
Content-Type: text/x-shellscript

#!/bin/sh
echo mime
--B--
"""


def test_mime_parts_are_looked_into():
    assert "seed_script" in seeded(user_data=MIME.format(config="hostname: x"))["castalia.sh"]
    assert refused(user_data=MIME.format(config="a: b: c")).field == "user_data"


@pytest.mark.parametrize(
    "text",
    [
        "ethernets: {}",
        "version: 3",
        "version: true",
        "[1]",
        "version: 2\nwifis: {}",
        "version: 2\nethernets: [a]",
        "version: 2\nethernets: {eth0: {addresses: [300.1.1.1/24]}}",
        "version: 2\nethernets: {eth0: {addresses: 10.0.0.1/24}}",
        "version: 2\nethernets: {eth0: {gateway4: nowhere}}",
        "version: 2\nethernets: {eth0: {match: {macaddress: 525400}}}",
        "version: 2\nethernets: {eth0: {mtu: 5}}",
        "version: 2\nethernets: {eth0: {routes: [{to: x, via: 10.0.0.1}]}}",
        "version: 2\nethernets: {'a b': {}}",
        "version: 2\nethernets: {eth0: {nameservers: {search: ['a b']}}}",
        "version: 1\nconfig: [{type: magic}]",
        "version: 1\nconfig: [{type: physical, name: eth0, subnets: [{address: x}]}]",
        "version: 2\nethernets: &a {}\nbonds: *a",
        "version: 2\n" + "# x\n" * 40_000,
    ],
)
def test_bad_networks_are_refused(text):
    assert refused(network_config=text).field == "network_config"


def micro_words(**fields) -> list[list[str]]:
    return [shlex.split(line) for line in seeded(**fields)["castalia.sh"].splitlines()]


def test_networks_in_the_micro_guests_words():
    text = """
network:
  version: 2
  ethernets:
    a: {match: {macaddress: '52:54:00:AA:BB:CC'}, dhcp4: true, mtu: 1400}
    enp7s0:
      addresses: [10.0.0.5/24, 'fd00::5/64']
      gateway4: 10.0.0.1
      nameservers: {addresses: [10.0.0.2], search: [example.org]}
      routes: [{to: default, via: 'fd00::1'}, {to: 192.0.2.0/24, via: 10.0.0.9}]
"""
    words = micro_words(network_config=text)
    assert ["seed_nic", "52:54:00:aa:bb:cc", "1", "", "", "", "", "1400", ""] in words
    assert [
        *("seed_nic", "eth1", "0", "10.0.0.5/24 fd00::5/64", "10.0.0.1 fd00::1"),
        *("10.0.0.2", "example.org", "", "192.0.2.0/24>10.0.0.9"),
    ] in words


def test_version_1_in_the_micro_guests_words():
    text = """
version: 1
config:
- type: physical
  name: eth0
  subnets:
  - {type: static, address: 10.0.0.5, netmask: 255.255.255.0, gateway: 10.0.0.1,
     dns_nameservers: 10.0.0.2}
- {type: nameserver, address: 10.0.0.3}
"""
    words = micro_words(network_config=text)
    expected = ["seed_nic", "eth0", "0", "10.0.0.5/24", "10.0.0.1", "10.0.0.2", "", "", ""]
    assert expected in words


def test_cloud_config_in_the_micro_guests_words():
    text = f"""#cloud-config
hostname: other
users:
- default
- name: bob
  sudo: ['ALL=(ALL) NOPASSWD:ALL']
  plain_text_passwd: s p
ssh_authorized_keys: ['{KEY}']
write_files:
- {{path: /a b, content: aGk=, encoding: b64, permissions: '0600'}}
runcmd:
- echo $HOME
- [touch, 'a b']
packages: [nginx]
"""
    script = seeded(user_data=text)["castalia.sh"]
    lines = script.splitlines()
    assert "seed_hostname other" in lines
    assert "seed_user bob /bin/sh 'ALL=(ALL) NOPASSWD:ALL'" in lines
    assert "seed_plain bob 's p'" in lines
    assert f"seed_key admin '{KEY}'" in lines
    assert "echo aGk= | seed_file '/a b' 0600 root:root" in lines
    assert any("packages" in line for line in lines if line.startswith("echo 'not"))
    (run,) = [line for line in lines if line.endswith("seed_script")]
    assert base64.b64decode(run.split()[1]) == b"#!/bin/sh\necho $HOME\ntouch 'a b'\n"


def test_nothing_in_a_seed_escapes_its_word(tmp_path):
    """The script is run by a shell: a value must never become a command of its own."""
    nasty = "x'; touch " + str(tmp_path / "escaped") + "; '"
    text = "#cloud-config\n" + yaml.safe_dump(
        {
            "hostname": nasty,
            "users": [{"name": nasty, "passwd": nasty, "sudo": nasty}, nasty],
            "write_files": [{"path": nasty, "permissions": nasty, "owner": nasty}],
            "password": nasty,
            nasty: 1,
        }
    )
    script = seeded(user_data=text)["castalia.sh"]
    names = {line.split()[0] for line in script.splitlines()} | {"seed_file", "seed_script"}
    stubs = "".join(f"{name}() {{ :; }}\n" for name in names if name.startswith("seed_"))
    done = subprocess.run(["sh", "-eu", "-c", stubs + script], cwd=tmp_path, env=dict(os.environ))
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_content_that_is_not_base64_is_refused():
    text = "#cloud-config\nwrite_files: [{path: /a, content: abc, encoding: b64}]\n"
    with pytest.raises(InvalidRequest):
        seed_iso(GuestSeed(user_data=text), instance_id="i", name="n")


def test_password_hashes_have_salts_of_their_own():
    one, two = password_hash("secret"), password_hash("secret")
    assert one.startswith("$6$")
    assert one != two
    salt = one.split("$")[2]
    argv = ["openssl", "passwd", "-6", "-salt", salt, "secret"]
    assert subprocess.run(argv, capture_output=True, text=True).stdout.strip() == one
    assert checked_password_hash(one) == one


@pytest.mark.parametrize("plain", ["", "a\nb", "x" * 600])
def test_passwords_that_nobody_can_type_are_refused(plain):
    with pytest.raises(InvalidRequest):
        password_hash(plain)
