"""The domains in the order in which data flows; imports go only towards earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from hedgerow.core.bootstrap import DOMAIN as CORE
from hedgerow.core.objects import DbObject, Domain

NAMES = (
    "tenancy",
    "splits",
    "patients",
    "mlops",
    "predictions",
    "agents",
    "causal",
    "kpi",
    "memory",
    "dspy",
    "features",
    "audit",
    "assistant",
    "customers",
    "exceptions",
)
"""Packages of the domains, in data-flow order."""


def domains() -> tuple[Domain, ...]:
    """Every domain, the core first. Importing them here declares all tables, enums and views."""
    return (CORE, *(import_module(f"hedgerow.{name}.objects").DOMAIN for name in NAMES))


def objects() -> Iterator[DbObject]:
    """Every declared object in order of creation; the core's come before the tables, the others after."""
    for domain in domains():
        yield from domain.objects()
