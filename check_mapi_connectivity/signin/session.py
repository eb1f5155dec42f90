"""What a sign-in is given: by the test that wants a token, or by the set-up command."""

from __future__ import annotations

from ..base.value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..base.cache import Cache
    from ..base.deadline import Deadline
    from ..base.options import Account
    from ..base.report import Report
    from ..network.transport import Transport


class Session(NamedTuple):
    """The means of one sign-in: connections, what earlier runs left, the report that time is
    charged to, and when all must be over.
    """

    account: Account
    transport: Transport
    cache: Cache
    report: Report
    deadline: Deadline
