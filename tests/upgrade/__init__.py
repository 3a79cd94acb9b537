"""A city written by the version before opens with this one."""
