# SPDX-License-Identifier: MIT
"""The load: which actors there are, and the processes they run in."""

import multiprocessing
import pickle
import sys
import time

import actors_data as data
import actors_flow as flow
import actors_rude as rude
import wire
from actor import Crew

BASE_KEYS = 30_000
JOIN_SECONDS = 150


def fill(port):
    """What is there before the load: keys nobody touches, accounts, tables."""
    client = wire.Client(port)
    for start in range(0, BASE_KEYS, 1000):
        client.pipeline([("SET", "base:%d" % n, '{"number":%d,"text":"%s"}' % (n, "b" * 100))
                         for n in range(start, start + 1000)])
    client.pipeline([("SET", "account:%d" % n, flow.EACH) for n in range(flow.ACCOUNTS)])
    client.call("SET", rude.SLOW_KEY, rude.slow_value())
    for statement in flow.SCHEMA:
        reply = client.call("SQL", statement)
        if isinstance(reply, wire.Refused):
            raise wire.Gone("%s: %s" % (statement, reply))
    client.close()


def simple_things(crew, _):
    return ([data.Texts(crew, str(n)) for n in range(2)] +
            [data.Sessions(crew, str(n)) for n in range(2)] +
            [data.OneByOne(crew, str(n)) for n in range(2)] +
            [data.Counters(crew, str(n)) for n in range(2)])


def collections(crew, _):
    return ([kind(crew, str(n)) for kind in (data.Hashes, data.Sets, data.Leaderboards, data.Lists)
             for n in range(1)] + [flow.Bank(crew, str(n)) for n in range(3)] +
            [data.Flushed(crew, "0")])


def conversations(crew, place):
    plain, safe = flow.Queue("plain"), flow.Queue("safe")
    channel = flow.Channel("news:1", 3)
    operator = rude.Operator(crew, "0", place["admin"], place["directory"], place["scratch"])
    operator.total = flow.ACCOUNTS * flow.EACH
    return [
        flow.Consumer(crew, "0", plain), flow.Producer(crew, "plain", plain),
        *[flow.SafeConsumer(crew, str(n), safe) for n in range(3)],
        *[flow.Producer(crew, "safe%d" % n, safe) for n in range(2)],
        *[flow.Subscriber(crew, str(n), channel, n == 2) for n in range(3)],
        flow.Publisher(crew, "0", channel),
        flow.Sql(crew, "one"), flow.Sql(crew, "two"),
        data.Big(crew, "0"), rude.Churn(crew, "0"), rude.Churn(crew, "1"), rude.Idle(crew, "0"),
        rude.SlowReader(crew, "0"), rude.NeverReader(crew, "0"), rude.DeafSubscriber(crew, "0"),
        operator,
    ]


CREWS = [simple_things, collections, conversations]


def run_crew(make, port, seed, seconds, place, stop, path):
    """The body of one process."""
    wire.die_with_parent()
    sys.setswitchinterval(0.001)
    crew = Crew(port, seed, seconds)
    actors = make(crew, place)
    for actor in actors:
        actor.start()
    while not stop.wait(0.5):
        pass
    crew.stop.set()
    end = time.monotonic() + JOIN_SECONDS
    for actor in actors:
        actor.join(max(0, end - time.monotonic()))
        if actor.is_alive():
            crew.say_error("%s does not come to an end" % actor.name)
    result = {
        "counts": dict(crew.counts), "events": crew.events, "wrong_count": crew.wrong_count,
        "wrong": crew.wrong, "error_count": crew.error_count, "errors": crew.errors,
        "expected": [line for actor in actors for line in actor.expected()],
    }
    with open(path, "wb") as file:
        pickle.dump(result, file)


class Load:
    def __init__(self, port, seed, seconds, place):
        self.stop_event = multiprocessing.Event()
        self.paths = ["%s/load-%d" % (place["scratch"], n) for n in range(len(CREWS))]
        self.processes = [multiprocessing.Process(
            target=run_crew, args=(make, port, "%s %d" % (seed, n), seconds, place, self.stop_event, path))
            for n, (make, path) in enumerate(zip(CREWS, self.paths))]

    def start(self):
        for process in self.processes:
            process.start()

    def alive(self):
        return all(process.is_alive() for process in self.processes)

    def stop(self):
        """The results of all processes as one."""
        self.stop_event.set()
        total = {"counts": {}, "events": [], "wrong_count": 0, "wrong": [], "error_count": 0,
                 "errors": [], "expected": []}
        for process, path in zip(self.processes, self.paths):
            process.join(JOIN_SECONDS + 60)
            if process.is_alive() or process.exitcode:
                total["error_count"] += 1
                total["errors"].append("a process of the load did not end as it should")
                process.kill()
                continue
            with open(path, "rb") as file:
                result = pickle.load(file)
            for kind, count in result.pop("counts").items():
                total["counts"][kind] = total["counts"].get(kind, 0) + count
            for name, value in result.items():
                total[name] += value
        total["events"].sort()
        return total

    def kill(self):
        for process in self.processes:
            if process.is_alive():
                process.kill()
