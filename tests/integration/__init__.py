"""The check under real schedulers on loopback: what only a machine with Icinga 2, Nagios and Icinga
Web can show. `make test-integration`, as root.
"""

import pytest

pytest.register_assert_rewrite(f"{__name__}.packages")
