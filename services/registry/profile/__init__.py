"""The city's profile: one document for people that adopts and retires many catalogue entries at once (A03, A12, A13, C13)."""

from services.registry.profile.adopting import adopt_profile
from services.registry.profile.rows import PROFILES
from services.registry.profile.state import PROFILE, Profile, ProfileAdopted, ProfilePublished

__all__ = ["PROFILE", "PROFILES", "Profile", "ProfileAdopted", "ProfilePublished", "adopt_profile"]
