"""The recording of a run: kept without secrets, written to a file, played again without network."""
