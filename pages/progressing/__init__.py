"""The parts of the Progress page: each shows one side of where a project stands."""
