"""What is compared: the limit without HTTP, this server, and its peers."""
