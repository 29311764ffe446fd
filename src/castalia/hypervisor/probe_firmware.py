"""A 64 KiB firmware that shows whether an accelerator really runs a guest.

An accelerator that merely starts a VM proves nothing: one seen in the field passes libvirt's checks
and every short program, yet needs minutes for a kernel. So this program does what a kernel does: it
goes from real through protected to long mode with paging, counts ten million times, raises an
invalid-opcode exception that an interrupt table handles, and then ends QEMU through the
`isa-debug-exit` device.

The machine code is assembled by hand; opcodes are those of the Intel SDM, volume 2. The image lies
at the top of the first MiB (0xF0000), where offset 0xE000 is address 0xFE000.
"""

import struct

EXIT_PORT = 0xF4
EXIT_CODE = 0x10 * 2 + 1
"""What QEMU exits with once the program went through: `isa-debug-exit` makes 2 n + 1 of n."""

_SIZE = 0x10000
_BASE = 0xF0000
_REAL, _PROTECTED, _LONG, _HANDLER = 0xE000, 0xE100, 0xE200, 0xE300
_GDT, _GDT_POINTER, _IDT_POINTER, _IDT = 0xE400, 0xE420, 0xE440, 0xE500
_RESET = 0xFFF0
_INVALID_OPCODE = 6

_RESET_CODE = bytes.fromhex("ea 00e0 00f0")  # jmp 0xF000:0xE000

_REAL_CODE = bytes.fromhex(
    "fa"  # cli
    "fc"  # cld
    "2e66 0f01 16 20e4"  # lgdt cs:[0xE420]
    "0f20c0 66 83c801 0f22c0"  # cr0 |= PE
    "66ea 00e10f00 0800"  # jmp 0x08:0xFE100
)

_PROTECTED_CODE = bytes.fromhex(
    "66b81000 8ed8 8ec0 8ed0"  # ds = es = ss = 0x10
    "bc00700000"  # esp = 0x7000
    "31c0 bf00100000 b9000c0000 f3ab"  # clear three pages from 0x1000
    "c705 00100000 03200000"  # level 4 -> 0x2000
    "c705 00200000 03300000"  # level 3 -> 0x3000
    "c705 00300000 83000000"  # level 2: one 2 MiB page, identical addresses
    "0f20e0 83c820 0f22e0"  # cr4 |= PAE
    "b800100000 0f22d8"  # cr3 = 0x1000
    "b9800000c0 0f32 0d00010000 0f30"  # EFER |= LME
    "0f20c0 0d00000080 0f22c0"  # cr0 |= PG
    "ea 00e20f00 1800"  # jmp 0x18:0xFE200
)

_LONG_CODE = bytes.fromhex(
    "0f011c25 40e40f00"  # lidt [0xFE440]
    "b980969800"  # ecx = 10 000 000
    "ffc9 75fc"  # count down to zero
    "0f0b"  # ud2: to the handler
    "f4 ebfd"  # hlt for ever: the exception did not arrive
)

_HANDLER_CODE = bytes.fromhex(
    "b010 e6f4"  # out 0xF4, 0x10
    "f4 ebfd"
)

# The "accessed" bit is set beforehand (0x9b, 0x93): the table is in ROM, where a CPU cannot set it,
# and KVM hangs there where emulation shrugs.
_SEGMENTS = struct.pack(
    "<4Q",
    0,
    0x00CF9B000000FFFF,  # 0x08: 32-bit code
    0x00CF93000000FFFF,  # 0x10: data
    0x00AF9B000000FFFF,  # 0x18: 64-bit code
)


def probe_firmware() -> bytes:
    """The image, as QEMU's `-bios` takes it."""
    image = bytearray(_SIZE)
    for offset, code in (
        (_REAL, _REAL_CODE),
        (_PROTECTED, _PROTECTED_CODE),
        (_LONG, _LONG_CODE),
        (_HANDLER, _HANDLER_CODE),
        (_GDT, _SEGMENTS),
        (_GDT_POINTER, struct.pack("<HI", len(_SEGMENTS) - 1, _BASE + _GDT)),
        (_IDT_POINTER, struct.pack("<HQ", 16 * (_INVALID_OPCODE + 1) - 1, _BASE + _IDT)),
        (_IDT + 16 * _INVALID_OPCODE, _gate(_BASE + _HANDLER)),
        (_RESET, _RESET_CODE),
    ):
        image[offset : offset + len(code)] = code
    return bytes(image)


def _gate(address: int) -> bytes:
    """A 64-bit interrupt gate to `address` in the code segment 0x18."""
    return struct.pack("<HHBBHII", address & 0xFFFF, 0x18, 0, 0x8E, address >> 16, 0, 0)
