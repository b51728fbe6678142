"""The benchmark: the service beside a naive twin and beside the ceiling of its own server."""
