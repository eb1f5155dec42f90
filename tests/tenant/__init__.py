"""The practice tenant: Entra and Exchange Online's admin API on loopback, over real TLS, with a
switch for every fault.

Written from the reference sheets and the RFCs, never from the plugin's own encoders, so that a
shared mistake shows.
"""

from .server import Tenant

__all__ = ["Tenant"]
