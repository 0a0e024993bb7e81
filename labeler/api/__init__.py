"""HTTP requests of the desk enter; JSON and pictures leave."""
