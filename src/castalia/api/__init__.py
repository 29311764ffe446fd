"""JSON over HTTP: the app, what every route shares, and thin routes per noun in `v1`."""
