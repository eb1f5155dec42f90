"""Reports -> state, first line, diagnosis, performance data, JSON; the way in is `conclusion`.

Asks nobody.
"""
