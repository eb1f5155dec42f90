"""check_mapi_connectivity: can users reach their Exchange mailboxes, and how long does it take?"""

__version__ = "0.1.0"
__all__ = [
    "Failure",
    "Options",
    "Report",
    "Secret",
    "UsageError",
    "__version__",
    "options",
    "probe",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .library import Failure, Options, Report, Secret, UsageError, options, probe


def __getattr__(name: str) -> object:
    """The library face, imported when it is first used (PEP 562): the plugin does not pay."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import library

    return getattr(library, name)
