"""Small wishes of residents in need (C41, C42)."""

from services.volunteers.wish import asking, claiming, rows
from services.volunteers.wish.claiming import CLAIMS_EXPIRE
from services.volunteers.wish.rows import RELEASES, WISH_SUMS, WISHES
from services.volunteers.wish.state import WISH

__all__ = ["CLAIMS_EXPIRE", "RELEASES", "WISH", "WISHES", "WISH_SUMS", "asking", "claiming", "rows"]
