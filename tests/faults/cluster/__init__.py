"""Kills parts of a cluster under load (workers, Redis, the database, connections) and checks what clients saw.

    connection <- pupil <- roster of pupils <- schedule's faults on a site of real processes -> verdict, timeline

The pupils record what they see; `verdict` judges their diaries and `timeline` measures them. Nothing inspects the
server.
"""
