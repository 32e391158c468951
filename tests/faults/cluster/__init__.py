"""Kills the parts of a cluster under load (workers, Redis, the database, clients' lines), and checks what clients saw.

    connection <- pupil <- roster of pupils <- schedule's faults on a site of real processes -> verdict, timeline

The pupils write down what they see; `verdict` judges their diaries and `timeline` measures them. None of it looks into
the server.
"""
