"""Changes as data: what an action is called, what it asks for, its plan, and how it is run.

One dialog (`dialogs.py`) serves them all, so that every action shows its plan and its command in
the same way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from castalia.model.access import Principal, Role
from castalia.model.plan import Plan
from castalia.web.command import Command

if TYPE_CHECKING:
    from castalia.services.services import Services
else:
    Services = Any


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Somebody's request for a change of `subject` (named by `ref`), with the filled-in form."""

    services: Services
    principal: Principal
    ref: str
    subject: Any
    form: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """A field without blanks around it."""
        return self.form.get(name, default).strip()

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.form.get(name))

    def words(self, name: str) -> tuple[str, ...]:
        """A field's words, parted by blanks or commas."""
        return tuple(self.form.get(name, "").replace(",", " ").split())


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a change brought forth that is shown once: a token, a password."""

    title: str
    secret: str
    text: str = ""


Choice = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something that a dialog asks for. `value` and `choices` see the subject; each of the
    `examples` fills the field when it is clicked."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    placeholder: str = ""
    required: bool = False
    value: Callable[[Ask], object] = lambda _: ""
    choices: Callable[[Ask], Sequence[Choice]] = lambda _: ()
    examples: Sequence[Choice] = ()
    shown: Callable[[Ask], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class Change:
    """An action on an object of a noun. Without `plan`, `text` says what will happen.

    `run` returns the job, something that is Shown once, or anything else for what is done already.
    `offered` says whether the object's state allows it; `confirm_name` has the name typed first.
    """

    noun: str
    verb: str
    label: str
    icon: str
    button: str = ""
    text: str = ""
    done: str = ""
    role: Role = Role.OPERATOR
    danger: bool = False
    at_once: bool = False
    confirm_name: Callable[[Ask], bool] = lambda _: False
    fields: tuple[Field, ...] = ()
    offered: Callable[[Any], bool] = lambda _: True
    plan: Callable[[Ask], Plan | None] | None = None
    run: Callable[[Ask], object]
    command: Callable[[Ask], Command]

    @property
    def address(self) -> str:
        """Where its dialog is found; `?ref=` names the object."""
        return f"/do/{self.noun}/{self.verb}"


def once_filled(*names: str, plan: Callable[[Ask], Plan]) -> Callable[[Ask], Plan | None]:
    """The plan, as soon as the fields it needs hold something; an empty form is no mistake yet."""

    def ready(ask: Ask) -> Plan | None:
        return plan(ask) if all(ask.text(name) for name in names) else None

    return ready


def by_verb(*changes: Change) -> dict[str, Change]:
    """A noun's changes, in the order of its menu."""
    return {change.verb: change for change in changes}
