"""Small wishes of residents in need (C41, C42)."""

from services.volunteers.wish import asking, claiming, relocating, rows
from services.volunteers.wish.claiming import CLAIMS_EXPIRE, on_person_erased, on_volunteer_erased
from services.volunteers.wish.relocating import on_place_ended
from services.volunteers.wish.rows import RELEASES, WISH_SUMS, WISHES
from services.volunteers.wish.state import WISH

__all__ = [
    "CLAIMS_EXPIRE",
    "RELEASES",
    "WISH",
    "WISHES",
    "WISH_SUMS",
    "asking",
    "claiming",
    "on_person_erased",
    "on_place_ended",
    "on_volunteer_erased",
    "relocating",
    "rows",
]
