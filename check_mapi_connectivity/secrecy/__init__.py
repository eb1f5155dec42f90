"""What must show nowhere: by name, by value, in reports, in recordings.

Knows no network.
"""
