"""A whole lesson under faults: every durable push that the tables name, while workers and the server are killed.

actor       one user: pushes what the tables let its role push, and keeps what it is sent, amended as it goes
deed        the pushes of a role, and a payload for each
judge       the journal's fold against what every client has and every worker tells
drill       plays it on a site
"""
