"""What raw SQL may say: text that names a scoped relation, or would change the scope, needs a reason.

The compiler marks every identifier that it renders from a construct. What is left unmarked in the finished
statement came from text, from whatever construct: ``text()``, ``literal_column()``, a prefix, a hint, an operator,
a type, a custom ``@compiles``. So one scan of the finished statement finds them all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final

from sqlalchemy.sql.elements import quoted_name

from hedgerow.core.errors import ScopeError
from hedgerow.core.filter.registry import folded

logger = logging.getLogger("hedgerow.scope")

#: Execution option that carries the reason of marked text.
OPTION: Final = "hedgerow_unscoped_sql"

_MARKED: ContextVar[str | None] = ContextVar("hedgerow_unscoped_sql", default=None)

_CHANGES_SETTINGS: Final = "set_config open_scope row_security session_authorization"
_RUNS_TEXT: Final = """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema
    table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
    schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema
    ts_stat ts_rewrite crosstab connectby dblink dblink_exec dblink_open dblink_send_query
    pg_read_file pg_read_binary_file lo_import lo_export
"""
_SHOWS_OTHERS: Final = """
    pg_stats pg_stats_ext pg_stats_ext_exprs pg_statistic pg_statistic_ext_data
    pg_stat_activity pg_stat_statements pg_cursors pg_prepared_statements pg_settings
"""

#: Words that no raw text may hold: functions that run SQL given as data or change settings, and relations that
#: show samples of every tenant's data or what other sessions run, or that change settings when updated.
FORBIDDEN: Final = frozenset(f"{_CHANGES_SETTINGS} {_RUNS_TEXT} {_SHOWS_OTHERS}".split())

#: Relations that no construct may read or write either.
FORBIDDEN_RELATIONS: Final = frozenset(_SHOWS_OTHERS.split())

_GAP: Final = r"(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)*"
_STATEMENT: Final = re.compile(
    rf"(?:^|;){_GAP}(?P<verb>SET|RESET|COPY|DO|COMMIT|END|ABORT|BEGIN|START|DISCARD|ROLLBACK)\b(?P<rest>[^;]*)",
    re.IGNORECASE,
)
_SCOPE_SETTING: Final = re.compile(
    r"\b(?:app\s*\.|\"app|role|session|authorization|row_security|search_path|all)\b|\"app\"", re.IGNORECASE
)
_HARMLESS_ROLLBACK: Final = re.compile(r"^\s*(?:(?:WORK|TRANSACTION)\s+)?(?:TO|PREPARED)\b", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"(?<!%)%\(\w+\)s")
_WORD: Final = re.compile(r"(?P<word>[^\W\d][\w$]*)\"?(?P<dot>\.)?")
_IDENTIFIER: Final = r"(?:\"(?:[^\"]|\"\")*\"|[^\W\d][\w$]*)"
_UNICODE_ESCAPE: Final = re.compile(r"\b[uU]&[\"']")


class unscoped_sql(Mapping[str, Any]):
    """Mark raw SQL as intended, with the reason; each use is logged to ``hedgerow.scope``.

    Either as execution options of one statement::

        session.execute(text("..."), execution_options=unscoped_sql("nightly row count"))

    or around several::

        with unscoped_sql("nightly row count"):
            session.execute(text("..."))

    It lifts the refusal of raw text only. Constructs stay filtered, and row-level security holds in any case.

    Raises:
        ScopeError: the reason is empty.
    """

    def __init__(self, reason: str) -> None:
        if not reason.strip():
            raise ScopeError("raw SQL is marked without a reason", remedy="say why, as in unscoped_sql('...')")
        self.reason = reason
        self._tokens: list[Token[str | None]] = []

    def __getitem__(self, key: str) -> Any:
        return {OPTION: self.reason}[key]

    def __iter__(self) -> Iterator[str]:
        return iter((OPTION,))

    def __len__(self) -> int:
        return 1

    def __enter__(self) -> unscoped_sql:
        self._tokens.append(_MARKED.set(self.reason))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _MARKED.reset(self._tokens.pop())


def reason_given(options: Mapping[str, Any]) -> str | None:
    """Return the reason with which raw text was marked, in the options or around the call."""
    reason = options.get(OPTION)
    return reason if isinstance(reason, str) and reason.strip() else _MARKED.get()


def scan(sql: str, names: frozenset[str], mark: str | None = None) -> str | None:
    """Return what makes ``sql`` refused, in words, or ``None``.

    Words in strings, quotes and comments count as well: functions can run text that is in them, and where they
    begin and end only the server's own lexer knows for sure.

    Args:
        sql: a finished statement.
        names: names of scoped relations, in lower case.
        mark: the mark in front of identifiers that come from constructs.
    """
    text = _PARAMETER.sub("?", sql)
    if mark is not None:
        text = re.sub(re.escape(mark) + _IDENTIFIER, "_", text)
    if _UNICODE_ESCAPE.search(text):
        return "an identifier in Unicode escapes"
    for found in _WORD.finditer(text):
        word = folded(found["word"])
        if word in FORBIDDEN:
            return word
        # `t.column` reads what FROM holds already; a relation is never followed by a dot.
        if word in names and found["dot"] is None:
            return f"the scoped relation {word}"
    return _statement(text)


def mark_words(text: str, names: frozenset[str], mark: str) -> str:
    """Mark every guarded word in ``text``, which is known to come from a construct."""
    return _WORD.sub(lambda found: mark + found[0] if guarded(found["word"], names) else found[0], text)


def guarded(name: str, names: frozenset[str]) -> bool:
    """Whether an identifier has to be marked, so that it is not taken for raw text."""
    return (word := folded(name)) in names or word in FORBIDDEN


def marking(preparer: Any, mark: str, names: frozenset[str]) -> Any:
    """Return ``preparer``, made to mark the identifiers that it renders and to quote those that need it.

    ``quoted_name(..., quote=False)`` would let any text pass as an identifier.
    """
    kind = type(preparer)

    class Marking(kind):  # type: ignore[misc, valid-type]
        hedgerow_marks = True

        def quote(self, ident: str) -> str:
            unquoted = getattr(ident, "quote", None) is False and not ident.startswith("__[SCHEMA_")
            if unquoted and self._requires_quotes_illegal_chars(ident):
                ident = quoted_name(str(ident), True)
            text: str = super().quote(ident)
            return mark + text if guarded(ident, names) else text

    marked = Marking.__new__(Marking)
    marked.__dict__.update(preparer.__dict__)
    return marked


def _statement(text: str) -> str | None:
    for found in _STATEMENT.finditer(text):
        verb, rest = found["verb"].upper(), found["rest"]
        if verb in ("SET", "RESET"):
            if _SCOPE_SETTING.search(rest):
                return f"{verb} of a setting that carries the scope"
        elif verb == "ROLLBACK":
            if not _HARMLESS_ROLLBACK.match(rest):
                return "ROLLBACK, which ends the transaction that holds the scope"
        elif verb in ("COMMIT", "END", "ABORT", "BEGIN", "START"):
            if not (verb == "COMMIT" and re.match(r"\s*PREPARED\b", rest, re.IGNORECASE)):
                return f"{verb}, which belongs to the session"
        else:
            return verb
    return None
