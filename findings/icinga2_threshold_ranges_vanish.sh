#!/bin/bash
# Icinga 2.13.6: a limit that is a range is not in what it sends to Graphite.
#
# One would guess: of `latency=3s;1:2;@4:5` the ranges are sent as they are, or their upper ends.
# What happens: limits that are one number are sent; a range of the plugin format, even `0:2`, which is the same as `2`, is
# left out without a message. The value itself is sent. The PerfdataWriter, beside it, keeps the ranges.
# Why it matters: the line of the limit is missing in the graph of just that mailbox, and its alarm in Grafana compares with
# nothing. Print a plain number where a range starts at 0.

. "$(dirname "$0")/common.bash"
. "$here/icinga.bash"
icinga
icinga_graphite "MAPI OK | plain=3s;4;5 ranges=3s;1:4;@4:5 zero=3s;0:4;0:5"
await received 15
is "values and limits at Graphite" "plain.crit 5
plain.value 3
plain.warn 4
ranges.value 3
zero.value 3" "$(points)"
