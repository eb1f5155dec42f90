"""What the options of a feed mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..base.credentials import Secret
from ..base.errors import UsageError
from ..base.options import Network
from ..base.reading import files, pem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..base.options import Command, Options, Submission

ICINGA2, NAGIOS = "icinga2", "nagios"

#: What stands for the mailbox in the name of a service.
MAILBOX = "{mailbox}"

#: What belongs to which scheduler.
_OWN = {
    ICINGA2: (
        "submit-url",
        "submit-user",
        "submit-password-file",
        "submit-certificate",
        "submit-certificate-key",
        "submit-ca-file",
    ),
    NAGIOS: ("submit-directory",),
}


class Feed(NamedTuple):
    """Where results go: the scheduler, what it calls host and services, and the way to it.

    `service` is a name in which `MAILBOX` stands for the mailbox.
    """

    scheduler: str
    host: str
    service: str
    dry_run: bool = False
    directory: str = ""
    url: str = ""
    user: str | None = None
    password: Secret | None = None
    certificate: str | None = None
    key: str | None = None
    network: Network = Network()

    @property
    def place(self) -> str:
        """Where results go, in words."""
        return self.url or self.directory

    @property
    def name(self) -> str:
        """What the scheduler is called."""
        return "Icinga" if self.scheduler == ICINGA2 else "Nagios"

    def service_of(self, mailbox: str) -> str:
        """The name of a mailbox's service."""
        return self.service.replace(MAILBOX, mailbox)


def read(command: Command) -> Feed | None:
    """The feed of a command line; None where there is none. Raises UsageError."""
    said = command.submission
    if said is None:
        return None
    _check_scheduler(said)
    feed = Feed(
        said.scheduler,
        _host(said, command.options),
        _service(said, command.options),
        dry_run=said.dry_run,
        directory=said.texts.get("submit-directory", ""),
    )
    if said.scheduler == NAGIOS:
        if not feed.directory.startswith("/"):
            wrong = f"; {feed.directory} is no absolute path" if feed.directory else ""
            raise UsageError(
                "--submit nagios needs --submit-directory with the absolute path of the directory "
                f"of check results{wrong}"
            )
        return feed
    return _icinga(feed, said, command.options.network)


def _check_scheduler(said: Submission) -> None:
    """Refuse what belongs to the other scheduler. Raises UsageError."""
    for scheduler, names in _OWN.items():
        for name in names:
            if scheduler != said.scheduler and name in said.texts:
                raise UsageError(f"--{name} is for --submit {scheduler}, not {said.scheduler}")


def _host(said: Submission, options: Options) -> str:
    """The host whose services are fed. Raises UsageError."""
    name = said.texts.get("submit-host") or options.account.tenant or _hostname(options)
    if not name:
        raise UsageError("--submit: name the scheduler's host by --submit-host")
    _check_name(name, "--submit-host", said.scheduler)
    return name


def _hostname(options: Options) -> str:
    """The Exchange Server without its port."""
    name = options.server.hostname or ""
    return name if name.endswith("]") else name.rpartition(":")[0] or name


def _service(said: Submission, options: Options) -> str:
    """The name of a service. Raises UsageError."""
    name = said.texts.get("submit-service", f"Mailbox {MAILBOX}")
    _check_name(name, "--submit-service", said.scheduler)
    if MAILBOX in name and options.targets.mailboxes == ("",):
        raise UsageError(
            "--sign-in-only tests no mailbox: name its service by --submit-service, without "
            f"{MAILBOX}"
        )
    if MAILBOX not in name and len(options.targets.mailboxes) > 1:
        raise UsageError(
            f"--submit-service: {name} would be the service of all mailboxes; write {MAILBOX} "
            "where the mailbox stands in the name"
        )
    return name


def _check_name(name: str, option: str, scheduler: str) -> None:
    """Refuse a name that no object of the scheduler can have. Raises UsageError."""
    why = impossible(name, scheduler)
    if why:
        raise UsageError(f"{option}: {name}: {why}")


def impossible(name: str, scheduler: str) -> str:
    """Why no object of a scheduler can be called so; empty where one can.

    >>> impossible("a!b", "icinga2"), impossible("a!b", "nagios")
    ('Icinga has no name with !, which separates host and service', '')
    """
    if not name.isprintable() or name != name.strip() or not name:
        return "no name has characters that do not show, or blanks around it"
    if scheduler == ICINGA2 and "!" in name:
        return "Icinga has no name with !, which separates host and service"
    if scheduler == NAGIOS and ";" in name:
        return "Nagios has no name with ;, which begins a comment"
    return ""


def _icinga(feed: Feed, said: Submission, network: Network) -> Feed:
    """The way to Icinga's API, and who goes it. Raises UsageError."""
    texts = said.texts
    if "submit-url" not in texts:
        raise UsageError("--submit icinga2: name Icinga's API by --submit-url https://HOST:5665")
    _check_path(texts["submit-url"])
    certificate, key = texts.get("submit-certificate"), texts.get("submit-certificate-key")
    user = texts.get("submit-user")
    if key is not None and certificate is None:
        raise UsageError("--submit-certificate-key belongs to --submit-certificate; give both")
    if bool(user) == bool(certificate):
        both = "exclude each other; give one of them"
        neither = "--submit icinga2 needs --submit-user or --submit-certificate"
        raise UsageError(f"--submit-user and --submit-certificate {both}" if user else neither)
    if user is not None and said.password is None:
        raise UsageError(
            "--submit-user needs a password: --submit-password-file, submit-password in an ini "
            "section, or MAPI_SUBMIT_PASSWORD"
        )
    if user is not None and (":" in user or not user.isascii()):
        raise UsageError(f"--submit-user: {user} is no name of an ApiUser that can sign in")
    for path, option, secret in (
        (certificate, "--submit-certificate", key is None),
        (key, "--submit-certificate-key", True),
    ):
        if path is not None:
            files.read(path, option, secret=secret)
    return feed._replace(
        url=texts["submit-url"],
        user=user,
        password=said.password,
        certificate=certificate,
        key=key,
        network=Network(
            proxy=said.proxy,
            ca_files=_authorities(texts),
            min_tls=network.min_tls,
            ip_version=network.ip_version,
        ),
    )


def _check_path(url: str) -> None:
    """Raise UsageError for more than a host."""
    if "/" in url.partition("://")[2]:
        raise UsageError(f"--submit-url: {url} has a path; give host and port alone")


def _authorities(texts: Mapping[str, str]) -> tuple[str, ...]:
    """The file of authorities that Icinga's certificate may be of. Raises UsageError."""
    path = texts.get("submit-ca-file")
    if path is None:
        return ()
    if not pem.read(files.read(path, "--submit-ca-file")).certificates:
        raise UsageError(f"--submit-ca-file: {path} holds no PEM certificate")
    return (path,)
