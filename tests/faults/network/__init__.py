r"""Puts a bad network between clients and the server, and checks what clients were shown and what was stored.

    pages (the browser's client, in Node)  \
    pupils (Python, both transports)        >  proxy: loses, kills, swallows, delays, cuts  ->  workers
    stock clients (npm `phoenix`)          /

Each client's diary is judged by the same judge as the cluster's; what stock clients saw is told, not judged.
"""
