"""The server: one page and one API for looking and recognising, on this machine, for whoever holds a key.

``app`` puts it together. A request passes the observer (id, log line, metrics) and the guard (names, key, size, speed),
then one of the routes in ``api``; those share a ``service``. Needs the extra ``web``.
"""
