"""`cygnet demo`: the oregon tunnel in its four auto modes, live."""

from __future__ import annotations

from cygnet.lab.command import demo_arguments as arguments
from cygnet.lab.command import run

__all__ = ["arguments", "run"]
