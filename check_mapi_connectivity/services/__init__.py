"""One file a service: what is asked, and what an answer means.

Opens no connection; tables of codes are in `codes`.
"""
