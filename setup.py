"""For installers that know no pyproject.toml, where all is said."""

from setuptools import setup

setup()
