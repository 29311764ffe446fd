"""The whole error tree. Every error that leaves a layer is one of these.

    CastaliaError
    ├── CallerError                the request is at fault; nothing was changed
    │   ├── InvalidRequest         a field has a value that cannot be used
    │   ├── Unauthenticated        nobody is logged in, or the credentials are wrong
    │   ├── Forbidden              the caller's role does not allow it
    │   ├── TooManyAttempts        too many failed logins; wait
    │   ├── NotFound               no such object
    │   ├── Conflict               the object's state, or another object, is in the way
    │   ├── EditConflict           somebody else changed the object since it was read
    │   └── InsufficientCapacity   no host or repository has room for it
    ├── PermanentError             trying again does not help; a job undoes itself and fails
    │   ├── HypervisorError
    │   ├── StorageError
    │   ├── ImageError             an image is hostile, broken, or not what it says
    │   ├── GuestError             the guest did not do what it was asked to do
    │   └── Unsupported            this host or driver cannot do it; the message says why
    └── TemporaryError             the job engine tries again
        ├── HostUnreachable
        └── Busy

`message` and `remedy` are shown to users, `detail` is only logged: it may hold paths, XML or a
driver's own words.
"""

from typing import ClassVar


class CastaliaError(Exception):
    """What went wrong, in words for the user, and what to do about it.

    `code` is stable and made for programs (`vm.name-taken`); `field` names the part of the request
    at fault.
    """

    default_code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        code: str = "",
        field: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code or self.default_code
        self.field = field
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        """Keeps every attribute when an error crosses a process boundary."""
        return (_rebuild, (type(self), self.__dict__.copy()))


def _rebuild(cls: type[CastaliaError], attributes: dict[str, str]) -> CastaliaError:
    error = cls(attributes["message"])
    error.__dict__.update(attributes)
    return error


class CallerError(CastaliaError):
    """The request is at fault; nothing was changed."""


class InvalidRequest(CallerError):
    """A field has a value that cannot be used."""

    default_code = "invalid"
    title = "Invalid request"


class Unauthenticated(CallerError):
    """Nobody is logged in, or the credentials are wrong."""

    default_code = "unauthenticated"
    title = "Log in first"


class Forbidden(CallerError):
    """The caller's role does not allow it."""

    default_code = "forbidden"
    title = "Not allowed"


class TooManyAttempts(CallerError):
    """Too many failed logins from this address or for this user; trying again makes sense after
    `retry_after_s` seconds."""

    default_code = "too-many-attempts"
    title = "Too many attempts"

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: int = 60) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class NotFound(CallerError):
    """No such object."""

    default_code = "not-found"
    title = "Not found"


class Conflict(CallerError):
    """The object's state, or another object, is in the way."""

    default_code = "conflict"
    title = "Conflict"


class EditConflict(CallerError):
    """Somebody else changed the object since it was read."""

    default_code = "edit-conflict"
    title = "Changed in the meantime"


class InsufficientCapacity(CallerError):
    """No host or repository has room for it."""

    default_code = "insufficient-capacity"
    title = "Not enough capacity"


class PermanentError(CastaliaError):
    """Trying again does not help; a job undoes itself and fails."""


class HypervisorError(PermanentError):
    """The hypervisor refused or failed."""

    default_code = "hypervisor"
    title = "Hypervisor error"


class StorageError(PermanentError):
    """A repository or a volume could not be read or written."""

    default_code = "storage"
    title = "Storage error"


class ImageError(PermanentError):
    """An image is hostile, broken, or not what it says."""

    default_code = "image"
    title = "Unusable image"


class GuestError(PermanentError):
    """The guest did not do what it was asked to do."""

    default_code = "guest"
    title = "The guest did not do it"


class Unsupported(PermanentError):
    """This host or driver cannot do it; the message says why."""

    default_code = "unsupported"
    title = "Not supported here"


class TemporaryError(CastaliaError):
    """The job engine tries again."""


class HostUnreachable(TemporaryError):
    """The connection to a host's libvirt is down."""

    default_code = "host-unreachable"
    title = "Host unreachable"


class Busy(TemporaryError):
    """Something else holds what is needed; it will be free soon."""

    default_code = "busy"
    title = "Busy"
