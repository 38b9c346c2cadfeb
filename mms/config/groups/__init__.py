"""The options, part by part: the fields of :class:`mms.config.settings.Settings`.

For it alone.
"""
