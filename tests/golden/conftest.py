"""Golden files: text that a test makes is compared with a file in this directory.

`pytest tests/golden --regenerate` writes the files anew; read their diff before committing it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

HERE = Path(__file__).parent
SCHEMAS = Path("/usr/share/libvirt/schemas")

Golden = Callable[[str, str], None]
Valid = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with the golden file of that name."""
    regenerate = request.config.getoption("--regenerate", default=False)

    def check(name: str, text: str) -> None:
        path = HERE / name
        if regenerate:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.rstrip("\n") + "\n")
        assert path.is_file(), f"{name} is missing: run with --regenerate and read it"
        assert text.rstrip("\n") == path.read_text().rstrip("\n")

    return check


@pytest.fixture(scope="session")
def valid() -> Valid:
    """Checks XML against libvirt's own schema of that name (domain, network)."""
    if not SCHEMAS.is_dir():
        pytest.skip("libvirt's schemas are not installed")
    loaded: dict[str, etree.RelaxNG] = {}

    def check(schema: str, text: str) -> None:
        if schema not in loaded:
            loaded[schema] = etree.RelaxNG(etree.parse(SCHEMAS / f"{schema}.rng"))
        relaxng = loaded[schema]
        messages = lambda: "; ".join(entry.message for entry in relaxng.error_log)  # noqa: E731
        assert relaxng.validate(etree.fromstring(text)), messages()

    return check
