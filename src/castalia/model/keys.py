"""Keys by the names that people use, as Linux input codes.

Source: linux/input-event-codes.h, which libvirt's keycode set "linux" follows.
"""

from castalia.errors import InvalidRequest

_ROWS = {2: "1234567890-=", 16: "qwertyuiop[]", 30: "asdfghjkl;'`", 43: "\\zxcvbnm,./"}
_NAMED = {
    "esc": 1, "escape": 1, "backspace": 14, "tab": 15, "enter": 28, "return": 28, "ctrl": 29,
    "control": 29, "shift": 42, "alt": 56, "space": 57, "capslock": 58, "sysrq": 99,
    "rightctrl": 97, "altgr": 100, "rightalt": 100, "rightshift": 54, "home": 102, "up": 103,
    "pageup": 104, "left": 105, "right": 106, "end": 107, "down": 108, "pagedown": 109,
    "insert": 110, "delete": 111, "del": 111, "pause": 119, "super": 125, "win": 125, "menu": 127,
    "printscreen": 99, "numlock": 69, "scrolllock": 70,
}  # fmt: skip
_FUNCTION = {f"f{n}": 58 + n for n in range(1, 11)} | {"f11": 87, "f12": 88}
KEYS: dict[str, int] = (
    {char: first + offset for first, row in _ROWS.items() for offset, char in enumerate(row)}
    | _NAMED
    | _FUNCTION
)
"""Every key that can be pressed, by name."""

_MOST = 16


def keycodes(names: list[str]) -> list[int]:
    """The codes of keys to press together. Raises InvalidRequest naming the unknown key."""
    if not 1 <= len(names) <= _MOST:
        raise InvalidRequest("Name 1 to 16 keys.", field="keys", remedy="For example: ctrl alt del")
    for name in names:
        if name.lower() not in KEYS:
            remedy = "Known are letters, digits, f1 to f12, ctrl, alt, shift, delete, enter, …"
            raise InvalidRequest(f"There is no key {name!r}.", field="keys", remedy=remedy)
    return [KEYS[name.lower()] for name in names]
