"""The check that a test run leaves nothing behind."""

import subprocess

from tests.leaks import left_over, main, seen


def test_what_was_there_before_is_no_leak():
    before = {"mount": ["/a"], "process": ["1 qemu"]}
    assert left_over(before, {"mount": ["/a"], "process": []}) == []
    assert left_over(before, {"mount": ["/a", "/b"]}) == ["mount: /b"]


def test_a_process_that_stays_is_told(tmp_path, capsys):
    note = tmp_path / "before.json"
    assert main(["--before", str(note)]) == 0
    with subprocess.Popen(["dnsmasq-of-a-test", "60"], executable="/bin/sleep") as process:
        try:
            assert main(["--after", str(note)]) == 1
        finally:
            process.kill()
    assert f"process: {process.pid} " in capsys.readouterr().err


def test_it_sees_this_machines_network():
    assert "lo" in seen()["network interface"]
