"""Access tokens: from the cache, from Entra, from a virtual machine; the way in is `identity`.

Sends no password more often than it must.
"""
