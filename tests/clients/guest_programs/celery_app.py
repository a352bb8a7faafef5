# SPDX-License-Identifier: MIT
"""A Celery application: the server is broker and result backend.

Celery takes a lock while it looks for jobs of workers that died, and gives it back with a script.
Scripts are not there yet, so the key of that lock is taken before the worker starts: then nobody
looks, and such jobs stay where they are.
"""

import os
import subprocess
import sys
import tempfile

import redis
from celery import Celery, chain, chord, group

URL = os.environ.get("GUEST_URL") or "redis://127.0.0.1:%s/0" % sys.argv[1]   # the worker has the first
LOCK = "unacked_mutex"
WAIT = 60   # seconds for one result
app = Celery("celery_app", broker=URL, backend=URL)
app.conf.update(broker_transport_options={"unacked_mutex_key": LOCK}, result_extended=True)


@app.task
def add(one, two):
    return one + two


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fails():
    raise ValueError("on purpose")


@app.task(bind=True, max_retries=3)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


def jobs(check, same, raises):
    with check("a job and its result, and one for later"):
        same(add.delay(2, 3).get(WAIT), 5)
        same(add.apply_async((4, 5), countdown=0.2).get(WAIT), 9)
    with check("100 jobs at once, a chain, a chord"):
        same(group(add.s(i, i) for i in range(100))().get(WAIT), [2 * i for i in range(100)])
        same(chain(add.s(1, 2), add.s(3), add.s(4))().get(WAIT), 10)
        same(chord((add.s(i, 1) for i in range(10)), total.s())().get(WAIT), 55)
    with check("errors, retries, priorities and forgetting"):
        same(raises(ValueError, fails.delay().get, WAIT), "on purpose")
        same(third_time.delay().get(WAIT), 2)
        result = add.apply_async((1, 1), priority=9)
        same(result.get(WAIT), 2)
        result.forget()
        same(result.state, "PENDING")
    with check("control: ping and inspect by publish/subscribe"):
        replies = app.control.ping(timeout=5, limit=1)
        same([list(reply.values()) for reply in replies], [[{"ok": "pong"}]])
        tasks = app.control.inspect(timeout=5, limit=1).registered()
        assert any("celery_app.add" in names for names in tasks.values()), tasks


def after_a_kill(worker, check, same, until, kill_the_server):
    """Celery 5.2's worker and results do not always come back after a lost connection (nor with
    redis-server); the worker is started again then, as an operator would."""
    with check("kill -9: results and waiting jobs stay, and the next worker does them"):
        kept = add.delay(20, 22)
        same(kept.get(WAIT), 42)
        worker.stop()
        waiting = [add.delay(i, i) for i in range(20)]
        kill_the_server()
        same(app.AsyncResult(kept.id).result, 42)
        worker.start()
        until(lambda: all(job.state == "SUCCESS" for job in waiting))
        same([job.result for job in waiting], [2 * i for i in range(20)])


class Worker:
    """The worker process; what it logs is shown when the guest fails."""

    def __init__(self, log):
        self.log, self.process = log, None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--pool=threads", "-c", "4", "-l", "info"],
            cwd=os.path.dirname(os.path.abspath(__file__)), env=dict(os.environ, GUEST_URL=URL),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def guest():
    from common import PORT, check, kill_the_server, main, raises, same, until
    redis.Redis(port=PORT).set(LOCK, "there are no scripts")
    with tempfile.TemporaryFile("w+") as log:
        worker = Worker(log)
        worker.start()
        try:
            main(lambda: jobs(check, same, raises), lambda: after_a_kill(worker, check, same, until, kill_the_server))
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read()[-3000:])
            raise
        finally:
            worker.stop()


if __name__ == "__main__":
    guest()
