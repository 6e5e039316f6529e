"""From the record to results: one verdict for each rule and revision."""
