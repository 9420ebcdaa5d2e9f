"""``python -m hedgerow``: the command line without the console script."""

from hedgerow.cli import main

if __name__ == "__main__":
    main()
