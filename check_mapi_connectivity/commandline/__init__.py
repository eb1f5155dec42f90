"""argv, ini file, environment and files -> Options; the way in is `parse.parse`.

Knows nothing of networks and services.
"""
