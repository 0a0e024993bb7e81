"""Something that happened enters, e.g. a finished round; a message to another program or a tracker's run leaves."""
