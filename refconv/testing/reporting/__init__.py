"""What a run found: failures grouped by cause, in words, as JSON, and as one page."""
