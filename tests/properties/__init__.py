"""Properties that hold whatever is commanded in whatever order; slower than specs of the domain, and apart from them."""
