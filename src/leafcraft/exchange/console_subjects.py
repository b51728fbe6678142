"""What can be imported in the console, and the words it is explained with."""

from collections.abc import Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """A column that a file may have."""

    name: str
    said: str
    needed: bool = False


class Subject(NamedTuple):
    """What the rows of a file are."""

    name: str
    one: str
    many: str
    """Their words: `order`, `orders`."""
    lead: str
    columns: Sequence[Column]
    example: str

    @property
    def home(self) -> str:
        return f"/console/{self.name}"

    @property
    def path(self) -> str:
        return f"{self.home}/import"

    @property
    def file(self) -> str:
        """Where all of them can be had as a file, which can be imported again."""
        return f"{self.home}/export.csv"

    @property
    def operation(self) -> str:
        return f"import_{self.name}"

    @property
    def export(self) -> str:
        return f"export_{self.name}"


PRODUCTS = Subject(
    "products",
    "product",
    "products",
    "Add products and edit them, many at once. Each row finds its product by the sku.",
    (
        Column("sku", "Which product it is. One that is new is added.", needed=True),
        Column("name", "Needed of a new product."),
        Column("price", "Needed of a new product; with a point, such as 12.50."),
        Column("archived", "true or false."),
        Column("reorder_point", "From how many on it counts as low."),
        Column("reorder_quantity", "How many you order then."),
    ),
    "sku,name,price\nFERN-12,Boston fern,18.50\nPOT-5,Clay pot,4.20\n",
)
STOCK = Subject(
    "stock",
    "level",
    "levels",
    "Set stock to what you have counted. Where it differs, the difference is booked as a count.",
    (
        Column("sku", "Which product was counted.", needed=True),
        Column("on_hand", "How many are there. Left empty, it was not counted.", needed=True),
        Column("location", "The code of the location; left empty, main."),
    ),
    "sku,location,on_hand\nFERN-12,main,42\nPOT-5,main,118\n",
)
ORDERS = Subject(
    "orders",
    "order",
    "orders",
    "Place orders, many at once, at the present prices. They wait as Pending until they are confirmed.",
    (
        Column(
            "reference",
            "Your own number for the order. Rows that follow each other with the same one are one order;"
            " one that is there already stays as it is.",
            needed=True,
        ),
        Column("sku", "Which product is ordered.", needed=True),
        Column("quantity", "How many of it.", needed=True),
        Column("customer_name", "In the order's first row, as all that follows."),
        Column("customer_email", ""),
        Column("customer_phone", ""),
        Column("note", ""),
    ),
    "reference,sku,quantity,customer_name\n"
    "SHOP-1001,FERN-12,2,Ada Green\nSHOP-1001,POT-5,2,\nSHOP-1002,POT-5,1,Max Moss\n",
)
