"""Where Kerberos is wanted of the check, an Exchange Server and a proxy, each with a KDC of its own
that holds against some accounts what their names say.
"""

from __future__ import annotations

import os
import re

from check_mapi_connectivity.result import output

from ..conftest import mapi_perfdata
from .ways import expected

#: Accounts that get no ticket, and their password of before.
REFUSED = ("stale", "verified", "deleted", "disabled", "expired", "outdated")
OLD = "Old.Secret.123"

#: Characters of a first line, before its performance data.
_WIDTH = 120

#: Runs a program as one whom the modes of files bind; of all users root alone is none already.
_BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--")


def furnish(realm):
    """Makes the accounts of `REFUSED`; name -> the keytab of before."""
    for name in REFUSED:
        realm.administer(f'addprinc -pw "{OLD}" {name}@LAB.TEST')
    keytabs = {name: realm.keytab(f"{name}.keytab", f"{name}@LAB.TEST").name for name in REFUSED}
    realm.administer(
        'cpw -pw "another" stale@LAB.TEST',
        # As in Active Directory: the KDC itself sees that the key is a wrong one.
        "modprinc +requires_preauth verified@LAB.TEST",
        'cpw -pw "another" verified@LAB.TEST',
        "delprinc -force deleted@LAB.TEST",
        "modprinc -allow_tix disabled@LAB.TEST",
        'modprinc -expire "2020-01-01 00:00:00" expired@LAB.TEST',
        'modprinc -pwexpire "2020-01-01 00:00:00" outdated@LAB.TEST',
    )
    return keytabs


class Place:
    """`place(*words, user=..., password=..., host=..., **environment)` -> one run there.

    `realm` is the acceptor whose KDC is asked. Without a user a ticket or keytab logs on, which
    `environment` names; `bound` runs the check as one who may read only what he is let.
    """

    def run(self, *words, **keywords):
        """One run."""
        raise NotImplementedError

    def __call__(
        self, *words, user=None, password=None, host="localhost", bound=False, **variables
    ):
        before = _BOUND if bound and os.geteuid() == 0 else ()
        keywords = {"password": password, "host": host, "before": before, **variables}
        return self.run(*words, user=user, **keywords)

    def expected(self, state, cause, remedy, **values):
        """What `told` finds where a run fails so; `state` is that of its kind at a server, `values`
        what its performance data has besides the usual.
        """
        remedy = self.own_words(remedy)
        state = self.state or state
        lead = f"MAPI {state} - {self.lead}"
        bare, _, number = cause.rpartition(" (")
        room = _WIDTH - len(f"MAPI CRITICAL - {self.lead}")
        line = lead + output.sentence(bare or cause, bare and number[:-1], remedy, room)
        code = {"CRITICAL": 2, "UNKNOWN": 3}[state]
        return line, remedy, code, self.perfdata(**values)

    def own_words(self, remedy):
        """A remedy that names the options of this place."""
        return remedy


def told(run):
    """First line, remedy, exit code and performance data of a run."""
    remedies = re.findall("\n  remedy        (.*(?:\n {16}.*)*)", run.diagnosis)
    whole = [re.sub("\n +", " ", one) for one in remedies]
    return run.line, "; ".join(whole), run.code, run.perfdata


class AtServer(Place):
    """Method mapi at a server that takes Negotiate."""

    lead, state, auth = "healthy@practice.example: ", "", ("--auth", "negotiate")

    def __init__(self, realm, windows, tenant):
        self.realm, self.windows, self.tenant = realm, windows, tenant

    def run(self, *words, host, **keywords):
        """One run."""
        names = ("user", "password", "before")
        own = {name: keywords.pop(name) for name in names}
        where = ("-H", f"{host}:{self.tenant.port}")
        words = (*self.auth, *where, *words)
        return self.windows(self.realm, *words, environment=keywords, **own)

    def perfdata(self, during="#s"):
        """That of a run that ends before the mailbox; `during` is the time of the logon."""
        return mapi_perfdata(0, "U", during, service="never", server="U", items="U")

    def proofs(self):
        """Passwords and tickets that somebody but the KDC was shown."""
        return self.tenant.logons


class AtProxy(Place):
    """Method cmdlet through a proxy that takes Negotiate."""

    lead, state = "sign-in failed: ", "CRITICAL"

    def __init__(self, lab, through):
        self.realm, self.lab, self.through = lab.kerberos, lab, through

    def run(self, *words, user, **keywords):
        """One run."""
        return self.through("cmdlet", "kerberos", "plain", *words, who=user, **keywords)

    def own_words(self, remedy):
        """A remedy that names the options of this place."""
        named = remedy.replace("--username", "--proxy-user")
        return named.replace("--password-file", "--proxy-password-file")

    def perfdata(self, during="#s"):
        """That of a run that ends at the proxy; `during` is the time of the logon."""
        barred = dict.fromkeys(("time_dns", "time_tcp", "time_proxy", "time_tls"), "U")
        return expected("cmdlet", ok=False, days=True, time_token=during, **barred)

    def proofs(self):
        """Passwords and tickets that somebody but the KDC was shown."""
        opening = b"NTLMSSP\0\1"
        return [one for one in self.through.seen if one.scheme and opening not in one.token]
