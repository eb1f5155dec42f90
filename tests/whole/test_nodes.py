"""Several addresses of one host: --address and --each-address."""
from __future__ import annotations

def test_smoke(mapi, tenant):
    a = [tenant.node("127.0.0.2","EX2"), tenant.node("127.0.0.3","EX3","certificate", skew=400), tenant.node("127.0.0.4","EX4","silent"), tenant.node("127.0.0.5","EX5","refuse")]
    args=[w for n in ("127.0.0.2","127.0.0.3","127.0.0.4","127.0.0.5") for w in ("--address",n)]
    run = mapi("healthy", *args, "-t", "3")
    print(run.outcome.stdout, run.requests)
    run = mapi("healthy", "--address","127.0.0.2", "--address", "127.0.0.6")
    print(run.outcome.stdout, run.requests)
    tenant.node("127.0.0.7","EX7")
    run = mapi("healthy", "--address","127.0.0.2", "--address", "127.0.0.7")
    print(run.outcome.stdout, run.requests)
    run = mapi("healthy", "--each-address")
    print(run.outcome.stdout, run.requests)
    assert 0
