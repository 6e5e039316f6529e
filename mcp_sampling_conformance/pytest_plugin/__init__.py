"""A run inside pytest: options, items, progress. Imported only when a system under test is named."""
