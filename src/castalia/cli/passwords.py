"""Hashes a guest user's password before it leaves this machine."""

import subprocess

from castalia.cli.failures import CommandFailed


def hashed(plain: str) -> str:
    """The sha512-crypt hash; OpenSSL reads the password from its input, so no process list shows
    it."""
    try:
        done = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"],
            input=plain.encode() + b"\n",
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise CommandFailed(
            "The password could not be hashed.", remedy="Install openssl, or use --ssh-key."
        ) from error
    return done.stdout.decode().strip()
