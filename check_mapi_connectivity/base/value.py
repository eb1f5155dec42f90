"""typing.NamedTuple without its price: importing typing and making dozens of such classes takes as
long as all that a run then does with them. For the type checker it is typing's own.
"""

from __future__ import annotations

from operator import itemgetter

__all__ = ["NamedTuple", "dataclass_transform"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, NamedTuple

    from typing_extensions import dataclass_transform
else:

    class NamedTuple(tuple):
        """A frozen value: a tuple whose fields have names, types and maybe defaults."""

        _fields: ClassVar[tuple[str, ...]] = ()
        _field_defaults: ClassVar[dict[str, Any]] = {}

        def __init_subclass__(cls) -> None:
            cls._fields = (*cls.__annotations__,)
            cls._field_defaults = {
                name: cls.__dict__[name] for name in cls._fields if name in cls.__dict__
            }
            for index, name in enumerate(cls._fields):
                setattr(cls, name, property(itemgetter(index)))

        def __new__(cls, *given: Any, **named: Any) -> NamedTuple:
            """A value of all fields. Raises TypeError."""
            if not named and len(given) == len(cls._fields):
                return tuple.__new__(cls, given)
            missing = cls._fields[len(given) :]
            if missing:
                known = {**cls._field_defaults, **named}
                lacking = [name for name in missing if name not in known]
                if lacking:
                    raise TypeError(f"{cls.__name__} lacks {', '.join(lacking)}")
                given += tuple(map(known.__getitem__, missing))
            if len(given) > len(cls._fields) or not named.keys() <= {*missing}:
                raise TypeError(f"{cls.__name__} has other fields: {', '.join(cls._fields)}")
            return tuple.__new__(cls, given)

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            pairs = (f"{name}={value!r}" for name, value in zip(self._fields, self))
            return f"{type(self).__name__}({', '.join(pairs)})"

        @classmethod
        def _make(cls, values: Any) -> NamedTuple:
            return cls(*values)

        def _replace(self, **named: Any) -> NamedTuple:
            if not named.keys() <= {*self._fields}:
                raise TypeError(f"{type(self).__name__} has other fields than {', '.join(named)}")
            pairs = zip(self._fields, self)
            return tuple.__new__(type(self), [named.get(name, value) for name, value in pairs])

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self))

    def dataclass_transform(**_: Any) -> Any:
        """What tells the type checker that a class makes its `__init__` of its fields (PEP 681)."""
        return lambda kind: kind
