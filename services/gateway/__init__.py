"""The way in: JSON API, sign-in and the portal; decides nothing about the domain."""
