"""Does what a Dockerfile says, in a folder: there is no Docker where the tests run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from harness import REPO

# Where a build of the package finds what it needs, in place of a registry of packages.
SITE = Path(sysconfig.get_paths()['purelib'])
BUILD_TOOLS = ('setuptools', '_distutils_hack', 'pkg_resources', 'wheel')
# Folders of the image that are in the folder; all others are the machine's own.
INSIDE = re.compile(r'(?<![\w/.])/(?=(?:opt|src|models)\b)')


class Instruction(NamedTuple):
    """One of a Dockerfile, with the stage that it belongs to: 0 is the first."""

    stage: int
    word: str
    text: str


def instructions(text):
    """The instructions of a Dockerfile, whose lines may go on in the next one."""
    stage = -1
    for line in text.replace('\\\n', ' ').splitlines():
        if line.strip() and not line.startswith('#'):
            word, _, rest = line.partition(' ')
            stage += word == 'FROM'
            yield Instruction(stage, word, rest.strip())


class Image:
    """The folder of an image, and what its last stage says of how it is run."""

    def __init__(self, text, root):
        self.root = Path(root)
        self.said = list(instructions(text))
        self.folder = self.root
        self.environment = {}
        self._tools = self._build_tools()

    def here(self, text):
        """A text with the folders of the image."""
        return INSIDE.sub(f'{self.root}/', text)

    def last(self, word):
        """What the last stage says under a word."""
        return [one.text for one in self.said
                if one.word == word and one.stage == self.said[-1].stage]

    def command(self, word):
        """The words of an ENTRYPOINT, CMD or HEALTHCHECK in the form without a shell."""
        [text] = self.last(word)
        return json.loads(text[text.index('['):])

    def build(self):
        for one in self.said:
            getattr(self, f'_{one.word.lower()}', lambda text: None)(one.text)
        return self

    def _workdir(self, text):
        self.folder = Path(self.here(text))
        self.folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, text):
        *sources, target = text.split()
        if sources[0].startswith('--from='):
            return  # Of a stage that was built in this folder, too.
        for source in sources:
            path = self.folder / target / (source if target.endswith('/') else '')
            if (REPO / source).is_dir():
                shutil.copytree(REPO / source, path,
                                ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy(REPO / source, path)

    def _run(self, text):
        if 'apt-get' in text:
            return  # The machine of the tests has the libraries, or its MXNet would not import.
        done = subprocess.run(
            ['sh', '-c', self.here(text)], cwd=self.folder, capture_output=True, text=True,
            timeout=600, env={
                **os.environ, 'PATH': f'{self._tools}{os.pathsep}{os.environ["PATH"]}',
                'PYTHONPATH': str(self._tools), 'PIP_NO_INDEX': '1', 'PIP_NO_DEPS': '1',
                'PIP_NO_BUILD_ISOLATION': '0', 'PIP_DISABLE_PIP_VERSION_CHECK': '1'})
        assert done.returncode == 0, done.stdout + done.stderr

    def _env(self, text):
        for pair in shlex.split(text):
            name, _, value = pair.partition('=')
            self.environment[name] = self.here(value).replace('$PATH', os.environ['PATH'])

    def _build_tools(self):
        """A folder with Python, and of this environment what builds the package alone."""
        tools = self.root / 'tools'
        tools.mkdir()
        # Not that of a virtual environment, whose packages would be seen.
        python = tools / 'python'
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys._base_executable)} "$@"\n')
        python.chmod(0o755)
        for name in BUILD_TOOLS:
            for path in (SITE / name, *SITE.glob(f'{name}-*.dist-info')):
                if path.exists():
                    (tools / path.name).symlink_to(path)
        return tools
