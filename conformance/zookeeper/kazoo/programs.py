"""
Programs with kazoo, a ZooKeeper client for Python. Each prints a transcript that has no times and no ids, so that it is the
same on every server that behaves as ZooKeeper does. A program that fails prints its traceback, and the exit code is 1.

    python3 programs.py HOST:PORT [NAME ...]

With KAZOO_CA, KAZOO_CERT and KAZOO_KEY, which are files, the clients use TLS.
"""

import os
import socket
import sys
import threading
import time
import traceback

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException
from kazoo.protocol.states import WatchedEvent
from kazoo.recipe.watchers import PatientChildrenWatch
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl

address = sys.argv[1]
PATIENCE = 30


def say(*words):
    print(*words, flush=True)


def secure():
    if 'KAZOO_CA' not in os.environ:
        return {}
    return {'use_ssl': True, 'ca': os.environ['KAZOO_CA'], 'certfile': os.environ['KAZOO_CERT'], 'keyfile': os.environ['KAZOO_KEY']}


def client(**options):
    made = KazooClient(hosts=address, timeout=10, **secure(), **options)
    made.start(timeout=PATIENCE)
    return made


def end(*clients):
    for each in clients:
        each.stop()
        each.close()


def attempt(what, call, *args, **options):
    """Calls, and prints the result or the name of the error."""
    try:
        result = call(*args, **options)
    except KazooException as error:
        say(what, 'fails:', type(error).__name__)
        return None
    say(what, '->', shown(result))
    return result


def shown(value):
    if isinstance(value, KazooException):
        return type(value).__name__
    if isinstance(value, WatchedEvent):
        return '%s %s %s' % (value.type, value.state, value.path)
    if hasattr(value, 'czxid'):
        return stat(value)
    if isinstance(value, list):
        return '[%s]' % ', '.join(shown(each) for each in value)
    if isinstance(value, tuple) and not hasattr(value, '_fields'):
        return '(%s)' % ', '.join(shown(each) for each in value)
    return repr(value)


def stat(value):
    """All of a stat that does not depend on the time, and how its zxids compare."""
    changed = 'changed' if value.mzxid > value.czxid else 'as created'
    children = 'children changed' if value.pzxid > value.czxid else 'no children yet'
    owner = 'ephemeral' if value.ephemeralOwner else 'persistent'
    return 'stat(v%d c%d a%d, %d bytes, %d children, %s, %s, %s)' % (
        value.version, value.cversion, value.aversion, value.dataLength, value.numChildren, owner, changed, children)


class Heard:
    """Collects what callbacks are called with."""

    def __init__(self):
        self.items = []
        self.condition = threading.Condition()

    def __call__(self, item):
        with self.condition:
            self.items.append(item)
            self.condition.notify_all()

    def until(self, count):
        """The items, as soon as there are so many."""
        with self.condition:
            if not self.condition.wait_for(lambda: len(self.items) >= count, PATIENCE):
                raise AssertionError('%d of %d: %r' % (len(self.items), count, self.items))
            return list(self.items)


def until(what, condition):
    deadline = time.time() + PATIENCE
    while not condition():
        if time.time() > deadline:
            raise AssertionError('not in time: ' + what)
        time.sleep(0.01)


def nodes():
    zk = client()
    attempt('create', zk.create, '/n', b'one')
    attempt('create again', zk.create, '/n', b'two')
    attempt('create below a missing parent', zk.create, '/missing/child')
    attempt('create with its parents', zk.create, '/n/a/b', b'deep', makepath=True)
    attempt('get', zk.get, '/n')
    attempt('get a missing one', zk.get, '/nowhere')
    attempt('exists', zk.exists, '/n/a/b')
    attempt('exists, missing', zk.exists, '/nowhere')
    attempt('set', zk.set, '/n', b'second')
    attempt('set with the right version', zk.set, '/n', b'third', version=1)
    attempt('set with an old version', zk.set, '/n', b'fourth', version=1)
    attempt('set a missing one', zk.set, '/nowhere', b'')
    attempt('get', zk.get, '/n')
    attempt('empty data', zk.create, '/n/empty', b'')
    attempt('get empty data', zk.get, '/n/empty')
    attempt('names beyond ASCII', zk.create, '/n/größe-日本', 'wert-値'.encode())
    attempt('get it', zk.get, '/n/größe-日本')
    say('children', sorted(zk.get_children('/n')))
    children, about = zk.get_children('/n', include_data=True)
    say('children with stat', sorted(children), stat(about))
    attempt('children of a missing one', zk.get_children, '/nowhere')
    attempt('delete one with children', zk.delete, '/n')
    attempt('delete with an old version', zk.delete, '/n/empty', version=7)
    attempt('delete', zk.delete, '/n/empty', version=0)
    attempt('delete a missing one', zk.delete, '/n/empty')
    attempt('stat after the deletion of a child', zk.exists, '/n')
    attempt('sync', zk.sync, '/n')
    attempt('a megabyte is too much', lambda: len(zk.create('/n/large', b'x' * 1_000_000)))
    attempt('delete recursively', zk.delete, '/n', recursive=True)
    attempt('exists', zk.exists, '/n')
    end(zk)


def sequences():
    zk = client()
    zk.create('/s')
    attempt('first', zk.create, '/s/a-', sequence=True)
    attempt('another name', zk.create, '/s/b-', sequence=True)
    zk.create('/s/plain')
    attempt('after a name without a number', zk.create, '/s/a-', sequence=True)
    zk.delete('/s/plain')
    zk.delete('/s/a-0000000003')
    attempt('after deletions', zk.create, '/s/a-', sequence=True)
    attempt('ephemeral', zk.create, '/s/e-', ephemeral=True, sequence=True)
    attempt('without a name of its own', zk.create, '/s/', sequence=True)
    say('children', sorted(zk.get_children('/s')))
    attempt('stat of the parent', zk.exists, '/s')
    zk.delete('/s', recursive=True)
    zk.create('/s')
    attempt('in a parent that is created again', zk.create, '/s/a-', sequence=True)
    end(zk)


def ephemerals():
    one, other = client(), client()
    one.create('/e')
    attempt('ephemeral', one.create, '/e/x', b'mine', ephemeral=True)
    attempt('seen by another session', other.get, '/e/x')
    attempt('child of an ephemeral', one.create, '/e/x/child')
    attempt('written by another session', other.set, '/e/x', b'yours')
    attempt('deleted by another session', other.delete, '/e/x')
    for name in 'abc':
        one.create('/e/' + name, ephemeral=True)
    other.create('/e/keep', ephemeral=True)
    gone = Heard()
    other.get('/e/a', watch=gone)
    end(one)
    say('told', shown(gone.until(1)))
    say('left', sorted(other.get_children('/e')))
    attempt('stat of the parent', other.exists, '/e')
    end(other)


def watches():
    zk, writer = client(), client()
    zk.create('/w', b'0')
    heard = Heard()
    attempt('data watch', zk.get, '/w', watch=heard)
    attempt('child watch', zk.get_children, '/w', watch=heard)
    attempt('watch for a missing one', zk.exists, '/w/c', watch=heard)
    writer.set('/w', b'1')
    writer.set('/w', b'2')
    heard.until(1)
    writer.create('/w/c')
    # Children of the parent and the created node: kazoo calls watchers of one change in the order of the messages.
    for event in heard.until(3):
        say('told', shown(event))
    heard = Heard()
    zk.get('/w/c', watch=heard)
    zk.exists('/w/c', watch=heard)
    zk.get_children('/w/c', watch=heard)
    zk.get_children('/w', watch=heard)
    writer.delete('/w/c')
    for event in sorted(shown(each) for each in heard.until(3)):
        say('told of a deletion', event)
    zk.set('/w', b'3')
    time.sleep(0.1)
    say('no watch is called twice:', len(heard.items))
    own = Heard()
    zk.get('/w', watch=own)
    zk.set('/w', b'by the watcher itself')
    say('told of an own change', shown(own.until(1)))
    gone = Heard()
    attempt('child watch on a missing one', zk.get_children, '/w/none', watch=gone)
    writer.create('/w/none')
    time.sleep(0.1)
    say('which sets no watch:', gone.items)
    end(zk, writer)


def recipes_of_watches():
    zk, writer = client(), client()
    data, children = Heard(), Heard()
    zk.DataWatch('/d', lambda value, about, event: data((value, about and about.version, event and event.type)))
    data.until(1)
    writer.create('/d', b'one')
    data.until(2)
    writer.set('/d', b'two')
    data.until(3)
    writer.delete('/d')
    for each in data.until(4):
        say('data', each)
    zk.create('/c')
    zk.ChildrenWatch('/c', lambda names: children(sorted(names)))
    children.until(1)
    writer.create('/c/a')
    children.until(2)
    writer.create('/c/b')
    children.until(3)
    writer.delete('/c/a')
    for each in children.until(4):
        say('children', each)
    patient = PatientChildrenWatch(zk, '/c', time_boundary=0.2).start()
    names, _ = patient.get(timeout=PATIENCE)
    say('patient', sorted(names))
    end(zk, writer)


def transactions():
    zk = client()
    zk.create('/t', b'0')

    def commit(what, *steps):
        transaction = zk.transaction()
        for name, *args in steps:
            getattr(transaction, name)(*args)
        attempt(what, transaction.commit)

    commit('all', ('create', '/t/a', b'1'), ('set_data', '/t', b'1'), ('check', '/t', 1), ('create', '/t/a/b'))
    commit('a wrong version in the middle', ('create', '/t/x'), ('check', '/t', 9), ('create', '/t/y'))
    commit('a missing node at the end', ('create', '/t/x'), ('set_data', '/t', b'2'), ('delete', '/t/none'))
    commit('a node that exists, first', ('create', '/t/a'), ('create', '/t/x'))
    commit('not empty', ('delete', '/t/a'))
    commit('create and delete', ('create', '/t/z'), ('delete', '/t/z'))
    commit('delete and create', ('delete', '/t/a/b'), ('create', '/t/a/b', b'again'))
    attempt('what came of it', zk.get, '/t')
    say('children', sorted(zk.get_children('/t')))
    transaction = zk.transaction()
    transaction.create('/t/q-', sequence=True)
    transaction.create('/t/e', ephemeral=True)
    transaction.create('/t/q-', sequence=True)
    attempt('sequential and ephemeral', transaction.commit)
    commit('nothing')
    end(zk)


def acls():
    owner, stranger = client(), client()
    owner.add_auth('digest', 'ann:secret')
    own = make_digest_acl('ann', 'secret', all=True)
    reading = make_acl('world', 'anyone', read=True)
    attempt('create', owner.create, '/acl', b'x', acl=[own, reading])
    say('acl', [(each.perms, each.id.scheme, each.id.id) for each in owner.get_acls('/acl')[0]])
    attempt('a stranger reads', stranger.get, '/acl')
    attempt('a stranger writes', stranger.set, '/acl', b'y')
    attempt('a stranger creates below it', stranger.create, '/acl/child')
    attempt('the owner creates below it', owner.create, '/acl/child', acl=[own])
    attempt('a stranger reads the child', stranger.get, '/acl/child')
    attempt('a stranger lists the child', stranger.get_children, '/acl/child')
    attempt('a stranger asks whether it exists', stranger.exists, '/acl/child')
    attempt('a stranger deletes the child', stranger.delete, '/acl/child')
    attempt('a stranger sets the ACL', stranger.set_acls, '/acl', OPEN_ACL_UNSAFE)
    attempt('the owner sets the ACL', owner.set_acls, '/acl', [own], version=0)
    attempt('with an old version', owner.set_acls, '/acl', [own], version=0)
    attempt('a stranger reads now', stranger.get, '/acl')
    attempt('no ACL', owner.create, '/acl/none', acl=[make_acl('digest', 'no-colon', all=True)])
    stranger.add_auth('digest', 'ann:secret')
    attempt('with the password', stranger.get, '/acl')
    attempt('any user who is authenticated', owner.create, '/acl/auth', acl=[make_acl('auth', '', all=True)])
    say('acl', [(each.perms, each.id.scheme, each.id.id) for each in owner.get_acls('/acl/auth')[0]])
    anonymous = client()
    attempt('without a user', anonymous.create, '/acl-auth', acl=[make_acl('auth', '', all=True)])
    attempt('the owner deletes', owner.delete, '/acl', recursive=True)
    end(owner, stranger, anonymous)


def reconnects():
    zk, writer = client(), client()
    states, data, children = Heard(), Heard(), Heard()
    zk.add_listener(states)
    zk.create('/r', b'0')
    zk.create('/r/mine', ephemeral=True)
    session = zk.client_id[0]
    zk.DataWatch('/r', lambda value, about: data((value, about.version)))
    zk.ChildrenWatch('/r', lambda names: children(sorted(names)))
    cut(zk)
    say('states', states.until(2))
    attempt('the same session', lambda: zk.client_id[0] == session)
    attempt('its ephemeral is still there', writer.get, '/r/mine')
    writer.set('/r', b'1')
    say('told over the new connection', data.until(2))
    # A change while it has no connection is seen when it is back.
    hold = Held(zk)
    writer.create('/r/later', b'x')
    writer.set('/r', b'2')
    hold.release()
    say('told when it is back', data.until(3)[-1], children.until(2)[-1])
    attempt('reads what was written meanwhile', zk.get, '/r/later')
    end(zk, writer)


def cut(zk):
    zk._connection._socket.shutdown(socket.SHUT_RDWR)


class Held:
    """Cuts the connection, and lets the client connect again when it is released."""

    def __init__(self, zk):
        self.zk = zk
        self.connect = zk.handler.create_connection
        self.open = threading.Event()
        states = Heard()
        zk.add_listener(states)

        def later(*args, **options):
            self.open.wait(PATIENCE)
            return self.connect(*args, **options)

        zk.handler.create_connection = later
        cut(zk)
        states.until(1)
        zk.remove_listener(states)

    def release(self):
        self.open.set()
        until('connected again', lambda: self.zk.state == KazooState.CONNECTED)


def locks():
    one, other, third = client(), client(), client()
    order = Heard()
    first = one.Lock('/lock', 'one')
    first.acquire()
    say('contenders', first.contenders())
    attempt('another one gets it at once', other.Lock('/lock', 'other').acquire, blocking=False)
    attempt('within a second', other.Lock('/lock', 'other').acquire, timeout=0.2)

    def wait(zk, name):
        with zk.Lock('/lock', name):
            order(name)

    threads = []
    for zk, name in ((other, 'other'), (third, 'third')):
        threads.append(threading.Thread(target=wait, args=(zk, name), daemon=True))
        threads[-1].start()
        until(name + ' waits', lambda: name in first.contenders())
    say('contenders', first.contenders())
    first.release()
    say('in order', order.until(2))
    for each in threads:
        each.join(PATIENCE)
    crashing = client()
    crashing.Lock('/lock', 'crashing').acquire()
    waiting = threading.Thread(target=wait, args=(one, 'after a session that ended'), daemon=True)
    waiting.start()
    until('it waits', lambda: len(third.Lock('/lock').contenders()) == 2)
    end(crashing)
    say(order.until(3)[-1])
    waiting.join(PATIENCE)
    reader = one.ReadLock('/rw', 'reader')
    reader.acquire()
    second = other.ReadLock('/rw', 'second reader')
    attempt('two readers', second.acquire, timeout=PATIENCE)
    attempt('a writer beside readers', third.WriteLock('/rw', 'writer').acquire, timeout=0.2)
    reader.release()
    second.release()
    attempt('a writer after readers', third.WriteLock('/rw', 'writer').acquire, timeout=PATIENCE)
    end(one, other, third)


def semaphores():
    zks = [client() for _ in range(3)]
    held = [zk.Semaphore('/semaphore', 'holder-%d' % at, max_leases=2) for at, zk in enumerate(zks)]
    attempt('first', held[0].acquire)
    attempt('second', held[1].acquire)
    attempt('third', held[2].acquire, blocking=False)
    say('holders', sorted(held[0].lease_holders()))
    held[0].release()
    attempt('third, after a release', held[2].acquire, timeout=PATIENCE)
    say('holders', sorted(held[0].lease_holders()))
    end(*zks)


def elections():
    zks = [client() for _ in range(3)]
    led = Heard()
    leaders = {}
    elected = [zk.Election('/election', 'c%d' % at) for at, zk in enumerate(zks)]
    goes = [threading.Event() for _ in zks]

    def lead(at):
        led('c%d' % at)
        goes[at].wait(PATIENCE)

    def take_part(election, at):
        try:
            election.run(lead, at)
        except KazooException:
            # Its session has ended.
            pass

    for at, election in enumerate(elected):
        leaders[at] = threading.Thread(target=take_part, args=(election, at), daemon=True)
        leaders[at].start()
        until('it takes part', lambda: 'c%d' % at in elected[0].contenders())
    say('contenders', elected[0].contenders())
    say('leads', led.until(1))
    goes[0].set()
    say('leads', led.until(2))
    end(zks[1])
    goes[1].set()
    say('leads after a session that ended', led.until(3))
    goes[2].set()
    leaders[2].join(PATIENCE)
    end(zks[0], zks[2])


def parties():
    one, other = client(), client()
    party, same = one.Party('/party', 'one'), other.Party('/party', 'other')
    party.join()
    same.join()
    say('members', sorted(party), len(party))
    same.leave()
    say('members', sorted(party))
    same.join()
    end(other)
    until('it is gone', lambda: len(party) == 1)
    say('members', sorted(party))
    shallow = one.ShallowParty('/shallow', 'me')
    shallow.join()
    say('shallow', list(shallow))
    end(one)


def counters():
    zks = [client() for _ in range(4)]

    def add(zk):
        counter = zk.Counter('/counter')
        for _ in range(25):
            counter += 1

    threads = [threading.Thread(target=add, args=(zk,), daemon=True) for zk in zks]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    counter = zks[0].Counter('/counter')
    say('sum', counter.value)
    counter -= 3
    say('sum', counter.value)
    real = zks[0].Counter('/real', default=1.5)
    real += 2.25
    say('real', real.value)
    end(*zks)


def queues():
    one, other = client(), client()
    queue, same = one.Queue('/queue'), other.Queue('/queue')
    for item in (b'a', b'b', b'c'):
        queue.put(item)
    queue.put(b'urgent', priority=1)
    say('length', len(same))
    say('items', [same.get() for _ in range(5)])
    locking = one.LockingQueue('/locking')
    locking.put_all([b'x', b'y'])
    item = locking.get(timeout=PATIENCE)
    say('locked', item, 'holds', locking.holds_lock())
    say('another gets', other.LockingQueue('/locking').get(timeout=PATIENCE))
    say('consumed', locking.consume())
    say('left', len(locking))
    end(one, other)


def barriers():
    one, other = client(), client()
    barrier = one.Barrier('/barrier')
    barrier.create()
    attempt('closed', other.Barrier('/barrier').wait, timeout=0.2)
    opened = Heard()
    threading.Thread(target=lambda: opened(other.Barrier('/barrier').wait(PATIENCE)), daemon=True).start()
    time.sleep(0.1)
    barrier.remove()
    say('opened', opened.until(1))
    entered = Heard()

    def take_part(zk, name):
        double = zk.DoubleBarrier('/double', 2, name)
        double.enter()
        entered('in')
        double.leave()
        entered('out')

    threads = [threading.Thread(target=take_part, args=each, daemon=True) for each in ((one, 'one'), (other, 'other'))]
    for each in threads:
        each.start()
    say('double', sorted(entered.until(4)))
    end(one, other)


PROGRAMS = (nodes, sequences, ephemerals, watches, recipes_of_watches, transactions, acls, reconnects, locks, semaphores,
            elections, parties, counters, queues, barriers)

failed = False
for program in PROGRAMS:
    if len(sys.argv) > 2 and program.__name__ not in sys.argv[2:]:
        continue
    say('==', program.__name__)
    try:
        program()
    except Exception:
        failed = True
        traceback.print_exc(file=sys.stdout)
# Threads of clients that a failed program has left must not keep the process.
sys.stdout.flush()
os._exit(1 if failed else 0)
