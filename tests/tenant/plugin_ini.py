"""The sections of `plugin.ini`: one for each way in, each complete."""

from __future__ import annotations

from .directory import CLIENT_IDS, DOMAIN, GOV_TENANT_NAME, MANAGED_IDS, OPERATOR, TENANT_NAME

FEDERATED_USER = f"federated@{DOMAIN}"


class _Sections:
    """`mapi_url` and `legacy_dn` are those of the healthy mailbox."""

    def __init__(self, there, passphrase, url, imds_url, mapi_url, legacy_dn):
        self.there, self.passphrase, self.url, self.imds_url = there, passphrase, url, imds_url
        self.mapi_url, self.legacy_dn = mapi_url, legacy_dn
        self.files = {"ca-file": there / "ca.pem", "cache-dir": there / "cache"}
        self.healthy = {"mailbox": f"healthy@{DOMAIN}"}
        self.hosts = {"exchange-url": url, "graph-url": url}
        self.tenant = {"tenant": TENANT_NAME, "authority-url": url, **self.hosts, **self.files}
        self.monitor = {"client-id": CLIENT_IDS["monitor"]}
        self.certificate = {**self.monitor, "certificate": there / "probe.pem"}

    def user(self, address, app=True):
        """A user's password, with the client id of the app for it or without."""
        client = {"client-id": CLIENT_IDS["user"]} if app else {}
        return {**client, "username": address, "password-file": self.there / "password"}

    def cmdlet(self):
        """Certificates in every form."""
        there, usual = self.there, {**self.tenant, **self.monitor, **self.healthy}
        return {
            "cmdlet": {**usual, "certificate": there / "probe.pem"},
            "cmdlet-key": {
                **usual,
                "certificate": there / "probe.crt",
                "certificate-key": there / "probe.key",
            },
            "cmdlet-locked": {
                **usual,
                "certificate": there / "probe-locked.pem",
                "certificate-passphrase-file": there / "passphrase",
            },
            "cmdlet-pfx": {**usual, "certificate": there / "probe.pfx"},
            "cmdlet-pfx-locked": {
                **usual,
                "certificate": there / "probe-locked.pfx",
                "certificate-passphrase": self.passphrase,
            },
            "cmdlet-archive": {**usual, "certificate": there / "probe.pem", "archive": ""},
        }

    def credentials(self, method):
        """Section suffix -> every other way in, for `cmdlet` and `graph` alike."""
        there, word = self.there, {} if method == "cmdlet" else {"method": method}
        usual = {**word, **self.tenant, **self.healthy}
        here = {**word, **self.hosts, **self.files, **self.healthy, "imds-url": self.imds_url}
        return {
            "secret": {**usual, **self.monitor, "client-secret-file": there / "secret"},
            "password": {**usual, **self.user(f"healthy@{DOMAIN}")},
            "federated-user": {**usual, **self.user(FEDERATED_USER), "mailbox": FEDERATED_USER},
            "managed": {**here, "managed-identity": ""},
            "managed-user": {**here, "managed-identity": MANAGED_IDS["user"]},
            "federated": {
                **usual,
                **self.monitor,
                "federated-token-file": there / "federated-token",
            },
        }

    def mapi(self):
        """MAPI over HTTP, by Basic and by a user's token."""
        user = self.user(f"healthy@{DOMAIN}", app=False)
        common = {"method": "mapi", **self.files, **user, **self.healthy}
        host = {"hostname": self.url.partition("//")[2]}
        discover = {"autodiscover-url": f"{self.url}/autodiscover/autodiscover.xml"}
        entra = {
            "tenant": TENANT_NAME,
            "client-id": CLIENT_IDS["user"],
            "authority-url": self.url,
            **discover,
        }
        federated = {"username": FEDERATED_USER, "mailbox": FEDERATED_USER}
        direct = {"mapi-url": self.mapi_url, "legacy-dn": self.legacy_dn}
        return {
            "mapi": {**common, **host, "auth": "basic"},
            "mapi-url": {**common, **direct, "auth": "basic"},
            "mapi-auto": {**common, **host},
            "mapi-bearer": {**common, **entra},
            "mapi-federated-user": {**common, **entra, **federated},
        }

    def several(self):
        """Another cloud, several methods, many mailboxes."""
        certificate = {**self.tenant, **self.certificate}
        gov = {**certificate, **self.healthy, "tenant": GOV_TENANT_NAME, "cloud": "gcc-high"}
        many = {"mailbox-file": self.there / "mailboxes", "concurrency": 10}
        discover = {"autodiscover-url": f"{self.url}/autodiscover/autodiscover.xml"}
        return {
            "gcc-high": gov,
            "gcc-high-graph": {"method": "graph", **gov},
            "methods": {"method": ["cmdlet", "graph"], **certificate, **self.healthy},
            "methods-user": {
                "method": ["cmdlet", "graph", "mapi"],
                **self.tenant,
                **self.user(f"healthy@{DOMAIN}"),
                **discover,
                **self.healthy,
            },
            "many-cmdlet": {**certificate, **many},
            "many-graph": {"method": "graph", **certificate, **many},
            "many-mapi": {
                "method": "mapi",
                "hostname": self.url.partition("//")[2],
                "auth": "basic",
                **self.files,
                **self.user(f"{OPERATOR}@{DOMAIN}", app=False),
                **many,
            },
        }

    def all(self):
        """Section -> options; a list stands for an option that is repeated."""
        graph = {"method": "graph", **self.tenant, **self.certificate, **self.healthy}
        return {
            **self.cmdlet(),
            **{f"cmdlet-{way}": own for way, own in self.credentials("cmdlet").items()},
            "cmdlet-password-module": {
                **self.tenant,
                **self.user(f"healthy@{DOMAIN}", app=False),
                **self.healthy,
            },
            "graph": graph,
            **{f"graph-{way}": own for way, own in self.credentials("graph").items()},
            **self.mapi(),
            **self.several(),
        }


def plugin_ini(there, passphrase, url, imds_url, mapi_url, legacy_dn):
    """The text of the file, for a material directory and a tenant's URLs."""
    lines = []
    for section, own in (
        _Sections(there, passphrase, url, imds_url, mapi_url, legacy_dn).all().items()
    ):
        lines.append(f"[{section}]")
        for name, value in own.items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{name} = {one}".rstrip() for one in values]
        lines.append("")
    return "\n".join(lines)
