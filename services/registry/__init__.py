"""The registry: places, organisations, posts and who holds them, under the profile that the city adopted."""
