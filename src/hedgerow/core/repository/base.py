"""The synchronous repositories: methods build statements, thin executors run them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, delete, func, inspect, select, update
from sqlalchemy.orm import DeclarativeBase, QueryableAttribute, Session

from hedgerow.core.access import Access, refuse
from hedgerow.core.errors import AppendOnlyError, ScopeError, SplitAccessError
from hedgerow.core.filter import OpenScope, scope_of
from hedgerow.core.predicate import DELETED_AT, SOFT_DELETE_INFO, ScopeRule, scope_rule
from hedgerow.core.repository import filters as filtering
from hedgerow.core.repository.contract import Filters, Key
from hedgerow.core.repository.errors import FilterError, ReadOnlyError, RowNotFoundError
from hedgerow.core.scope import Split
from hedgerow.core.wall import UNSEALED_INFO, updatable_columns

T = TypeVar("T", bound=DeclarativeBase)

PAGE_SIZE = 1000


class BaseRepository(Generic[T]):
    """The rows of one table, within the scope of the session.

    A subclass names its ``model_class``; the other attributes are derived from it.

    :cvar model_class: the mapped class of the rows.
    :cvar table_name: name of the table.
    :cvar primary_key: the column that identifies a row within its tenant.
    :param session: a session that was opened with a scope; the caller commits.
    """

    model_class: type[T]
    table_name: ClassVar[str]
    primary_key: ClassVar[str]
    table: ClassVar[Table]
    _rule: ClassVar[ScopeRule | None]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        model = cls.__dict__.get("model_class")
        if model is None:
            return
        cls.table = inspect(model).local_table
        cls.table_name = cls.table.name
        cls._rule = scope_rule(cls.table)
        if "primary_key" not in cls.__dict__:
            tenant = cls._rule.tenant_column if cls._rule else None
            keys = [column.name for column in cls.table.primary_key if column.name != tenant]
            if len(keys) != 1:
                raise TypeError(f"{cls.__name__} must say its primary_key: {cls.table_name} has {keys or 'none'}")
            cls.primary_key = keys[0]

    def __init__(self, session: Session) -> None:
        if not isinstance(session, Session):
            raise TypeError(f"{type(self).__name__} needs a Session, not {type(session).__name__}")
        self.session = session

    # --- Questions ---------------------------------------------------------------------------------------------

    def get_by_id(self, id: Key, split: Split | str | None = None) -> T | None:
        """Return the row with that id, or None: unknown, deleted, or not in the scope.

        :param id: value of the primary key; what cannot be one identifies no row.
        :param split: restrict to one split of the scope. A row that is in another one is None, and is logged.
        :raises SplitAccessError: the scope does not hold the split.
        """
        statement = self.select(split)
        is_row = self._identified(id)
        if is_row is None:
            return None
        row = self.first(statement.where(is_row))
        if row is None and split is not None:
            self._log_other_split(is_row, split)
        return row

    def get_many(
        self, filters: Filters, split: Split | str | None = None, limit: int = 100, offset: int = 0
    ) -> list[T]:
        """Return at most ``limit`` rows whose columns equal the filters, in the order of the key.

        :param filters: column name to value: equality, IS NULL for None, IN for a list, tuple or set; empty for
            every row in the scope.
        :param split: restrict to one split of the scope; a filter on the split can only restrict further.
        :param limit: 0 gives an empty list. To read everything use :meth:`iterate`, which has no limit.
        :param offset: rows to skip; :meth:`iterate` is the faster way to page through a large table.
        :raises FilterError: unknown column, a value of another type, or a negative limit or offset.
        :raises SplitAccessError: the scope does not hold the split.
        """
        statement = self.ordered(filters, split)
        for name, number in (("limit", limit), ("offset", offset)):
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise FilterError(f"The {name} {number!r} is not a count.", remedy="give 0 or more")
        return self.rows(statement.limit(limit).offset(offset)) if limit else []

    def iterate(
        self, filters: Filters | None = None, split: Split | str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[T]:
        """Yield every row that :meth:`get_many` would give without a limit, in the order of the key.

        Rows are read as :meth:`pages` does.
        """
        return chain.from_iterable(self.pages(filters, split, page_size))

    def pages(
        self, filters: Filters | None = None, split: Split | str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[list[T]]:
        """Yield every row in lists of ``page_size``, the last one shorter; no list for no rows.

        Each page is a statement of its own that starts behind the last key: no cursor stays open, so the caller may
        write and commit in between. A row that is added meanwhile is seen if its key lies ahead.

        :raises FilterError: as :meth:`get_many`; at once, not with the first row.
        :raises SplitAccessError: the scope does not hold the split.
        """
        statement = self.ordered(filters, split)
        if not isinstance(page_size, int) or isinstance(page_size, bool) or page_size < 1:
            raise FilterError(f"The page size {page_size!r} is not a count.", remedy="give 1 or more")
        return self._pages(statement, page_size)

    def count(self, filters: Filters | None = None, split: Split | str | None = None) -> int:
        """Return how many rows :meth:`iterate` would yield."""
        inner = self.matching(filters, split).with_only_columns(self._key).subquery()
        return self.session.execute(select(func.count()).select_from(inner)).scalar_one()

    # --- Changes -----------------------------------------------------------------------------------------------

    def create(self, entity: T) -> T:
        """Insert ``entity`` and return it as stored: tenant, defaults, and the split of its patient are filled in.

        :raises ReadOnlyError: application sessions may not insert into the table.
        :raises TypeError: the entity is not a ``model_class``.
        """
        if not isinstance(entity, self.model_class):
            raise TypeError(f"{type(self).__name__} stores {self.model_class.__name__}, not {type(entity).__name__}")
        self._require("INSERT")
        self.session.add(entity)
        self.session.flush()
        # Triggers may have filled in what the insert sent as NULL.
        self.session.refresh(entity)
        return entity

    def update(self, id: Key, updates: Mapping[str, Any]) -> T:
        """Set the given columns and return the row; without any column it is returned as it is.

        :raises RowNotFoundError: no such row in the scope.
        :raises AppendOnlyError: rows of the table are never changed.
        :raises ReadOnlyError: the key, the tenant, the split or a computed column is among them.
        :raises FilterError: unknown column.
        """
        self._require("UPDATE")
        fixed = set(updates) - set(self._changeable())
        values = {filtering.column(self.model_class, name): value for name, value in updates.items()}
        if fixed:
            raise ReadOnlyError(
                f"{', '.join(sorted(fixed))} cannot be changed.",
                remedy="key, tenant and split are fixed when a row is written; insert another row",
                table=self.table_name,
            )
        is_row = self._identified(id)
        row = None
        if is_row is not None:
            row = self._set(is_row, values) if values else self.first(self.select().where(is_row))
        if row is None:
            raise RowNotFoundError(
                f"There is no row {id!r} in the scope.",
                remedy="check the id, and the tenant and splits of the scope",
                table=self.table_name,
                scope=self._opened().scope,
            )
        return row

    def delete(self, id: Key) -> bool:
        """Delete the row and tell whether one went away; False for an unknown id.

        A table with ``deleted_at`` keeps the row and sets it; the row then behaves as absent, unless the session was
        opened with ``include_deleted``.

        :raises AppendOnlyError: rows of the table are never deleted.
        :raises ReadOnlyError: application sessions may not delete from the table.
        """
        self._require("UPDATE" if self._soft_delete else "DELETE", "delete")
        is_row = self._identified(id)
        if is_row is None:
            return False
        if self._soft_delete:
            is_row &= filtering.column(self.model_class, DELETED_AT).is_(None)
        statement = delete(self.model_class).where(is_row).returning(self._key)
        # fetch: an object that the session holds for the row is deleted too.
        result = self.session.execute(statement, execution_options={"synchronize_session": "fetch"})
        return result.first() is not None

    # --- Statements --------------------------------------------------------------------------------------------

    def select(self, split: Split | str | None = None) -> Select[T]:
        """The statement that every question starts from: rows in the scope, of one split if given, not deleted.

        :raises SplitAccessError: the scope does not hold the split.
        """
        statement = select(self.model_class)
        if split is not None:
            statement = statement.where(self._split_column() == self._held(split))
        return statement

    def matching(self, filters: Filters | None = None, split: Split | str | None = None) -> Select[T]:
        """:meth:`select` restricted by filters."""
        statement = self.select(split)
        for name, value in (filters or {}).items():
            if self._rule is not None and name == self._rule.split_column:
                for wanted in value if isinstance(value, list | tuple | set | frozenset) else (value,):
                    # No split is nobody's to ask for: such rows are in no scope.
                    _ = wanted is None or self._held(wanted)
            statement = statement.where(filtering.condition(self.model_class, name, value))
        return statement

    def ordered(self, filters: Filters | None = None, split: Split | str | None = None) -> Select[T]:
        """:meth:`matching` in the order of the key."""
        return self.matching(filters, split).order_by(self._key)

    # --- Executors ---------------------------------------------------------------------------------------------

    def rows(self, statement: Select[T]) -> list[T]:
        """Run a statement and return its rows as models."""
        return [self._to_model(row) for row in self.session.execute(statement)]

    def first(self, statement: Select[T]) -> T | None:
        """Run a statement and return its first row as a model, None when it has none."""
        row: T | None = self._to_model(self.session.execute(statement.limit(1)).first())
        return row

    def _to_model(self, data: Any) -> Any:
        """Build the model from one row: None stays None, a model stays itself, a mapping gives its columns."""
        if data is None or isinstance(data, self.model_class):
            return data
        if isinstance(data, Row) and len(data) == 1 and isinstance(data[0], self.model_class):
            return data[0]
        values = data._mapping if isinstance(data, Row) else data
        return self.model_class(**{filtering.column(self.model_class, name).key: values[name] for name in values})

    # --- Inside ------------------------------------------------------------------------------------------------

    @property
    def _key(self) -> QueryableAttribute[Any]:
        return filtering.column(self.model_class, self.primary_key)

    @property
    def _soft_delete(self) -> bool:
        return bool(self.table.info.get(SOFT_DELETE_INFO))

    def _identified(self, id: Key) -> ColumnElement[bool] | None:
        """``key = id``; None when no key is like that."""
        try:
            value = filtering.coerced(self.model_class, self.primary_key, id)
        except FilterError:
            return None
        is_row: ColumnElement[bool] = self._key == value
        return is_row

    def _set(self, is_row: ColumnElement[bool], values: Mapping[Any, Any]) -> T | None:
        statement = update(self.model_class).where(is_row).values(dict(values)).returning(self.model_class)
        # The row comes back as stored, and refreshes the object that the session may hold for it.
        options = {"synchronize_session": False, "populate_existing": True}
        row: T | None = self.session.scalars(statement, execution_options=options).first()
        return row

    def _pages(self, statement: Select[T], page_size: int) -> Iterator[list[T]]:
        page = statement
        while rows := self.rows(page.limit(page_size)):
            # Read before the rows are handed out: a commit of the caller would expire them.
            last = getattr(rows[-1], self._key.key)
            more = len(rows) == page_size
            yield rows
            if not more:
                return
            page = statement.where(self._key > last)

    def _split_column(self) -> QueryableAttribute[Any]:
        if self._rule is None or self._rule.split_column is None:
            raise FilterError("The table knows no splits.", remedy="leave the split out", table=self.table_name)
        return filtering.column(self.model_class, self._rule.split_column)

    def _opened(self) -> OpenScope:
        opened = scope_of(self.session.connection())
        if opened is None:
            raise ScopeError(
                "The session of a repository has no scope.",
                remedy="open it with open_session(Scope(...))",
                table=self.table_name,
            )
        return opened

    def _must_be_unsealed(self) -> None:
        """Refuse to change rows that every scope reads from a scope that holds a sealed split.

        The wall would say of an UPDATE or DELETE that there is no such row.
        """
        if UNSEALED_INFO not in self.table.info or (self._rule is not None and self._rule.partial):
            return
        scope = self._opened().scope
        sealed = scope.closed_splits
        if sealed:
            self._log_refusal(sealed[0], "rows that every scope reads are not written from a sealed split")
            raise SplitAccessError(
                f"Every scope of the tenant reads {self.table_name}, and this one holds {sealed[0].value!r}.",
                remedy="write in a session whose scope holds neither test nor holdout",
                table=self.table_name,
                scope=scope,
                split=sealed[0].value,
            )

    def _held(self, split: Split | str) -> Split:
        """The split, if the scope holds it; else a refusal, which is logged."""
        try:
            wanted = Split(split)
        except ValueError:
            raise FilterError(
                f"{split!r} is not a split.", remedy=f"use one of {', '.join(Split)}", table=self.table_name
            ) from None
        scope = self._opened().scope
        if scope.holds(wanted, artefact=self._rule is not None and self._rule.artefact):
            return wanted
        self._log_refusal(wanted, "the scope does not hold the split")
        raise SplitAccessError(
            f"The split {wanted.value!r} is not in the scope.",
            remedy=f"open a session whose scope holds {wanted.value!r}",
            table=self.table_name,
            scope=scope,
            split=wanted.value,
        )

    def _log_other_split(self, is_row: ColumnElement[bool], split: Split | str) -> None:
        # Only splits of the scope can be told apart from nothing: the others are as absent to us as to the caller.
        found = self.session.execute(select(self._split_column()).where(is_row)).scalar()
        if found is not None:
            self._log_refusal(Split(split), f"a row was asked for by id in this split and is in {Split(found).value}")

    def _log_refusal(self, split: Split, reason: str) -> None:
        opened = self._opened()
        access = Access(opened.scope, self.table_name, split.value, False, opened.caller, reason)
        refuse(opened.access_log, access)

    def _changeable(self) -> dict[str, QueryableAttribute[Any]]:
        fixed = {column.name for column in self.table.columns} - set(updatable_columns(self.table))
        return {
            name: attribute
            for name, attribute in filtering.columns(self.model_class).items()
            if attribute.property.columns[0].name not in fixed
        }

    def _require(self, privilege: Literal["INSERT", "UPDATE", "DELETE"], verb: str | None = None) -> None:
        verb = verb or privilege.lower()
        if privilege != "INSERT" and self.table.info.get("hedgerow.append_only"):
            raise AppendOnlyError(
                f"A row cannot be {verb}d: the table is append-only.",
                remedy="insert a new row that corrects the old one",
                table=self.table_name,
            )
        if privilege not in getattr(self.model_class, "__app_privileges__", ()):
            raise ReadOnlyError(
                f"Application sessions may not {verb} its rows.",
                remedy="the owner of the schema does",
                table=self.table_name,
            )
        self._must_be_unsealed()


class SplitAwareRepository(BaseRepository[T]):
    """The rows of a table that belong to an ML split.

    ``test`` and ``holdout`` are never offered: naming one is refused and logged, unless the session was opened for
    an evaluation that holds it.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "model_class" in cls.__dict__ and (cls._rule is None or cls._rule.split_column is None):
            raise TypeError(f"{cls.__name__} is split-aware, and {cls.table_name} knows no splits")

    def get_training_data(self, filters: Filters | None = None) -> list[T]:
        """Return every row of the training split, in the order of the key: never truncated.

        It is one statement, hence one moment of the database. A set that does not fit into memory is read by
        :meth:`iterate`.

        :raises SplitAccessError: the scope does not hold ``train``.
        """
        return self.rows(self.ordered(filters, Split.TRAIN))

    def get_validation_data(self, filters: Filters | None = None) -> list[T]:
        """Return every row of the validation split, as :meth:`get_training_data` does."""
        return self.rows(self.ordered(filters, Split.VALIDATION))
