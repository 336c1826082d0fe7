"""Run the command line as ``python -m hosting_cli``."""

from hosting_cli.app import main

main()
