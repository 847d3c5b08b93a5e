"""The command line `bfx`. Importing this package imports neither torch nor any runtime."""
