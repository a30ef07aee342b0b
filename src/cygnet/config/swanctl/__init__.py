"""swanctl.conf to the model: sections as they are read, each by its table of keywords."""
