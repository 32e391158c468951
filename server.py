"""Lousa, the live classroom of a school. `python server.py --help` says what it can do."""

from server.cli.main import main

if __name__ == "__main__":
    main()
