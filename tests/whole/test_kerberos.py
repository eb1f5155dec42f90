"""What is said when Kerberos gives no ticket, or one that is not taken: every row of the table,
produced by a KDC of MIT, at an Exchange Server and at a proxy.
"""

from __future__ import annotations

import glob
import time

import pytest

from ..conftest import GRACE
from ..support.acceptor_process import poll
from ..support.acceptors import FAKETIME, Kerberos
from ..support.guarded import guarded
from ..support.kerberos_places import OLD, REFUSED, AtProxy, AtServer, furnish, told
from ..support.squid_runs import Through
from ..tenant.handler import Handler
from ..tenant_itself.test_acceptors import start
from ..tenant_itself.test_squid import need
from ..tenant_itself.test_squid import start as start_lab

pytest.importorskip("spnego")

#: Seconds by which a clock is wrong.
HOUR = 3600

CRITICAL, UNKNOWN = "CRITICAL", "UNKNOWN"
TICKET = "get a ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME"
CLOCK = "set this host's clock; if it is right, delete the ticket cache (kdestroy)"
READABLE = "let the check's user read it (chown)"


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory):
    """What decides logons at the server."""
    with start("kerberos", tmp_path_factory.mktemp("kerberos")) as acceptor:
        acceptor.keytabs = furnish(acceptor)
        yield acceptor


@pytest.fixture(scope="module")
def proxies(running_tenant):
    """A lab of proxies that want Kerberos, whose KDC no other tests use."""
    with start_lab(running_tenant, kinds=("kerberos",)) as lab:
        lab.kerberos.keytabs = furnish(lab.kerberos)
        yield lab


@pytest.fixture
def windows(check, tenant, tmp_path):
    with guarded(check, tenant, tmp_path) as run:
        yield run


@pytest.fixture
def server(request, windows, tenant):
    return AtServer(request.getfixturevalue("kerberos"), windows, tenant)


@pytest.fixture
def proxy(request, way, tenant, tmp_path):
    lab = request.getfixturevalue("proxies")
    return AtProxy(lab, Through(lab, way, tenant, tmp_path))


@pytest.fixture(params=["server", "proxy"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def other_clocks():
    """A skip that says what is missing for a KDC with a clock of its own."""
    need("" if glob.glob(FAKETIME) else f"{FAKETIME} is missing: Debian package libfaketime")


#: Account -> what is said of its key in a keytab, and of its password.
KEYS = {
    "stale": (
        "KDC does not accept the key of the keytab (KRB5 31)",
        "write a new keytab (ktutil or ktpass); the password was changed since",
    ),
    "verified": (
        "KDC does not accept the key of the keytab (KRB5 24)",
        "write a new keytab (ktutil or ktpass); the password was changed since",
    ),
    "deleted": (
        "KDC knows no user of the keytab (KRB5 6)",
        "write a new keytab (ktutil or ktpass); klist -k shows whose it is",
    ),
    "disabled": (
        "account of the keytab is locked or disabled (KRB5 18)",
        "unlock the account in Active Directory",
    ),
    "expired": (
        "account of the keytab has expired (KRB5 1)",
        "extend the account in Active Directory",
    ),
    "outdated": (
        "password of the keytab's user has expired (KRB5 23)",
        "set a new password, then write a new keytab (ktutil or ktpass)",
    ),
}
PASSWORDS = {
    "stale": ("KDC refuses the password of {} (KRB5 31)", "check --password-file"),
    "verified": ("KDC refuses the password of {} (KRB5 24)", "check --password-file"),
    "deleted": ("KDC knows no user {} (KRB5 6)", "check --username"),
    "disabled": (
        "account of {} is locked or disabled (KRB5 18)",
        "unlock the account in Active Directory",
    ),
    "expired": ("account of {} has expired (KRB5 1)", "extend the account in Active Directory"),
    "outdated": ("password of {} has expired (KRB5 23)", "set a new password"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_account_with_a_keytab(place, name):
    keytab = place.realm.keytabs[name]
    run = place(**place.realm.environment(cache=f"of-{name}", keytab=keytab))
    assert told(run) == place.expected(CRITICAL, *KEYS[name])
    assert place.proofs() == []


@pytest.mark.parametrize("name", REFUSED)
def test_an_account_with_a_password(place, name):
    run = place(user=f"{name}@LAB.TEST", password=OLD)
    cause, remedy = PASSWORDS[name]
    assert told(run) == place.expected(CRITICAL, cause.format(f"{name}@LAB.TEST"), remedy)
    assert place.proofs() == []


def test_a_service_that_the_kdc_does_not_know(place):
    ticket = place.realm.environment(cache=place.realm.ticket_cache().name)
    run = place(host="127.0.0.1", **ticket)
    remedy = "run setspn -Q HTTP/127.0.0.1; rdns = false in /etc/krb5.conf keeps the name as given"
    assert told(run) == place.expected(
        UNKNOWN, "KDC knows no service HTTP/127.0.0.1 (KRB5 7)", remedy
    )
    assert place.proofs() == []


@pytest.mark.parametrize("user", ["probe@NOWHERE.TEST", "monuser@lab.test"])
def test_a_realm_without_a_kdc(place, user):
    run = place(user=user)
    cause = f"no KDC is known for the realm of {user} (KRB5 154)"
    assert told(run) == place.expected(
        UNKNOWN, cause, "write the realm in upper case; else check /etc/krb5.conf"
    )
    assert place.proofs() == []


def test_domain_and_user(server):
    """A backslash is an escape in the names of Kerberos: the KDC would be asked for LABprobe."""
    run = server(user="LAB\\probe")
    cause = "Kerberos takes no DOMAIN/USER: LAB/probe"
    assert told(run) == server.expected(
        UNKNOWN, cause, "give USER@REALM (--username), or take --auth ntlm"
    )
    assert server.proofs() == []


@pytest.mark.parametrize("who", ["the keytab", "monuser@LAB.TEST"])
def test_a_kdc_that_is_down(place, who):
    keytab = {}
    if who == "the keytab":
        keytab = place.realm.environment(cache="down", keytab=place.realm.keytab().name)
    with place.realm.kdc_down():
        run = place(user=None if keytab else who, **keytab)
    cause = f"no KDC of the realm of {who} answers (KRB5 156)"
    assert told(run) == place.expected(
        UNKNOWN, cause, "check /etc/krb5.conf and port 88; the KDC may be down"
    )
    assert place.proofs() == []


@pytest.mark.parametrize("name", ["server", "proxy"])
def test_a_kdc_that_is_silent(request, name):
    place = request.getfixturevalue(name)
    keytab = place.realm.environment(cache="silent", keytab=place.realm.keytab().name)
    with place.realm.kdc_silent():
        run = place("-t", "3", **keytab)
    place.lead = "sign-in failed: " if name == "proxy" else "healthy@practice.example: "
    cause = "no answer from the KDC in 3s"
    remedy = "check /etc/krb5.conf; the first KDC there may be silent"
    assert told(run) == place.expected(CRITICAL, cause, remedy, during="U")
    assert run.outcome.seconds < 3 + GRACE
    assert place.proofs() == []


def test_a_ticket_from_before_another_clock(place, other_clocks):
    ticket = place.realm.environment(cache=place.realm.ticket_cache("fresh", life="10h").name)
    with place.realm.kdc_ahead(HOUR):
        run = place(**ticket)
    assert told(run) == place.expected(
        UNKNOWN, "clocks of this host and the KDC differ (KRB5 37)", CLOCK
    )
    assert place.proofs() == []


@pytest.fixture
def unsynchronized(place, other_clocks):
    """Settings for a library that takes no time from the KDC."""
    text = (place.realm.directory / "krb5.conf").read_text()
    settings = place.realm.directory / "unsynchronized.conf"
    settings.write_text(text.replace("[libdefaults]", "[libdefaults]\n  kdc_timesync = 0"))
    return {"KRB5_CONFIG": str(settings)}


@pytest.fixture
def timeless(place):
    """An account that need not prove to the KDC what time it is, and its keytab."""
    place.realm.administer(f'addprinc -pw "{OLD}" timeless@LAB.TEST')
    return "timeless@LAB.TEST", place.realm.keytab("timeless.keytab", "timeless@LAB.TEST").name


def test_a_clock_that_differs_in_the_first_answer(place, unsynchronized, timeless):
    user, keytab = timeless
    with place.realm.kdc_ahead(HOUR):
        with_keytab = place(**{**place.realm.environment(keytab=keytab), **unsynchronized})
        with_password = place(user=user, password=OLD, **unsynchronized)
    cause = "clocks of this host and the KDC differ (KRB5 148)"
    assert told(with_keytab) == place.expected(UNKNOWN, cause, CLOCK)
    assert told(with_password) == place.expected(UNKNOWN, cause, CLOCK)
    assert place.proofs() == []


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_a_clock_that_differs_from_all(place, unsynchronized, timeless, monkeypatch):
    """The server's word tells whose it is; a proxy's is not asked for."""
    genuine = Handler.date_time_string

    def later(handler, _=None):
        return genuine(handler, time.time() + HOUR)

    monkeypatch.setattr(Handler, "date_time_string", later)
    place.auth = ()
    with place.realm.kdc_ahead(HOUR):
        run = place(user=timeless[0], password=OLD, **unsynchronized)
    cause = "this host's clock is 60 minutes behind that of localhost (KRB5 148)"
    assert told(run) == place.expected(UNKNOWN, cause, "set the clock; and keep it right by NTP")


@pytest.mark.parametrize(
    ("seconds", "cause", "remedy"),
    [
        (-HOUR, "clocks of this host and the KDC differ (KRB5 37)", CLOCK),
        (
            HOUR,
            "the Kerberos ticket is not valid yet (KRB5 33)",
            "compare the clocks of this host and the KDC, then delete the ticket (kdestroy)",
        ),
    ],
)
def test_a_cache_from_before_the_clock_was_repaired(place, other_clocks, seconds, cause, remedy):
    """It keeps how far off the clock was."""
    with place.realm.kdc_ahead(seconds):
        cache = place.realm.ticket_cache(f"of{seconds}", life="10h").name
    run = place(**place.realm.environment(cache=cache))
    assert told(run) == place.expected(UNKNOWN, cause, remedy)
    assert place.proofs() == []


def closed(path):
    """A file that the check may not read."""
    path.chmod(0)
    return path.name


@pytest.fixture
def ended(place):
    """The name of a cache whose ticket has ended."""
    name = place.realm.ticket_cache("ended", life="1s").name
    # MIT's library asks for one more second than that.
    poll(lambda: place(**place.realm.environment(cache=name)).code, "the ticket has ended")
    return name


def test_an_ended_ticket(place, ended):
    names = {**place.realm.environment(cache=ended), "KRB5_CLIENT_KTNAME": "MEMORY:none"}
    run = place("--no-cache", **names)
    cause = "the Kerberos ticket has ended (KRB5 32)"
    remedy = "get a new ticket (kinit), or name a keytab in KRB5_CLIENT_KTNAME"
    assert told(run) == place.expected(UNKNOWN, cause, remedy)


def test_an_ended_ticket_beside_a_keytab_that_the_check_may_not_read(place, ended):
    keytab = closed(place.realm.keytab("closed.keytab"))
    names = place.realm.environment(cache=ended, keytab=keytab)
    run = place("--no-cache", bound=True, **names)
    cause = "keytab of KRB5_CLIENT_KTNAME: Permission denied, ticket ended (KRB5 32)"
    assert told(run) == place.expected(UNKNOWN, cause, READABLE)


def test_a_keytab_that_the_check_may_not_read(place):
    keytab = closed(place.realm.keytab("closed.keytab"))
    run = place(bound=True, **place.realm.environment(keytab=keytab))
    cause = "keytab of KRB5_CLIENT_KTNAME: Permission denied (NoCredentialError)"
    assert told(run) == place.expected(UNKNOWN, cause, READABLE)
    assert place.proofs() == []


def test_a_keytab_that_is_not_there(place):
    run = place(**place.realm.environment(keytab="missing.keytab"))
    cause = "keytab of KRB5_CLIENT_KTNAME: No such file or directory (NoCredentialError)"
    assert told(run) == place.expected(UNKNOWN, cause, TICKET)
    assert place.proofs() == []


def test_a_keytab_of_another_format(place):
    (place.realm.directory / "no.keytab").write_bytes(b"no keytab")
    run = place(**place.realm.environment(keytab="no.keytab"))
    cause = "the file of KRB5_CLIENT_KTNAME is no keytab (NoCredentialError)"
    assert told(run) == place.expected(UNKNOWN, cause, "name another file there")
    assert place.proofs() == []


@pytest.mark.parametrize("keytab", [True, False])
def test_a_cache_of_somebody_else(place, keytab):
    """A keytab beside it does not help: its ticket would have to be written there."""
    names = {"keytab": place.realm.keytab().name} if keytab else {}
    cache = place.realm.ticket_cache("foreign")
    run = place(bound=True, **place.realm.environment(cache=closed(cache), **names))
    cache.unlink()
    cause = "ticket cache of KRB5CCNAME: Permission denied (NoCredentialError)"
    assert told(run) == place.expected(UNKNOWN, cause, READABLE)
    assert place.proofs() == []


def test_a_cache_of_another_format(place):
    (place.realm.directory / "garbage").write_bytes(b"no cache of credentials")
    run = place(**place.realm.environment(cache="garbage"))
    cause = "the file of KRB5CCNAME is no ticket cache (NoCredentialError)"
    assert told(run) == place.expected(UNKNOWN, cause, "name another file there")
    assert place.proofs() == []


class Elsewhere(Kerberos):
    """A realm that the check's own settings do not name."""

    realm = "OTHER.TEST"


def test_a_cache_of_another_realm(place, tmp_path):
    with Elsewhere(tmp_path / "elsewhere") as other:
        content = other.ticket_cache().read_bytes()
    (place.realm.directory / "abroad").write_bytes(content)
    run = place(**place.realm.environment(cache="abroad"))
    cause = "no KDC is known for the realm of the ticket or keytab (KRB5 154)"
    assert told(run) == place.expected(
        UNKNOWN, cause, "write the realm in upper case; else check /etc/krb5.conf"
    )
    assert place.proofs() == []


@pytest.mark.parametrize("user", [None, "monuser@LAB.TEST"])
@pytest.mark.parametrize("name", ["server", "proxy"])
def test_a_ticket_that_is_refused_for_the_clock(request, other_clocks, name, user):
    """The KDC and the check agree on the time, the server or proxy does not."""
    place = request.getfixturevalue(name)
    keytab = {}
    if user is None:
        keytab = place.realm.environment(cache="refused", keytab=place.realm.keytab().name)
    with place.realm.kdc_ahead(HOUR):
        run = place(user=user, **keytab)
    who = f"user {user}" if user else "the ticket"
    if name == "proxy":
        cause = f"proxy {place.lab.address('kerberos', host='localhost')} refuses {who}"
        remedy = "compare the clocks; check --proxy-spn-host, and see the proxy's log"
        wanted = place.expected(CRITICAL, f"{cause} (Negotiate) (HTTP 407)", remedy)
    else:
        remedy = (
            "compare the clocks; then run setspn -Q for that host, and check Extended Protection"
        )
        if user:
            remedy = (
                "check the password and clocks; else Extended Protection behind a reverse proxy"
            )
        cause = f"localhost refuses {who} (Negotiate) (HTTP 401)"
        wanted = place.expected(CRITICAL, cause, remedy)
    assert told(run) == wanted
