"""Which requests run together, and on how many threads: decisions without sockets or clocks."""
