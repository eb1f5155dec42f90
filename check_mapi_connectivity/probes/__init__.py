"""Logs on to mailboxes: one file a method, many at a time; the way in is `runner.Runner`.

Judges nothing.
"""
