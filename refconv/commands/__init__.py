"""The commands of the command line, each in a room of its own; `refconv.commands.main` puts them together."""
