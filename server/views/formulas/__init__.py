"""The formulas in what users write, for the scripts of all pages that show texts."""

from server.views.formulas.formulas import Formulas

handlers = [(r"/formulas", Formulas)]
