"""Values and words that every room shares: no network, nothing heavy.

Knows no other room.
"""
