"""Words of a command line: read by a plain loop, by argparse where they are odd; and the help."""
