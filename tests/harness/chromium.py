"""Where this machine keeps its Chromium, if it has one; nothing of Playwright is imported for that."""

import shutil
from typing import Final

WITHOUT_CHROMIUM: Final = "Chromium is not installed (on Debian: apt install chromium)"


def chromium() -> str | None:
    """The program's path."""
    return shutil.which("chromium")
