"""One request out, one Answer back; the way in is `transport.Transport`.

Name, TCP, proxy and TLS are timed, and each has a failure of its own. Knows no service and no
mailbox.
"""
