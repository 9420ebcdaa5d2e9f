"""Vocabularies as columns: native types, VARCHAR or TEXT with a CHECK list."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable

from hedgerow.core.types import ENUM_TYPES, check_enum


@check_enum("short_kind", length=None)
class ShortKind(StrEnum):
    """A vocabulary of this test."""

    A = "a"
    B = "b"


class Base(DeclarativeBase):
    type_annotation_map = {ShortKind: ENUM_TYPES[ShortKind]}


class Thing(Base):
    """A table of this test; it is in no metadata that anybody else knows."""

    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[ShortKind]
    second: Mapped[ShortKind | None]


def test_a_vocabulary_without_a_length_is_text_with_a_check_of_each_column() -> None:
    ddl = str(CreateTable(Thing.__table__).compile(dialect=postgresql.dialect()))
    assert "first TEXT NOT NULL" in ddl
    assert "second TEXT" in ddl
    assert ddl.count("IN ('a', 'b')") == 2
