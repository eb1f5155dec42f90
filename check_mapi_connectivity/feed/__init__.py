"""`--submit`: gives each mailbox's result to a passive service of its own; the way in is `feeder`.

Knows neither probes nor command line: it is given reports, and what the options say.
"""
