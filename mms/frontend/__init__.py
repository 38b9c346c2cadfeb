"""HTTP: the server, its routes, and what requests and answers look like."""
