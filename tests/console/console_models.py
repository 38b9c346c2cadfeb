"""Models for the console: digits that are read, and small services of each kind of answer."""

import subprocess
import sys

from extras import require
from harness import PICTURES, REPO, TENSORS, write_archive

EPOCHS = 5
TRAIN = '''
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import train
train.EPOCHS = {epochs}
train.logging.disable(train.logging.INFO)
train.run(Path(sys.argv[2]))
'''

# Two boxes, as examples/ssd answers them, in pixels of a picture of 64 x 48.
BOXES = [['left', 0.9, 4, 6, 20, 30], ['right', 0.75, 40, 10, 16, 24]]
DETECTOR = {**PICTURES, 'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 64, 64]}]}
PAINTER = {**DETECTOR, 'output_type': 'image/jpeg'}
SCALE = {**TENSORS, 'inputs': [{'data_name': 'values', 'data_shape': [0, 3]},
                               {'data_name': 'factor', 'data_shape': [0, 1]}],
         'outputs': [{'data_name': 'scaled', 'data_shape': [0, 3]}]}
# More numbers than a form has fields for.
LONG = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': [0, 2, 20]}]}
# Which says nothing of what is in the list.
BARE = {**TENSORS, 'inputs': [{'data_name': 'data', 'data_shape': []}]}


def digits(folder):
    """A folder of pictures of digits that the model, beside it, has not been trained on."""
    require('sklearn')
    example = REPO / 'examples' / 'digits'
    subprocess.run([sys.executable, '-c', TRAIN.format(epochs=EPOCHS), example, folder],
                   check=True, capture_output=True)
    subprocess.run([sys.executable, '-m', 'mms.export_model', '--model-name', 'digits',
                    '--model-path', folder / 'model', '--model-type', 'symbolic'],
                   check=True, capture_output=True, cwd=folder,
                   env={'PYTHONPATH': str(REPO)})
    return folder / 'held_out'


def others(folder):
    """Words of the command line for the small services."""
    made = {
        'boxes': write_archive(folder, 'boxes', f'return {BOXES}', signature=DETECTOR),
        'painter': write_archive(folder, 'painter', (
            'import base64\nreturn base64.b64encode(bytes(data[0])).decode()'), signature=PAINTER),
        'scale': write_archive(folder, 'scale', (
            'values, factor = data\n'
            'return [[[number * factor[0][0] for number in row] for row in values]]'),
            signature=SCALE),
        'long': write_archive(folder, 'long', (
            'assert data[0][0][0][0] != 13, "an unlucky number"\n'
            'return [len(data[0][0][0])]'), signature=LONG),
        'bare': write_archive(folder, 'bare', 'return data', signature=BARE),
    }
    return [f'{name}={path}' for name, path in made.items()]
