"""MMS 0.4 as an application for gunicorn; written for its Python, 3.6.

Each worker extracts the archive into a folder of its own: 0.4 extracts beside the
archive, and several would write the same files at once.
"""

import json
import os
import tempfile

from werkzeug.datastructures import MultiDict

from mms.arg_parser import ArgParser
from mms.model_loader import ModelLoader
from mms.mxnet_model_server import MMS

# 0.4 reads a form as {name: values[0]} of dict(form). Since Python 3.6.7, dict() heeds
# the __iter__ of a subclass and holds texts, of which that is the first letter.
del MultiDict.__iter__

folder = tempfile.mkdtemp()
models = []
for name, archive in json.loads(os.environ['MMS04_MODELS']).items():
    # In a folder of its own: several may be of one file.
    os.mkdir(os.path.join(folder, name))
    link = os.path.join(folder, name, os.path.basename(archive))
    os.symlink(archive, link)
    models.append(f'{name}={link}')
service = os.environ['MMS04_SERVICE']
arguments = ArgParser.extract_args([
    '--models', *models, *(['--service', service] if service else []),
    '--log-file', os.path.join(folder, 'mms_app.log')])
try:
    application = MMS(args=arguments, models=ModelLoader.load(arguments.models)).create_app()
except SystemExit as error:
    # Else gunicorn would start the worker again for ever.
    raise RuntimeError('MMS 0.4 cannot serve the models; its log says why') from error
