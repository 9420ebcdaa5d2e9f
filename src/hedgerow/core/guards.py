"""What a session checks on objects: where they come from, whose they are, and what about them changed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Mapper, attributes

from hedgerow.core.errors import AppendOnlyError, CrossTenantError, ScopeError, SplitAccessError
from hedgerow.core.filter.registry import Entry, ScopeRegistry
from hedgerow.core.scope import Scope

#: Attribute of an object's state that keeps the scope it was loaded in, from the moment it leaves its session. It
#: is not pickled: an unpickled copy, or a state made up by hand, has no origin.
_ORIGIN: Final = "hedgerow_origin"

_Entries = tuple[tuple[Entry, str | None, str | None], ...]
_MAPPED: Final[WeakKeyDictionary[ScopeRegistry, dict[Mapper[Any], _Entries]]] = WeakKeyDictionary()


class ObjectGuard:
    """Checks objects against the scope of one session."""

    __slots__ = ("_registry", "_scope")

    def __init__(self, scope: Scope, registry: ScopeRegistry) -> None:
        self._scope = scope
        self._registry = registry

    def detached(self, states: Iterable[InstanceState[Any]]) -> None:
        """Note that objects leave a session of this scope."""
        for state in states:
            if state.key is not None:
                state.__dict__[_ORIGIN] = self._scope

    def attach(self, state: InstanceState[Any]) -> None:
        """Refuse an object with an identity that is not known to have been loaded in this scope.

        Raises:
            CrossTenantError: it was loaded for another tenant.
            ScopeError: nobody knows where it was loaded.
            SplitAccessError: its split is not open here.
        """
        if state.key is None:
            return  # a new object; its flush decides
        for entry, tenant_key, split_key in _entries(state.mapper, self._registry):
            origin: Scope | None = state.__dict__.get(_ORIGIN)
            if origin is None:
                raise ScopeError(
                    f"a {state.class_.__name__} with an identity comes from outside of any session",
                    remedy="load it here with session.get or a query, or with session.merge(obj), which loads it",
                    table=entry.name,
                    scope=self._scope,
                )
            if origin.tenant_id != self._scope.tenant_id:
                raise _foreign(entry, origin.tenant_id, self._scope, "was loaded for")
            self._require_tenant(state, entry, tenant_key, "belongs to")
            if entry.rule.split_column is None and entry.rule.only_split is None:
                continue
            if not origin.split_set <= self._scope.split_set:
                split = state.dict.get(split_key) if split_key else entry.rule.only_split
                if split is None or split_key in state.committed_state or not self._holds(entry, split):
                    raise self._closed(entry, split)

    def loaded(self, state: InstanceState[Any]) -> None:
        """Refuse an object that was loaded although it lies outside of the scope.

        The filter lets none through; text that was marked as intended can.

        Raises:
            CrossTenantError: it belongs to another tenant.
            SplitAccessError: its split is not open.
        """
        for entry, tenant_key, split_key in _entries(state.mapper, self._registry):
            self._require_tenant(state, entry, tenant_key, "was loaded for")
            split = state.dict.get(split_key) if split_key else entry.rule.only_split
            if split is not None and not self._holds(entry, split):
                raise self._closed(entry, split)

    def new(self, instance: object) -> None:
        """Stamp a new object with the tenant.

        Raises:
            CrossTenantError: it names another tenant.
            SplitAccessError: it names a split that is not open.
        """
        state = _state(instance)
        for entry, tenant_key, split_key in _entries(state.mapper, self._registry):
            if tenant_key is not None:
                if state.dict.get(tenant_key) is None:
                    attributes.set_attribute(instance, tenant_key, self._scope.tenant_id)
                self._require_tenant(state, entry, tenant_key, "names")
            split = state.dict.get(split_key) if split_key else None
            if split is not None and _is_value(split) and not self._scope.holds(split):
                raise self._closed(entry, split)

    def changed(self, instance: object) -> None:
        """Check a changed object before its UPDATE.

        Raises:
            CrossTenantError: its tenant was changed, or it belongs to all tenants.
            SplitAccessError: its split was changed, or it is an artefact of a split that the scope does not hold.
            AppendOnlyError: its table is append-only.
        """
        state = _state(instance)
        for entry, tenant_key, split_key in _entries(state.mapper, self._registry):
            if entry.append_only:
                raise _append_only(entry, "changed", self._scope)
            if tenant_key is not None and _moved(state, tenant_key):
                raise _foreign(entry, state.dict.get(tenant_key), self._scope, "would move to")
            self._require_tenant(state, entry, tenant_key, "belongs to")
            self._require_owned(instance, entry, tenant_key)
            self._require_own_split(instance, entry, split_key)
            if split_key is not None and _moved(state, split_key):
                raise SplitAccessError(
                    f"{entry.rule.split_column} of an existing row is never set: a patient stays in its split",
                    remedy=f"leave {split_key} alone",
                    table=entry.name,
                    scope=self._scope,
                    split=_text(state.dict.get(split_key)),
                )

    def deleted(self, instance: object) -> None:
        """Refuse to delete a row of an append-only table, and an artefact of an earlier split.

        Raises:
            AppendOnlyError: the table is append-only.
            CrossTenantError: it belongs to all tenants.
            SplitAccessError: the artefact was computed on a split that the scope does not hold.
        """
        state = _state(instance)
        for entry, tenant_key, split_key in _entries(state.mapper, self._registry):
            if entry.append_only:
                raise _append_only(entry, "deleted", self._scope)
            self._require_owned(instance, entry, tenant_key)
            self._require_own_split(instance, entry, split_key)

    def _require_owned(self, instance: object, entry: Entry, tenant_key: str | None) -> None:
        if entry.rule.shared and tenant_key is not None and getattr(instance, tenant_key) is None:
            raise CrossTenantError(
                "an object of all tenants is read by sessions and written by none",
                remedy="let the owner of the schema write it, or make one of the tenant's own",
                table=entry.name,
                scope=self._scope,
            )

    def _require_own_split(self, instance: object, entry: Entry, split_key: str | None) -> None:
        # Loaded where a commit has expired it: nothing else would say why the statement reaches no row.
        split = getattr(instance, split_key) if entry.rule.artefact and split_key is not None else None
        if split is not None and _is_value(split) and not self._scope.holds(split):
            raise SplitAccessError(
                f"what was computed on {_text(split)!r} is written by scopes that hold {_text(split)!r}",
                remedy="open a scope that holds that split; information does not flow back to an earlier one",
                table=entry.name,
                scope=self._scope,
                split=_text(split),
            )

    def _holds(self, entry: Entry, split: object) -> bool:
        return self._scope.holds(split, artefact=entry.rule.artefact)

    def _require_tenant(self, state: InstanceState[Any], entry: Entry, tenant_key: str | None, verb: str) -> None:
        tenant = state.dict.get(tenant_key) if tenant_key is not None else None
        if tenant is None and tenant_key is not None and state.identity is not None:
            tenant = dict(zip(_identity_keys(state.mapper), state.identity, strict=False)).get(tenant_key)
        if tenant is not None and _is_value(tenant) and tenant != self._scope.tenant_id:
            raise _foreign(entry, tenant, self._scope, verb)

    def _closed(self, entry: Entry, split: object) -> SplitAccessError:
        named = _text(split)
        return SplitAccessError(
            f"an object of the split {named!r} is not for this session"
            if named is not None
            else "an object that was loaded with more splits is not for this session",
            remedy="use it in the session that loaded it, or open a scope that holds its split",
            table=entry.name,
            scope=self._scope,
            split=named,
        )


def _entries(mapper: Mapper[Any], registry: ScopeRegistry) -> _Entries:
    """The scoped tables of a mapper, each with the attributes that hold its tenant and its split."""
    known = _MAPPED.setdefault(registry, {})
    if mapper not in known:
        known[mapper] = tuple(
            (entry, _key(mapper, table, entry.rule.tenant_column), _key(mapper, table, entry.rule.split_column))
            for table in mapper.tables
            if (entry := registry.entry(table)) is not None
        )
    return known[mapper]


def _key(mapper: Mapper[Any], table: Any, name: str | None) -> str | None:
    for column in table.c if name is not None else ():
        if column.name == name and column in mapper._columntoproperty:
            return str(mapper.get_property_by_column(column).key)
    return None


@lru_cache(maxsize=4096)
def _identity_keys(mapper: Mapper[Any]) -> tuple[str, ...]:
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


def _state(instance: object) -> InstanceState[Any]:
    state: InstanceState[Any] = inspect(instance, raiseerr=True)
    return state


def _moved(state: InstanceState[Any], key: str) -> bool:
    if key not in state.committed_state:
        return False
    history = state.attrs[key].load_history()
    return bool(history.added) and list(history.added) != list(history.deleted or ())


def _is_value(value: object) -> bool:
    # An attribute may hold an SQL expression; what it comes to is checked where the statement runs.
    return not hasattr(value, "__clause_element__") and not hasattr(value, "compile")


def _text(split: object) -> str | None:
    return None if split is None else str(getattr(split, "value", split))


def _foreign(entry: Entry, tenant: object, scope: Scope, verb: str) -> CrossTenantError:
    return CrossTenantError(
        f"an object {verb} tenant {tenant!r}",
        remedy="work on it in a session of its own tenant",
        table=entry.name,
        scope=scope,
    )


def _append_only(entry: Entry, verb: str, scope: Scope) -> AppendOnlyError:
    return AppendOnlyError(
        f"rows of an append-only table are never {verb}",
        remedy="add a new object that corrects or supersedes the old one",
        table=entry.name,
        scope=scope,
    )
