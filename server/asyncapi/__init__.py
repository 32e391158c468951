"""What the protocol is, as an AsyncAPI 3.0 document that is made of the code which runs."""

from server.asyncapi.contract import TABLES, Tables
from server.asyncapi.document import make_document

__all__ = ["TABLES", "Tables", "make_document"]
