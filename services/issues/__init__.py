"""Residents' issues from intake to follow-up, and the visits and diagnoses that find them."""
