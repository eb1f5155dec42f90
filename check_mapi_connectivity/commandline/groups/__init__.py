"""Groups of the table of options (`option_table`) that have a file of their own."""
