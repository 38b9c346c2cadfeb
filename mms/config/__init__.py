"""What the server was asked to do, and where that was said: options, their sources, their values.

To be imported from outside: :class:`mms.config.settings.Settings`, whose fields are the options;
workers get what they need in messages.
"""
