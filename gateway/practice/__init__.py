"""The demo and the simulators: they ship with the program."""
