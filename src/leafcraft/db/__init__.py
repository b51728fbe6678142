"""The databases: tables, engines, the writing connection and its troubles; nothing else knows a dialect."""

from leafcraft.db.database import Database, Reader, unreferred
from leafcraft.db.keyset import Page, keyset
from leafcraft.db.tables import Base, Digest, Id, Json, MediumBytes, Moment, Sum, text
from leafcraft.db.transaction import (
    Change,
    GuardHeld,
    Link,
    Revise,
    Row,
    Source,
    Statement,
    Transaction,
    Upsert,
    Write,
    digests,
    ids,
)
from leafcraft.db.troubles import Trouble, trouble_of

__all__ = [
    "Base",
    "Change",
    "Database",
    "Digest",
    "GuardHeld",
    "Id",
    "Json",
    "Link",
    "MediumBytes",
    "Moment",
    "Page",
    "Reader",
    "Revise",
    "Row",
    "Source",
    "Statement",
    "Sum",
    "Transaction",
    "Trouble",
    "Upsert",
    "Write",
    "digests",
    "ids",
    "keyset",
    "text",
    "trouble_of",
    "unreferred",
]
