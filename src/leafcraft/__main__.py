"""`python -m leafcraft` is the `leafcraft` command."""

from leafcraft.cli import main

main()
