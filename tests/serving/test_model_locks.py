import gevent

from mms.serving.model_locks import ModelLocks


def test_changes_of_one_model_wait_for_each_other_and_those_of_others_do_not():
    locks, log = ModelLocks(), []

    def change(name, number):
        with locks.hold(name):
            log.append(f'{name}{number} begins')
            gevent.sleep(0.01)
            log.append(f'{name}{number} ends')

    gevent.joinall([gevent.spawn(change, name, number)
                    for name, number in [('a', 1), ('a', 2), ('b', 1)]], raise_error=True)
    assert [line for line in log if line.startswith('a')] == [
        'a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']
    assert log.index('b1 begins') < log.index('a1 ends')


def test_a_change_that_fails_keeps_nobody_waiting():
    locks = ModelLocks()
    for _ in range(3):
        try:
            with locks.hold('a'):
                raise RuntimeError
        except RuntimeError:
            pass
    with gevent.Timeout(5), locks.hold('a'):
        pass
