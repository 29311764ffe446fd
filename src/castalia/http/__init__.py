"""The HTTP edge that the API, the pages and the consoles share. Knows no noun."""
