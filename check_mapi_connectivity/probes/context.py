"""What a probe is given, and what it is."""

from __future__ import annotations

from ..base.value import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..base.cache import Cache
    from ..base.deadline import Deadline
    from ..base.options import Account, Server, Targets
    from ..base.report import Report
    from ..network.shared_logon import Logon
    from ..network.transport import Transport
    from ..signin.identity import SignIn

    class Probe(Protocol):
        """One way to test a mailbox. It lives through the tries of one run."""

        def run(self) -> None:
            """Try once and fill in the report.

            Raises CheckFailure when the mailbox was not logged on to and listed, UsageError.
            """

        def end(self) -> None:
            """Put in order what the last try left behind; raises nothing."""


#: Response headers that Microsoft support asks for, or that tell which server answered.
ID_HEADERS = ("request-id", "X-FEServer", "X-BEServer", "X-CalculatedBETarget", "X-FailureContext")


class ProbeContext(NamedTuple):
    """What a probe is given: the report to fill in, which says for which mailbox, and everything
    to do it with.

    `logon` is shared by all tests of a run, `transport` by those of one thread.
    """

    targets: Targets
    account: Account
    server: Server
    transport: Transport
    sign_in: SignIn
    logon: Logon
    cache: Cache
    report: Report
    deadline: Deadline
