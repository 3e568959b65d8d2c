"""What every table is made of."""

from typing import Any, ClassVar

from sqlmodel import SQLModel

Json = dict[str, Any]


class Table(SQLModel):
    """Base of all tables, with names for every constraint so that migrations can speak of them."""

    metadata: ClassVar[Any] = SQLModel.metadata


Table.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
