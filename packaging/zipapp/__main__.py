"""What the zipapp starts: the check, or the set-up command where it is called by that name.

Older Pythons must be able to read this file, so that they can print the line about their version:
write nothing newer here.
"""

import os
import sys

if sys.version_info < (3, 9):
    sys.stdout.write(
        "MAPI UNKNOWN - Python 3.9 or newer is needed, this is "
        + sys.version.split()[0]
        + "; name it: python3.9 "
        + os.path.basename(sys.argv[0])
        + " ...\n"
    )
    sys.exit(3)
if os.path.basename(sys.argv[0]).startswith("check_mapi_connectivity_setup"):
    from check_mapi_connectivity.setup.__main__ import run
else:
    from check_mapi_connectivity.__main__ import run
run()
