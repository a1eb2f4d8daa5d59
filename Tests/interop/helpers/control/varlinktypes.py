"""Whether a value is what a Varlink interface says, by the reference package's own reading of that."""
from collections.abc import Set

from varlink.scanner import Interface, _Alias, _Array, _CustomType, _Dict, _Enum, _Error, _Maybe, _Method, _Object, _Struct


class Interfaces:
    """An interface of which values are checked."""

    def __init__(self, text):
        self.interface = Interface(text)
        self.types = self.interface.members

    @property
    def methods(self):
        return {name: member for name, member in self.types.items() if isinstance(member, _Method)}

    @property
    def errors(self):
        return {name: member for name, member in self.types.items() if isinstance(member, _Error)}

    def complaints(self, value, type, at=''):
        """What is wrong with it, each with its path; an empty list when nothing is."""
        if isinstance(type, _Maybe):
            return [] if value is None else self.complaints(value, type.element_type, at)
        if isinstance(type, _CustomType):
            return self.complaints(value, self.types[type.name].type, at)
        if isinstance(type, _Alias):
            return self.complaints(value, type.type, at)
        if isinstance(type, _Object):
            return [] if isinstance(value, dict) else ['%s is no object' % at]
        if isinstance(type, _Enum):
            return [] if value in type.fields else ['%s is %r, none of %s' % (at, value, ', '.join(type.fields))]
        if isinstance(type, _Array):
            if not isinstance(value, list):
                return ['%s is no array' % at]
            return [text for n, entry in enumerate(value) for text in self.complaints(entry, type.element_type, '%s[%d]' % (at, n))]
        if isinstance(type, (_Dict, Set)):
            raise AssertionError('the interface has no dictionaries')
        if isinstance(type, _Struct):
            return self._of_struct(value, type, at)
        # The reference package has an example of each basic type in the place of the type.
        fits = isinstance(value, bool) if isinstance(type, bool) else isinstance(value, type.__class__) and not isinstance(value, bool)
        return [] if fits else ['%s is %r, no %s' % (at, value, type.__class__.__name__)]

    def _of_struct(self, value, type, at):
        if not isinstance(value, dict):
            return ['%s is no object' % at]
        found = ['%s.%s is none of its fields' % (at, name) for name in value if name not in type.fields]
        for name, field in type.fields.items():
            if name in value:
                found += self.complaints(value[name], field, '%s.%s' % (at, name))
            elif not isinstance(field, _Maybe):
                found.append('%s.%s is missing' % (at, name))
        return found
