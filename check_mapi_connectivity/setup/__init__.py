"""The set-up command: from an empty tenant to a check that works, with the least privilege.

Map: `cli` turns the command line into Settings; `signin` makes the administrator's tokens,
`service` speaks with Graph and Exchange; each thing to be made is a Step of `plan`, in
`entra_steps`, `exchange_steps`, `scope_steps` and `file_steps`; `work` goes through the steps;
`proof` runs the check; `words` puts the plan on paper.
"""
