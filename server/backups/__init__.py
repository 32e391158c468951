"""Backups of a school's databases: made while the server serves, checked, and restored.

    python server.py backup DIR
        journal, accounts, audit -> one moment (snapshot.py) -> copies -> checked -> DIR with backup.json (manifest.py)
    python server.py restore DIR
        DIR -> verified -> staged beside the databases -> a new journal's name, no id given twice -> in their place

The reasons: docs/notes/backup.md.
"""
