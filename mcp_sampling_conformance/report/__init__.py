"""Reports: from results alone."""
