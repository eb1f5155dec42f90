#!/bin/bash
# RRDtool 1.7.2: a state of 2 that was stored is read back as 0.33 and 1.67, though nothing was averaged.
#
# One would guess: a GAUGE with one result a step and one result a point gives the results back as they were.
# What happens: a value counts for the time back to the result before it, and points begin at multiples of the step since 1970. What
# does not fall on them is shared out: a result of second 50 is five sixths of one point and one sixth of the next, in RRA:MAX too.
# Why it matters: exit codes, or a number of failed mailboxes, have values that no check had, and an alarm on `== 2` misses the only
# CRITICAL. Compare with `> 0`, or give rrdtool the time rounded to the step.

. "$(dirname "$0")/common.bash"
debian rrdtool=1.7.2-4+b8 librrd8 libdbi1 libcairo2 libpango-1.0-0 libpangocairo-1.0-0 libpangoft2-1.0-0 libxml2 libglib2.0-0 \
    libpng16-16 libpixman-1-0 libfontconfig1 libfreetype6 libxcb-{shm,render}0 libxcb1 libxrender1 libx11-6 libxext6 \
    libharfbuzz0b libthai0 libdatrie1 libfribidi0 libgraphite2-3 libicu72 libexpat1 libbrotli1 libxau6 libxdmcp6 libbsd0 libmd0
export LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu):$(echo "$folder"/lib/*-linux-gnu) TZ=UTC LC_ALL=C

# points SECOND: what is read of the states 0, 2, 0, 0, stored at this second of each minute.
points() {
    local start=1700000040 minute
    rm -f state.rrd
    usr/bin/rrdtool create state.rrd --start $((start - 60)) --step 60 DS:state:GAUGE:120:0:3 RRA:MAX:0.5:1:9
    minute=$start
    for state in 0 2 0 0; do
        usr/bin/rrdtool update state.rrd "$((minute + $1)):$state"
        minute=$((minute + 60))
    done
    usr/bin/rrdtool fetch state.rrd MAX -s $start -e $((start + 120)) | awk '/^[0-9]/ { printf "%.2f ", $2 }'
}
is "0, 2, 0, 0 at the full minute" "2.00 0.00 0.00 " "$(points 0)"
is "0, 2, 0, 0 ten seconds before it" "0.33 1.67 0.00 " "$(points 50)"
