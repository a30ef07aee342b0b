"""`cygnet lab up|down|shell HOST`: the demo's network, to play with."""

from __future__ import annotations

from cygnet.lab.command import lab_arguments as arguments
from cygnet.lab.command import run

__all__ = ["arguments", "run"]
