"""Debian's nginx with the site of ``deploy/``, on a port of its own."""

import subprocess

import requests
from debian_programs import environment, path_of
from harness import free_port, until

# What Debian's nginx.conf has around the sites; the user is the one that runs the tests.
AROUND = '''
{user}
daemon off;
worker_processes 1;
pid {temporary}/pid;
error_log {errors};
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {temporary}/body;
    proxy_temp_path {temporary}/proxy;
    fastcgi_temp_path {temporary}/fastcgi;
    uwsgi_temp_path {temporary}/uwsgi;
    scgi_temp_path {temporary}/scgi;
    include {site};
}}
'''


class Nginx:
    """An nginx of a machine, whose site is a copy with other ports.

    Parameters
    ----------
    machine
        Where it runs; its port is the server's.
    more
        Lines that are put below the one with ``listen``.
    name
        Of its folders; several on one machine have several.
    """

    def __init__(self, machine, more='', name='nginx'):
        self.port, self.tls_port = free_port(), free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.log = machine.folder('var/log/nginx') / 'mxnet-model-server.log'
        site = machine.install('nginx/mxnet-model-server.conf', f'etc/{name}/sites-enabled')
        text = site.read_text(encoding='utf-8')
        listen = 'listen 80;'
        assert listen in text
        more = machine.here(more).replace('listen 443', f'listen 127.0.0.1:{self.tls_port}')
        site.write_text(text.replace(listen, f'listen 127.0.0.1:{self.port};\n{more}'),
                        encoding='utf-8')
        temporary = machine.folder(f'var/lib/{name}')
        # Of an nginx that root starts, and of no other.
        user = 'user root;' if not machine.root.stat().st_uid else ''
        around = machine.folder(f'etc/{name}') / 'nginx.conf'
        errors = machine.folder('var/log/nginx') / 'error.log'
        around.write_text(AROUND.format(user=user, temporary=temporary, errors=errors, site=site))
        self._words = [path_of('nginx'), '-c', str(around), '-e', str(errors)]
        self._process = None

    def check(self):
        """What ``nginx -t`` says of the configuration."""
        done = subprocess.run([*self._words, '-t'], env=environment(), capture_output=True,
                              text=True, timeout=20)
        return done.returncode, done.stderr

    def start(self):
        self._process = subprocess.Popen(self._words, env=environment(),
                                         stdin=subprocess.DEVNULL)
        until(self._answers)
        return self

    def _answers(self):
        assert self._process.poll() is None
        try:
            return requests.get(self.url, timeout=5)
        except requests.ConnectionError:
            return None

    def close(self):
        if self._process:
            self._process.terminate()
            self._process.wait(20)
