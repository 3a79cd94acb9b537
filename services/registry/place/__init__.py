"""Places: a tree of territory paths with dated names, measures, attributes and household counts (A42, C02, C29, C50, C51, D04)."""

from services.registry.place import naming  # noqa: F401  # isort: skip  # what they declare, in the order in which it is offered
from services.registry.place import measuring  # noqa: F401  # isort: skip
from services.registry.place import describing  # noqa: F401  # isort: skip
from services.registry.place import ending  # noqa: F401  # isort: skip
from services.registry.place import rows  # noqa: F401  # isort: skip
from services.registry.place import state  # noqa: F401  # isort: skip
