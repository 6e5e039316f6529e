"""What is done to a client under test: be its server, and ask for sampling in each of its calls."""
