"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no finding: how long an example takes says nothing about the code.
settings.register_profile(
    "cygnet", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("cygnet")

#: files that take longest, which begin first, so that at the end no worker has one to itself
LONG = ("test_make.py", "test_seeded.py", "test_faulty_network.py", "test_rekeying.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)
