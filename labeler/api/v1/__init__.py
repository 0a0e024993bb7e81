"""The public API, one file a resource: requests with an API token enter; JSON, files and problems leave."""
