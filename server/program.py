"""How this Lousa is called, for messages that name a command."""

from pathlib import Path

# A clone has server.py; an installed package has the command `lousa`.
PROGRAM = "python server.py" if (Path(__file__).parents[1] / "server.py").exists() else "lousa"
