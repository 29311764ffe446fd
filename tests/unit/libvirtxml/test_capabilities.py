"""Hosts' capabilities in the shapes that libvirt gives them."""

from castalia.libvirtxml.capabilities import parse_capabilities, parse_domain_capabilities


def _cpu(number: int, *, socket: int, core: int) -> str:
    return f"<cpu id='{number}' socket_id='{socket}' die_id='0' core_id='{core}' siblings='0'/>"


def _cell(number: int) -> str:
    cpus = "".join(_cpu(4 * number + n, socket=number, core=n // 2) for n in range(4))
    memory = "<memory unit='KiB'>1048577</memory>"
    return f"<cell id='{number}'>{memory}<cpus num='4'>{cpus}</cpus></cell>"


HOST = f"""
<capabilities>
  <host>
    <uuid>2a68715e-8576-4592-b125-61b9a056a024</uuid>
    <cpu>
      <arch>x86_64</arch><model>Skylake-Server</model><vendor>Intel</vendor>
      <topology sockets='1' dies='1' cores='2' threads='2'/>
    </cpu>
    <topology><cells num='2'>{_cell(0)}{_cell(1)}</cells></topology>
  </host>
  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <wordsize>64</wordsize>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <machine maxCpus='255'>pc-i440fx-7.2</machine>
      <machine canonical='pc-q35-7.2' maxCpus='288'>q35</machine>
      <domain type='qemu'/>
      <domain type='kvm'><machine maxCpus='255'>pc-i440fx-7.2</machine></domain>
    </arch>
  </guest>
</capabilities>"""


def test_two_sockets_on_two_nodes() -> None:
    host = parse_capabilities(HOST)
    assert (host.arch, host.cpu_model, host.cpu_vendor) == ("x86_64", "Skylake-Server", "Intel")
    assert (host.cpus, host.sockets, host.cores, host.threads) == (8, 2, 2, 2)
    assert (host.numa_nodes, host.memory_mib) == (2, 2 * 1025)


def test_guests() -> None:
    guest = parse_capabilities(HOST).guest()
    assert guest is not None
    assert guest.emulator == "/usr/bin/qemu-system-x86_64"
    assert guest.machines == ("pc-i440fx-7.2", "q35")
    assert guest.domain_types == ("qemu", "kvm")
    assert parse_capabilities(HOST).guest("s390x") is None


def test_a_host_that_tells_no_topology() -> None:
    text = "<capabilities><host><cpu><arch>aarch64</arch></cpu></host></capabilities>"
    host = parse_capabilities(text)
    assert (host.cpus, host.sockets, host.cores, host.threads, host.numa_nodes) == (1, 1, 1, 1, 1)
    written = text.replace(
        "</arch>", "</arch><topology sockets='2' dies='2' cores='4' threads='1'/>"
    )
    assert parse_capabilities(written).cpus == 16


def test_domain_capabilities() -> None:
    found = parse_domain_capabilities("""
    <domainCapabilities>
      <path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain>
      <machine>pc-q35-7.2</machine><arch>x86_64</arch><vcpu max='288'/>
      <os supported='yes'>
        <enum name='firmware'><value>efi</value></enum>
        <loader supported='yes'><value>/usr/share/OVMF/OVMF_CODE.fd</value></loader>
      </os>
      <cpu>
        <mode name='host-passthrough' supported='yes'/>
        <mode name='host-model' supported='yes'><model fallback='forbid'>Skylake</model></mode>
        <mode name='maximum' supported='no'/>
        <mode name='custom' supported='yes'>
          <model usable='yes'>qemu64</model><model usable='no'>EPYC</model>
        </mode>
      </cpu>
      <devices>
        <disk supported='yes'>
          <enum name='diskDevice'><value>disk</value></enum>
          <enum name='bus'><value>sata</value><value>virtio</value></enum>
        </disk>
        <graphics supported='yes'><enum name='type'><value>vnc</value></enum></graphics>
      </devices>
      <features><genid supported='yes'/><sev supported='no'/><backup supported='yes'/></features>
    </domainCapabilities>""")
    assert (found.domain_type, found.machine, found.max_vcpus) == ("kvm", "pc-q35-7.2", 288)
    assert (found.firmwares, found.loaders) == (("efi",), ("/usr/share/OVMF/OVMF_CODE.fd",))
    assert found.cpu_modes == ("host-passthrough", "host-model", "custom")
    assert (found.host_model, found.cpu_models) == ("Skylake", ("qemu64",))
    assert (found.disk_buses, found.graphics) == (("sata", "virtio"), ("vnc",))
    assert found.features == ("genid", "backup")
