r"""Cuts the lines of two machines, each with a whole server, and checks what clients saw.

    pupils, readers, office -+- machine 1: a server with 2 workers \  each line loses packets, one way or both,
    (both transports)        +- machine 2: likewise                 >  to PostgreSQL, to Redis, or to both
                             +- a balancer to both: 1, 2           /   -> PostgreSQL and Redis on this machine

The class is the one of `tests.faults.cluster`, with the same verdict; `office` adds announcements with receipts.
"""
