"""The node as a service: HTTP API, the published files, group commit."""
