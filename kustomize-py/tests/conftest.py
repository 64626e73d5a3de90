"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Return the repository's own overlays."""
    return ROOT / "fixtures"


@pytest.fixture
def small() -> dict[str, str | bytes]:
    """Return files in memory: a service in a base, and an overlay in `app`."""
    return {
        "base/kustomization.yaml": "resources: [service.yaml]\n",
        "base/service.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: []\n",
        "app/kustomization.yaml": "namePrefix: staging-\nnamespace: shop\nresources: [../base]\n",
    }
