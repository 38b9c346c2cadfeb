"""What the server was asked to do, and where that was said.

To be imported from outside: :class:`mms.config.settings.Settings`; workers get what they need in
messages.
"""
