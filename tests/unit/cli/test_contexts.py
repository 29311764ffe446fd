"""Which manager is talked to, and the file that remembers it."""

import stat

import pytest
from tests.unit.cli.fake_manager import FakeManager, Run

from castalia.cli import config
from castalia.cli.failures import CommandFailed, Exit


@pytest.fixture(autouse=True)
def _file_of_this_test(manager: FakeManager) -> None:
    """The manager's fixture points the command line to a file of its own."""


def _add(castalia: Run, name: str = "prod", url: str = "https://prod:8006") -> None:
    assert castalia("context", "add", name, url, "--token", f"cst_{name}").code == 0


def test_only_its_owner_can_read_the_file(castalia: Run) -> None:
    _add(castalia)
    _add(castalia, "test")

    path = config.config_path()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_left_open_by_an_older_hand_is_closed(castalia: Run) -> None:
    path = config.config_path()
    path.parent.mkdir()
    for name in (path.name, "cli.new"):
        path.with_name(name).touch()
        path.with_name(name).chmod(0o666)

    _add(castalia)

    assert stat.S_IMODE(config.config_path().stat().st_mode) == 0o600


def test_the_last_added_is_used_and_another_can_be(castalia: Run) -> None:
    _add(castalia)
    _add(castalia, "test", "http://test:8006")
    assert config.chosen().url == "http://test:8006"

    castalia("context", "use", "prod")

    assert config.chosen() == config.Context(url="https://prod:8006", token="cst_prod")
    assert config.chosen("test").token == "cst_test"


def test_a_forgotten_one_is_gone(castalia: Run) -> None:
    _add(castalia)

    assert castalia("context", "remove", "prod").code == 0
    assert castalia("context", "use", "prod").code == 2


def test_the_environment_beats_the_file(castalia: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(castalia)
    _add(castalia, "test")
    monkeypatch.setenv("CASTALIA_CONTEXT", "prod")
    monkeypatch.setenv("CASTALIA_URL", "http://other:1")

    assert config.chosen() == config.Context(url="http://other:1", token="cst_prod")


def test_an_unknown_context_names_the_known_ones(castalia: Run) -> None:
    _add(castalia)

    with pytest.raises(CommandFailed) as failure:
        config.chosen("nope")

    assert (failure.value.code, failure.value.remedy) == (Exit.USAGE, "Known: prod.")


def test_a_broken_file_is_named(castalia: Run) -> None:
    config.config_path().parent.mkdir()
    config.config_path().write_text("current = ")

    outcome = castalia("context", "list")

    assert outcome.code == 2
    assert str(config.config_path()) in outcome.err


def test_an_address_without_scheme_is_refused_and_not_kept(castalia: Run) -> None:
    assert castalia("context", "add", "a", "prod:8006", "--token", "t").code == 2
    assert not config.config_path().exists()


def test_tokens_are_never_listed(castalia: Run) -> None:
    _add(castalia)

    for form in ("table", "json", "yaml"):
        assert "cst_prod" not in castalia("context", "list", "-o", form).out
