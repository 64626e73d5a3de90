"""Options of a build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence


class BuildOptions(TypedDict, total=False):
    """Keyword arguments of `build` and `build_many`. All that reaches outside is off unless asked for."""

    load_restrictor: Literal["root_only", "none"]
    """Which files a kustomization may load: those at or below its own directory, or any."""
    reorder: Literal["unspecified", "legacy", "none"]
    """The order of the output, unless the kustomization says `sortOptions`."""
    add_managed_by_label: bool
    """Add the label `app.kubernetes.io/managed-by` to every resource."""
    enable_remote: bool
    """Allow `http(s)` files and git repositories in resources."""
    enable_helm: bool
    """Allow `helmCharts`, by running `helm_command`."""
    helm_command: str
    """The helm program."""
    helm_kube_version: str
    """`--kube-version` for helm."""
    helm_api_versions: Sequence[str]
    """`--api-versions` for helm."""
    helm_debug: bool
    """`--debug` for helm."""
    enable_plugins: bool
    """Allow generators, transformers and validators that are not built in."""
    enable_exec: bool
    """Allow functions that are programs on this machine; needs `enable_plugins`."""
    network: bool
    """Allow container functions to use the network."""
    network_name: str
    """Network name for container functions."""
    env: Sequence[str]
    """Environment variables for functions, `NAME` or `NAME=value`."""
    mounts: Sequence[str]
    """Mounts for container functions."""
    as_current_user: bool
    """Run container functions as the current user."""
