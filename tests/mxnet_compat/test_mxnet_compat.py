"""MXNet 1.9.1 can be imported on today's NumPy and Python, and nothing else is touched."""

import subprocess
import sys
import textwrap

import pytest

from mms.mxnet_compat import numpy_names
from mms.mxnet_compat.distutils_version import LooseVersion
from mms.mxnet_compat.repairs import REPAIRS

pytestmark = pytest.mark.core


def run(code, *flags):
    done = subprocess.run([sys.executable, *flags, '-c', textwrap.dedent(code)],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_importing_the_module_alone_imports_neither_numpy_nor_mxnet():
    run('''
        import sys, mms.mxnet_compat
        assert 'numpy' not in sys.modules and 'mxnet' not in sys.modules
    ''')


def test_mxnet_imports_and_its_numpy_arrays_work_and_no_future_warning_leaks():
    run('''
        from mms import mxnet_compat
        mxnet_compat.prepare()
        import mxnet as mx, numpy
        ones = mx.np.ones((2, 3))
        assert float(mx.np.sum(ones)) == 6 and float(numpy.sum(ones)) == 6
        assert bool(numpy.any(ones)) and not bool(numpy.all(ones > 2))
        assert float(numpy.prod(ones + 1)) == 64
        assert mx.np.pad(ones, ((1, 1), (1, 1))).shape == (4, 5)
        assert mx.np.in1d(mx.np.array([1, 2]), mx.np.array([2])).tolist() == [False, True]
        assert float(mx.np.trapz(mx.np.array([1., 2.]))) == 1.5
        assert mx.np.msort(mx.np.array([3., 1.])).tolist() == [1, 3]
        assert mx.np.zeros(2, dtype=bool).asnumpy().dtype == numpy.dtype('bool')
        assert mx.nd.moveaxis(mx.nd.ones((1, 2)), 0, 1).shape == (2, 1)
        assert mx.nd.array([[1.5, 2]]).asnumpy().tolist() == [[1.5, 2]]
        import mxnet.gluon.contrib.estimator
    ''', '-W', 'error::FutureWarning')


def test_nothing_is_touched_but_what_is_missing_and_a_second_call_changes_nothing():
    run('''
        import sys, warnings
        import numpy
        from mms import mxnet_compat
        from mms.mxnet_compat import numpy_names

        def state():
            return dict(vars(numpy)), set(sys.modules), list(sys.meta_path), list(warnings.filters)

        version = [int(part) for part in numpy.__version__.split('.')[:2]]
        def at_least(release):
            return release is not None and version >= [int(part) for part in release.split('.')]

        gone = {entry.name for entry in numpy_names.MXNET
                if at_least(entry.since) and not at_least(entry.back)}
        names, modules, finders, filters = state()
        mxnet_compat.prepare()
        once = state()
        assert set(once[0]) - set(names) == gone, (set(once[0]) - set(names), gone)
        assert all(once[0][name] is value for name, value in names.items())
        assert once[1] == modules
        # For distutils, and for the end of MXNet's import.
        assert len(once[2]) - len(finders) == 2
        assert once[3] == filters
        mxnet_compat.prepare()
        assert state() == once
    ''')


def test_names_for_service_files_are_put_back_where_service_files_are_loaded_alone():
    run('''
        import warnings
        warnings.simplefilter('ignore')
        import numpy
        from mms import mxnet_compat
        from mms.mxnet_compat import numpy_names
        names = [entry.name for entry in numpy_names.SERVICES]
        there = {name: getattr(numpy, name) for name in names if hasattr(numpy, name)}
        mxnet_compat.prepare()
        assert [name for name in names if hasattr(numpy, name)] == list(there)
        mxnet_compat.prepare_services()
        assert all(hasattr(numpy, name) for name in names)
        assert all(getattr(numpy, name) is value for name, value in there.items())
        assert numpy.zeros(1, dtype=numpy.float).dtype == float
    ''')


def test_every_name_says_why_and_since_when():
    entries = [*numpy_names.MXNET, *numpy_names.SERVICES]
    assert len({entry.name for entry in entries}) == len(entries)
    assert len({(repair.module, repair.name) for repair in REPAIRS}) == len(REPAIRS)
    for entry in [*entries, *REPAIRS]:
        assert entry.why
        assert [int(part) for part in entry.since.split('.')] >= [1, 24]


def test_distutils_is_only_made_where_it_cannot_be_imported():
    run('''
        import importlib, sys
        try:
            real = importlib.import_module('distutils.version')
        except ImportError:
            real = None
        from mms import mxnet_compat
        mxnet_compat.prepare()
        import distutils.version
        if real is None:
            from mms.mxnet_compat.distutils_version import LooseVersion
            assert distutils.version.LooseVersion is LooseVersion
        else:
            assert distutils.version is real
    ''')


def test_setuptools_is_not_imported_only_to_ask_it_for_distutils():
    run('''
        import sys
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        assert not {'setuptools', 'distutils'} & {name.partition('.')[0] for name in sys.modules}
    ''')


def test_without_distutils_its_versions_still_compare():
    run('''
        import sys
        from importlib.machinery import PathFinder
        class NoDistutils:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name.split('.')[0] != 'distutils':
                    return PathFinder.find_spec(name, path, target)
        sys.meta_path[:] = [NoDistutils if finder is PathFinder else finder
                            for finder in sys.meta_path
                            if not type(finder).__module__.startswith('_distutils_hack')]
        sys.modules.pop('distutils', None)
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        import mxnet
        from distutils.version import LooseVersion, StrictVersion
        from mms.mxnet_compat import distutils_version
        assert LooseVersion is distutils_version.LooseVersion
        assert StrictVersion('2.0') >= StrictVersion('1.6.0')
        try:
            import distutils.util
        except ImportError:
            pass
        else:
            raise AssertionError('distutils.util was never promised')
    ''')


@pytest.mark.parametrize(('low', 'high'), [
    ('1.9', '1.17'), ('1.17', '2.5.5'), ('1.17.0rc1', '1.17.0.1'), ('1.17', '1.17.1'),
])
def test_versions_compare_number_by_number(low, high):
    assert LooseVersion(low) < LooseVersion(high)
    assert LooseVersion(high) > low
    assert LooseVersion(low) <= low
    assert LooseVersion(high) >= LooseVersion(low)
    assert LooseVersion(low) == LooseVersion(low)
    assert hash(LooseVersion(low)) == hash(LooseVersion(low))
    assert LooseVersion(low) != high
    assert str(LooseVersion(low)) == low


def test_load_params_of_the_tutorial_does_not_warn(tmp_path):
    done = run(f'''
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        from mxnet import gluon
        net = gluon.nn.Dense(2, in_units=2)
        net.initialize()
        net.save_parameters({str(tmp_path / 'w.params')!r})
        for _ in range(2):
            net.load_params({str(tmp_path / 'w.params')!r})
    ''')
    assert 'deprecated' not in done.stderr
