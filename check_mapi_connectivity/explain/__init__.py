"""`--explain`: says what a command line would do, without doing it; the way in is `text.build`.

Sends nothing.
"""
