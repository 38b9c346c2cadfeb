"""What MXNet imports beside itself is imported when it is used, and by nobody else too late."""

import subprocess
import sys
import textwrap

import pytest
from extras import needs

pytestmark = pytest.mark.core

PACKAGES = ('scipy', 'sklearn', 'requests', 'onnx')


def run(code):
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code)],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('lines', [
    'mxnet_compat.prepare_services(); import mxnet as mx', 'mx = mxnet_compat.mxnet'])
def test_importing_mxnet_imports_none_of_them(lines):
    run(f'''
        import sys
        from mms import mxnet_compat
        {lines}
        assert mx.nd.array([1, 2]).asnumpy().tolist() == [1, 2]
        found = [name for name in sys.modules if name.partition('.')[0] in {PACKAGES}]
        assert not found, found
    ''')


@needs('sklearn')
def test_the_packages_are_there_for_services_and_for_mxnet_itself():
    run('''
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        import mxnet as mx
        sparse = mx.nd.array([[1, 0], [0, 2]]).tostype('csr')
        assert sparse.asscipy().toarray().tolist() == [[1, 0], [0, 2]]
        import scipy.sparse, scipy.stats, sklearn.base, requests
        assert mx.test_utils.ss.norm is scipy.stats.norm
        taken = mx.nd.array(scipy.sparse.csr_matrix([[1, 0]]))
        assert taken.stype == 'csr' and taken.asnumpy().tolist() == [[1, 0]]
        assert mx.gluon.utils.requests.get is requests.get
    ''')


@needs('sklearn')
def test_what_a_service_imported_before_mxnet_stays_its_own():
    run('''
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        import scipy.stats, sklearn, requests
        before = scipy.stats, sklearn, requests
        import mxnet as mx
        import scipy.stats, scipy.sparse, sklearn, requests
        assert (scipy.stats, sklearn, requests) == before
        assert mx.gluon.utils.requests is requests
        assert mx.test_utils.ss is scipy.stats and scipy.sparse.csr_matrix
    ''')


def test_a_package_that_is_not_installed_stays_missing():
    run('''
        import importlib.util, sys
        from mms.mxnet_compat import late_packages
        real = late_packages.find_spec
        late_packages.find_spec = lambda name: None if name == 'scipy' else real(name)
        late_packages.hide(sys)
        assert not any(name.startswith('scipy') for name in sys.modules)
        late_packages.show(sys)
    ''')


def test_a_package_that_is_used_before_mxnet_is_imported_is_imported_then():
    run('''
        import sys
        from mms.mxnet_compat import late_packages
        late_packages.hide(sys)
        import requests
        assert isinstance(requests, late_packages.LatePackage)
        from requests import get
        assert sys.modules['requests'].get is get is requests.get
        late_packages.show(sys)
        assert sys.modules['requests'].get is get
    ''')


USES = ('import scipy.linalg', 'import scipy; scipy.__version__', 'import sklearn.base',
        'import requests.adapters', 'from scipy.sparse import linalg',
        'import importlib.util; importlib.util.find_spec("onnx").name')


@needs('sklearn', 'onnx')
def test_after_an_import_of_mxnet_that_failed_the_packages_are_there():
    run(f'''
        import sys
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        sys.modules['mxnet.gluon'] = None
        try:
            import mxnet
        except ImportError:
            assert 'mxnet.base' in sys.modules
        else:
            raise SystemExit('it was imported')
        for use in {USES}:
            exec(use)
    ''')


@needs('sklearn', 'onnx')
def test_another_thread_imports_the_packages_while_mxnet_is_imported():
    run(f'''
        from threading import Thread
        from mms import mxnet_compat
        from mms.mxnet_compat import after_import
        mxnet_compat.prepare_services()
        done = []

        def use():
            for each in {USES}:
                exec(each)
                done.append(each)

        def use_in_a_thread(module):
            thread = Thread(target=use)
            thread.start()
            thread.join()

        after_import.call('mxnet.base', use_in_a_thread)
        import mxnet
        assert len(done) == {len(USES)}, done
    ''')


def test_arrays_are_made_while_another_thread_imports_scipy():
    run('''
        import sys, types
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        import mxnet as mx
        sys.modules['scipy.sparse'] = types.ModuleType('scipy.sparse')  # as it begins
        assert mx.nd.array([1, 2]).asnumpy().tolist() == [1, 2]
    ''')


def test_what_mxnet_holds_has_the_version_of_the_package():
    run('''
        from mms import mxnet_compat
        mxnet_compat.prepare_services()
        import mxnet as mx
        held = mx.gluon.utils.requests.__version__
        import requests
        assert held == requests.__version__
    ''')
