"""`python -m perennial.cli`, for where the `perennial` script is not installed."""

from perennial.cli import main

if __name__ == "__main__":
    main()
