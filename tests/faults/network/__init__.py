r"""Puts a bad network between clients and the server and checks what clients received and what was stored.

    pages (the browser's client, in Node)  \
    pupils (Python, both transports)        >  proxy: loses, kills, swallows, delays, cuts  ->  workers
    stock clients (npm `phoenix`)          /

Each client's diary is judged like those of a cluster; the counts of stock clients are reported, not judged.
"""
