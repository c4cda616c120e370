"""Text of others for a terminal or a page: what would steer it, or hide in it, is shown instead."""

from __future__ import annotations

# What steers or cannot be seen. Ranges of code points: C0, DEL and C1; the default ignorables of Unicode 15 (but for
# the first sixteen variation selectors, which emoji need); line separators; what UTF-8 cannot hold.
_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_SHORT = {"\n": r"\n", "\r": r"\r"}


class _Shown(dict[int, str]):
    """How each character is shown; one that was not met before is judged now."""

    def __missing__(self, code: int) -> str:
        harmful = any(first <= code <= last for first, last in _RANGES)
        self[code] = shown = _escape(code) if harmful else chr(code)
        return shown


def _escape(code: int) -> str:
    if chr(code) in _SHORT:
        return _SHORT[chr(code)]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python decodes it (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_IN_A_LINE = _Shown({ord("\t"): "\t"})
_IN_A_TEXT = _Shown({ord("\t"): "\t", ord("\n"): "\n"})


def one_line(text: str) -> str:
    r"""The text in one line that cannot steer a terminal: `\x1b`, `\n` or `\u202e` for what could."""
    if text.isascii() and text.isprintable():  # nearly always, and much faster
        return text
    return text.translate(_IN_A_LINE)


def harmless(text: str) -> str:
    """The same for several lines: line ends stay."""
    return text.translate(_IN_A_TEXT)
