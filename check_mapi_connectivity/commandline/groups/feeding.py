"""The options by which one run feeds many services; `feed.settings` says what they mean."""

from __future__ import annotations

from ..option import FLAG, Option

#: Schedulers that can be fed.
SCHEDULERS = ("icinga2", "nagios")

OPTIONS = (
    Option(
        "--submit",
        "SCHEDULER",
        f"""Give each mailbox's result to a passive service of its own. The result of the run itself
        says how that went. One of: {", ".join(SCHEDULERS)}. icinga2 needs --submit-url, nagios
        needs --submit-directory.""",
    ),
    Option(
        "--submit-url",
        "URL",
        """URL of Icinga's API; its host must be the name in Icinga's certificate. https only.
        Example: https://icinga.contoso.com:5665.""",
    ),
    Option(
        "--submit-user",
        "NAME",
        """ApiUser of Icinga. It needs the permission actions/process-check-result and no
        other.""",
    ),
    Option(
        "--submit-password-file",
        "FILE",
        """File with the password of --submit-user; its first line counts. Instead: submit-password
        in an ini section, or the environment variable MAPI_SUBMIT_PASSWORD.""",
    ),
    Option(
        "--submit-certificate",
        "FILE",
        """PEM file with the client certificate of an ApiUser, instead of user and password.""",
    ),
    Option(
        "--submit-certificate-key",
        "FILE",
        """PEM file with the private key of --submit-certificate, where the key is in a separate
        file.""",
    ),
    Option(
        "--submit-ca-file",
        "FILE",
        """PEM file of the authority that issued Icinga's certificate, usually
        /var/lib/icinga2/certs/ca.crt. Default: the authorities of the system.""",
    ),
    Option(
        "--submit-proxy",
        "URL",
        """HTTP proxy for --submit-url, without a user. Format: http://HOST:PORT. Default: none,
        also where --proxy or the environment names one.""",
    ),
    Option(
        "--submit-directory",
        "DIR",
        """Directory of check results of Nagios or Naemon (check_result_path). It must belong to the
        user that runs the check. Example: /var/lib/nagios4/spool/checkresults.""",
    ),
    Option(
        "--submit-host",
        "NAME",
        """Host whose services are fed. Default: the tenant, else the host of --hostname.""",
    ),
    Option(
        "--submit-service",
        "NAME",
        """Name of a mailbox's service; {mailbox} stands for the mailbox as --mailbox or
        --mailbox-file names it. Default: Mailbox {mailbox}.""",
    ),
    Option(
        "--submit-dry-run",
        "",
        """Test the mailboxes, and print what would be submitted, without secrets. Exits with 3.""",
        FLAG,
    ),
)

GROUP = ("feed of passive services", OPTIONS)
