"""Model archives: fetch, open, check and write them. Never imports MXNet."""
