"""What every table shares: one base class, and column types that mean the same in every database."""

from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, Numeric, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, mapped_column

_BigInt = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite numbers rows itself only for INTEGER

Id = Annotated[int, mapped_column(_BigInt, primary_key=True, autoincrement=True)]
"""A row's own number, given by the database."""
Moment = Annotated[int, mapped_column(BigInteger)]
"""Microseconds since 1970, UTC (see `leafcraft.times`)."""
Sum = Annotated[int, mapped_column(Numeric(38, 0).with_variant(BigInteger, "sqlite"))]
"""What many numbers come to, which may be more than 64 bits hold."""
Digest = Annotated[
    bytes, mapped_column(LargeBinary(32).with_variant(mysql.BINARY(32), "mysql", "mariadb"))
]
"""A SHA-256."""
MediumBytes = Annotated[
    bytes, mapped_column(LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"))
]
"""Up to 16 MiB as they are."""
Json = Annotated[str, mapped_column(Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"))]
"""JSON as text: written once and handed on, never queried into."""


def text(chars: int) -> String:
    """A string of at most so many characters, compared to the letter in every database."""
    return String(chars)


class Base(DeclarativeBase):
    """Declares a table. MySQL's default collations take A for a: `utf8mb4_bin` does not."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BigInteger}
    __table_args__: Any = {  # noqa: RUF012 SQLAlchemy wants it so
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_bin",
        "mariadb_engine": "InnoDB",
        "mariadb_charset": "utf8mb4",
        "mariadb_collate": "utf8mb4_bin",
        "sqlite_autoincrement": True,
    }
