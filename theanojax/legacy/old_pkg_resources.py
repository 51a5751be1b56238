"""`pkg_resources`, which setuptools has dropped: what libraries ask of it, of versions and of the files beside them."""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

DistributionNotFound = metadata.PackageNotFoundError

# What comes before a release, and after it.
STAGES = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, "": 0, "post": 1}


class VersionConflict(Exception):
    """A distribution is there in another version than was wanted."""


@functools.total_ordering
class Version:
    """A version, which comes before or after another."""

    def __init__(self, text: str):
        self.text = text
        found = re.match(r"v?(\d+(?:\.\d+)*)[-_.]?([a-z]*)[-_.]?(\d*)", text.strip().lower())
        numbers, stage, count = found.groups() if found else ("0", "dev", "")
        release = re.sub(r"(\.0+)+$", "", numbers).split(".")
        self.key = [int(part) for part in release], STAGES.get(stage, 0), int(count or 0)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Version) and self.key == other.key

    def __lt__(self, other: Any) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(str(self.key))

    def __str__(self) -> str:
        return self.text


def parse_version(v: str) -> Version:
    """The version that the text `v` names."""
    return Version(v)


class Distribution:
    """What is known of an installed distribution."""

    def __init__(self, name: str):
        found = metadata.distribution(name)
        self.project_name, self.version = found.metadata["Name"], found.version
        self.key, self.parsed_version = self.project_name.lower(), Version(found.version)
        self.location = str(found.locate_file(""))


def get_distribution(dist: str) -> Distribution:
    """The distribution `dist`, of which a condition on its version may follow; DistributionNotFound without it."""
    name = re.match(r"[\w.-]*\w", dist)
    return Distribution(name[0] if name else dist)


def require(*requirements: str) -> list[Distribution]:
    """The distributions of these names; versions are not compared."""
    return [get_distribution(requirement) for requirement in requirements]


def iter_entry_points(group: str, name: str | None = None) -> Iterator[metadata.EntryPoint]:
    """The entry points of a `group`."""
    return (entry for entry in metadata.entry_points(group=group) if name in (None, entry.name))


def resource_filename(package_or_requirement: str, resource_name: str) -> str:
    """The path of a file beside a package."""
    module = importlib.import_module(package_or_requirement)
    folder = os.path.dirname(module.__file__ or "") or next(iter(module.__path__))
    return os.path.join(folder, *resource_name.split("/"))


def resource_exists(package_or_requirement: str, resource_name: str) -> bool:
    """Whether there is such a file."""
    return os.path.exists(resource_filename(package_or_requirement, resource_name))


def resource_isdir(package_or_requirement: str, resource_name: str) -> bool:
    """Whether it is a folder."""
    return os.path.isdir(resource_filename(package_or_requirement, resource_name))


def resource_listdir(package_or_requirement: str, resource_name: str) -> list[str]:
    """What is in such a folder."""
    return os.listdir(resource_filename(package_or_requirement, resource_name))


def resource_stream(package_or_requirement: str, resource_name: str) -> Any:
    """Such a file, open."""
    return open(resource_filename(package_or_requirement, resource_name), "rb")


def resource_string(package_or_requirement: str, resource_name: str) -> bytes:
    """What is in it."""
    with resource_stream(package_or_requirement, resource_name) as file:
        return file.read()


def declare_namespace(packageName: str) -> None:
    """Nothing: a folder without an ``__init__.py`` is one."""
