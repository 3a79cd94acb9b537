"""Projects paid from three sources: their payments, books and disclosure."""
