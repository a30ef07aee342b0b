"""What tests with namespaces need, and why they are skipped where it is not there."""

from __future__ import annotations

import pytest

from cygnet.lab.host import LabError
from cygnet.lab.lab import check_prerequisites


def why_not() -> str:
    try:
        check_prerequisites()
    except LabError as error:
        return str(error)
    return ""


#: put on every module that builds a lab: ``pytestmark = needs_lab``
needs_lab = [pytest.mark.root, pytest.mark.skipif(bool(why_not()), reason=why_not() or "the lab works")]
