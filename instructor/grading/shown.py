"""Text that a student's code may have written, made fit to be read: nothing invisible, nothing endless."""

import unicodedata

# Control characters, formatting such as a change of the writing direction, surrogates, private use, line separators.
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shown(text: str, most: int = 500) -> str:
    """One line: whatever cannot be seen stands as an escape, and what is beyond `most` characters is counted."""
    return "".join(map(visible, text[:most])) + rest(len(text) - most)


def shown_lines(text: str, most: int = 4000) -> str:
    """The same for several lines; ends of lines and tabs stay."""
    kept = "".join(character if character in "\n\t" else visible(character) for character in text[:most])
    return kept + rest(len(text) - most)


def visible(character: str) -> str:
    if unicodedata.category(character) not in INVISIBLE:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def rest(count: int) -> str:
    return f" … ({count:,} more characters)" if count > 0 else ""
