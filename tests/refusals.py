"""What a refusal has to name.  The whole of a message is pinned once, where it is made; elsewhere, what is in it."""

from __future__ import annotations

import re

GAP = "…"


def naming(words: str) -> str:
    """Return a pattern for messages that have these words and numbers in this order, with anything where a … stands.

    Without a …, it is the whole message.

    >>> bool(re.search(naming("groups=3 … C=4 … O=6"), "groups=3 must divide both C=4 and O=6"))
    True
    >>> bool(re.search(naming("groups=3 … C=4"), "groups=3 must divide C=41"))
    False
    """
    if GAP not in words:
        return f"^{re.escape(words)}$"
    parts = (part.strip() for part in words.split(GAP))
    return ".*".join(_whole(part) for part in parts if part)


def _whole(part: str) -> str:
    """Return a pattern for a part that is not the beginning, the middle or the end of a word or a number."""
    before = r"(?<![\w.-])" if re.match(r"[\w-]", part) else ""
    after = r"(?!\w|\.\d)" if re.search(r"\w$", part) else ""
    return f"{before}{re.escape(part)}{after}"
