"""Make text from outside safe to print: control characters and invisible ones are shown as escapes."""

from __future__ import annotations

# Characters that control a terminal or are invisible, as ranges of code points: C0, DEL and C1; the default ignorable
# code points of Unicode 15 (except the first sixteen variation selectors, which emoji need); line separators; the
# surrogates, which UTF-8 cannot encode.
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
    """How each character is shown. A new character is checked at its first use and then remembered."""

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
    r"""The text on one line, with escapes such as `\x1b`, `\n` or `\u202e` for control and invisible characters."""
    if text.isascii() and text.isprintable():  # nearly always, and much faster
        return text
    return text.translate(_IN_A_LINE)


def harmless(text: str) -> str:
    """The text with escapes for control and invisible characters; line ends stay."""
    return text.translate(_IN_A_TEXT)
