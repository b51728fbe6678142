"""Real databases and the real service as child processes, for tests and benchmarks alike."""
