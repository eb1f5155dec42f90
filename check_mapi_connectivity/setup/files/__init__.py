"""What the set-up command reads and writes: whose a directory is, and what it has made there."""
