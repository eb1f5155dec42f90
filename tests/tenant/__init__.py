"""The practice tenant: Entra, Exchange Online's admin API and an Exchange on premises (Autodiscover,
MAPI over HTTP) on loopback, over real TLS, with a switch for every fault.

Written from the reference sheets and the RFCs, never from the plugin's own encoders, so that a
shared mistake shows.
"""

from .server import Tenant

__all__ = ["Tenant"]
