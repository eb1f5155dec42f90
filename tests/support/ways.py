"""What one run of any section of `plugin.ini` left behind at both ends, and what performance data it
must have.
"""

from __future__ import annotations

import re

from .masks import masked

#: Labels of each method in their order (contract 5 and 7.7), without those of a certificate.
ORDER = {
    "cmdlet": "mapi_connectivity connection_time time_token time_dns time_tcp time_proxy time_tls "
    "time_request time_server total_time",
    "graph": "mapi_connectivity connection_time time_token time_dns time_tcp time_proxy time_tls "
    "time_request total_time inbox_items",
    "mapi": "mapi_connectivity connection_time time_token time_autodiscover time_dns time_tcp "
    "time_proxy time_tls time_connect time_execute time_disconnect time_server total_time "
    "inbox_items",
}

#: How the service was reached -> dns, tcp, proxy, tls.
WAY = {
    "kept": ("0s", "0s", "0s", "0s"),
    "reached": ("#s", "#s", "0s", "#s"),
    "never": ("U", "U", "0s", "U"),
    "nobody": ("#s", "#s", "0s", "U"),
}


def expected(method, *, ok=True, service=None, prefix="", days=False, secret=None, **values):
    """The whole performance data of one test, as `masked` shows it.

    A failure never reached its service unless told otherwise; `days` is whether a certificate signs
    in, `secret` the days left where a client secret does; `values` replace those of labels, by their bare names.
    """
    service = service or ("kept" if ok else "never")
    done = "#s" if ok else "U"
    usual = dict.fromkeys(ORDER[method].split(), done)
    usual.update(zip(("time_dns", "time_tcp", "time_proxy", "time_tls"), WAY[service]))
    usual.update(mapi_connectivity="1;;;0;1" if ok else "0;;;0;1", time_token="#s", total_time="#s")
    if method == "cmdlet" and ok:
        usual.update(connection_time="0.041s", time_server="0.041s")
    if method != "cmdlet":
        usual["inbox_items"] = "8" if ok else "U"
    if secret:
        usual["secret_days"] = secret
    if days:
        usual["certificate_days"] = "#;30:;7:"
    assert set(values) <= set(usual)
    return " ".join(f"{prefix}{label}={value}" for label, value in {**usual, **values}.items())


class Way:
    """One run: what it printed, measured times as `#`, and what the tenant saw of it."""

    def __init__(self, outcome, tenant, before):
        requests, self.connections, self.tokens = (
            now - then for now, then in zip(counters(tenant), before)
        )
        self.outcome, self.code, self.seconds = outcome, outcome.code, outcome.seconds
        self.stdout, self.stderr, self.diagnosis = outcome.stdout, outcome.stderr, outcome.diagnosis
        self.words = outcome.words
        times = r"\d+\.\d{3}s(?=(?: at most)? \((?:graph|mapi)\))"
        self.line = re.sub(times, "#s", outcome.line)
        first = outcome.stdout.partition("\n")[0]
        self.perfdata = masked(first.partition(" | ")[2])
        self.requests = tenant.requests[len(tenant.requests) - requests :]
        self.paths = [path.rpartition("/")[2] or path for _, path, _, _ in self.requests]

    def values(self):
        """Label -> value with its thresholds."""
        return dict(item.split("=", 1) for item in self.perfdata.split())


def counters(tenant):
    """What a run is told from the one before by."""
    return len(tenant.requests), tenant.connections, tenant.token_requests
