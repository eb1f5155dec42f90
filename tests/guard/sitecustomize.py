"""Python imports this by itself in the processes that tests start: they are watched, too."""

from __future__ import annotations

import hook

hook.from_environment()
