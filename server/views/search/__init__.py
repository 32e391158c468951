"""Finding what was said, for every role."""

from server.views.search.search import SEARCH, SearchPage

handlers = [(SEARCH, SearchPage)]
