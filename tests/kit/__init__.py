"""What specs of the domain are written with: given/when/then, a desk for every service, a small city, one generic state machine."""

from tests.kit.spec import ANYONE, AT, Spec, given

__all__ = ["ANYONE", "AT", "Spec", "given"]
