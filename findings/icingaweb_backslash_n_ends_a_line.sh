#!/bin/bash
# Icinga DB Web 1.0.2: a backslash before `n` or `t` in the output of a check becomes a new line or a tab.
#
# One would guess: what a check prints is shown; a backslash is a letter like others.
# What happens: `LAB\nagios` is "LAB", a new line, "agios" on the page; `LAB\tess` gets a tab, `LAB\probe` stays. Icinga DB Web
# 1.1.3 does the same.
# Why it matters: names of Windows users and paths are read wrongly, and by one letter only, so that a trial with another name does
# not show it. Print `LAB/nagios`.

. "$(dirname "$0")/common.bash"
. "$here/icingaweb.bash"

icingaweb
is "the page" 'logon of LAB
agios refused, of LAB	ess, of LAB\probe' "$(page <<<'logon of LAB\nagios refused, of LAB\tess, of LAB\probe')"
