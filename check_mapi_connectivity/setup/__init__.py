"""The set-up command: from an empty tenant to a check that works, with the least privilege.

Map: `command_line` turns the command line into Settings; `administrator` makes the administrator's
tokens, `tenant_api` speaks with Graph and Exchange; each thing to be made is a Step of `steps`;
`steps.work` goes through them; `proof` runs the check; `steps.on_paper` puts the plan on paper.
"""
