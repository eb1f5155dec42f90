"""Groups of options that are tables of their own; `option_table` has them beside its own."""
