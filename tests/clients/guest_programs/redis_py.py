# SPDX-License-Identifier: MIT
"""redis-py as applications use it. See ../guests.py for what is printed."""

import threading
import time
import uuid

import redis
from common import PORT, check, kill_the_server, main, raises, same, until

CLIENTS = 20  # at once


def connect(**options):
    return redis.Redis(port=PORT, **options)


def basics():
    r = connect()
    with check("set and get, bytes and text"):
        same(r.ping(), True)
        same(r.set("greeting", "grüß\u00df 🪨"), True)
        same(r.get("greeting").decode(), "grüß\u00df 🪨")
        same(connect(decode_responses=True).get("greeting"), "grüß\u00df 🪨")
        every = bytes(range(256))
        r.set(b"bytes\x00\r\n", every)
        same(r.get(b"bytes\x00\r\n"), every)
        same(r.get("nothing"), None)
    with check("every option of set"):
        same(r.set("o", 1, nx=True), True)
        same(r.set("o", 2, nx=True), None)
        same(r.set("o", 3, xx=True, get=True), b"1")
        same(r.set("o", 4, ex=100), True)
        same(r.set("o", 5, keepttl=True), True)
        assert 98 <= r.ttl("o") <= 100
        r.set("o", 6, exat=int(time.time()) + 50)
        assert 48 <= r.ttl("o") <= 50
        same(r.getdel("o"), b"6")
    with check("setex, ttl, expire, persist, pexpireat, getex"):
        same(r.setex("t", 60, "x"), True)
        assert 0 < r.ttl("t") <= 60
        same(r.expire("t", 10, gt=True), False)
        same(r.persist("t"), True)
        same(r.ttl("t"), -1)
        same(r.ttl("nothing"), -2)
        same(r.getex("t", px=5000), b"x")
        assert 0 < r.pttl("t") <= 5000
        same(r.pexpireat("t", 1), True)
        same(r.exists("t"), 0)
    with check("counters, ranges, many keys"):
        same(r.incr("n"), 1)
        same(r.incrby("n", 41), 42)
        same(r.decr("n"), 41)
        same(r.incrbyfloat("f", 0.5), 0.5)
        same(r.mset({"a": 1, "b": 2}), True)
        same(r.mget("a", "b", "nothing"), [b"1", b"2", None])
        same(r.msetnx({"a": 5, "c": 5}), False)
        same(r.append("a", "23"), 3)
        same(r.setrange("a", 1, "99"), 3)
        same(r.getrange("a", 0, -1), b"199")
        same(r.rename("a", "z"), True)
        same(r.delete("z", "b", "nothing"), 2)
        same(r.execute_command("LCS", "n", "n"), b"41")
    with check("errors become ResponseError"):
        r.set("text", "abc")
        same(raises(redis.ResponseError, r.incr, "text"),
             "value is not an integer or out of range")
        assert "unknown command" in raises(redis.ResponseError, r.execute_command, "NOSUCH", "a")
        assert raises(redis.ResponseError, r.execute_command, "GET")


def together():
    r = connect()
    with check("pipeline without a transaction"):
        pipe = r.pipeline(transaction=False)
        for i in range(10000):
            pipe.set("p:%d" % i, i)
        same(set(pipe.execute()), {True})
        same(sorted(map(int, r.mget("p:%d" % i for i in range(10000)))), list(range(10000)))
    with check("pipeline with a transaction; an error inside it"):
        pipe = r.pipeline()
        pipe.set("tx", 1).incr("tx").get("tx")
        same(pipe.execute(), [True, 2, b"2"])
        pipe.set("tx", "x").incr("tx").get("tx")
        results = pipe.execute(raise_on_error=False)
        same((results[0], results[2]), (True, b"x"))
        assert isinstance(results[1], redis.ResponseError)
    with check("WATCH: a transaction that lost is not run"):
        with r.pipeline() as pipe:
            pipe.watch("watched")
            r.set("watched", "by another")
            pipe.multi()
            pipe.set("watched", "mine")
            raises(redis.WatchError, pipe.execute)
        same(r.get("watched"), b"by another")
        r.transaction(lambda p: (p.get("watched"), p.multi(), p.set("watched", "mine")), "watched")
        same(r.get("watched"), b"mine")
    with check("scan_iter: every key, by pattern and type"):
        same(len(set(r.scan_iter("p:*", count=100))), 10000)
        same(len(set(r.scan_iter("p:1?", _type="string"))), 10)
        same(len(set(r.scan_iter(_type="list"))), 0)
    with check("databases: select, swapdb, move, copy, flushdb"):
        other = connect(db=9)
        other.set("only in", 9)
        same(r.exists("only in"), 0)
        same(other.move("only in", 10), True)
        same(connect(db=10).copy("only in", "copied", destination_db=9), True)
        same(r.swapdb(9, 10), True)
        same((other.keys(), connect(db=10).keys()), ([b"only in"], [b"copied"]))
        same(other.flushdb(), True)
        same(other.dbsize(), 0)
    with check("%d clients count to 4000" % CLIENTS):
        def count():
            mine = connect()
            for _ in range(4000 // CLIENTS):
                mine.incr("counted")
        run_all([threading.Thread(target=count) for _ in range(CLIENTS)])
        same(r.get("counted"), b"4000")
    with check("%d clients add with WATCH and MULTI" % CLIENTS):
        def add(p):
            value = int(p.get("watched sum") or 0)
            p.multi()
            p.set("watched sum", value + 1)
        run_all([threading.Thread(target=lambda: connect().transaction(add, "watched sum"))
                 for _ in range(CLIENTS)])
        same(r.get("watched sum"), b"%d" % CLIENTS)


def run_all(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Lock:
    """SET NX PX to take, WATCH GET MULTI DEL to give back only what is still ours."""

    def __init__(self, r, name, milliseconds=10000):
        self.r, self.name, self.ms = r, name, milliseconds
        self.token = uuid.uuid4().hex

    def take(self):
        return bool(self.r.set(self.name, self.token, nx=True, px=self.ms))

    def give_back(self):
        with self.r.pipeline() as pipe:
            pipe.watch(self.name)
            if pipe.get(self.name) != self.token.encode():
                return False
            pipe.multi()
            pipe.delete(self.name)
            try:
                return pipe.execute() == [1]
            except redis.WatchError:
                return False


def locks():
    r = connect()
    with check("a lock: one holder at a time, nobody else can give it back"):
        one, two = Lock(r, "lock"), Lock(r, "lock")
        same((one.take(), two.take(), two.give_back()), (True, False, False))
        same((one.give_back(), two.take(), two.give_back()), (True, True, True))
    with check("a lock whose holder died frees itself"):
        dead, next_one = Lock(r, "lock", 50), Lock(r, "lock")
        same(dead.take(), True)
        deadline = time.monotonic() + 10
        while not next_one.take():
            assert time.monotonic() < deadline, "the lock never expired"
        same((dead.give_back(), next_one.give_back()), (False, True))
    with check("a lock guards what is not atomic, 20 clients"):
        state = {"inside": 0, "most": 0, "turns": 0}

        def work():
            mine = connect()
            for _ in range(10):
                lock = Lock(mine, "guard")
                while not lock.take():
                    pass
                state["inside"] += 1
                state["most"] = max(state["most"], state["inside"])
                mine.set("unsafe", int(mine.get("unsafe") or 0) + 1)
                state["turns"] += 1
                state["inside"] -= 1
                assert lock.give_back()
        run_all([threading.Thread(target=work) for _ in range(CLIENTS)])
        same((state["most"], state["turns"], r.get("unsafe")), (1, 200, b"200"))


def server_commands():
    r = connect()
    with check("info, client list, config, slowlog, memory as redis-py parses them"):
        info = r.info()
        same((info["redis_mode"], info["role"], info["loading"]), ("standalone", "master", 0))
        assert info["db0"]["keys"] == r.dbsize()
        r.client_setname("guest")
        same(r.client_getname(), "guest")
        assert any(c["name"] == "guest" and c["cmd"] == "client|list" for c in r.client_list())
        r.config_set("slowlog-log-slower-than", 0)
        r.get("n")
        entry = r.slowlog_get(1)[0]
        assert entry["command"] in (b"GET n", "GET n"), entry
        r.config_set("slowlog-log-slower-than", 10000)
        assert r.memory_usage("n") > 0
        assert r.config_get("max*")["maxclients"] == "10000"
        assert abs(r.time()[0] - time.time()) < 5
        assert r.lastsave().year > 2000
        assert r.command_count() == len(r.command())
        assert "setex" in r.command()
        assert r.object("encoding", "n") == b"int"
        assert r.bgsave()
    with check("monitor"):
        with r.monitor() as monitor:
            connect().set("m", "monitored")
            same(monitor.next_command()["command"], "SET m monitored")


def killed():
    with check("kill -9 while clients count: nothing answered is lost, all come back"):
        answered = [0] * 4
        lost = []
        stop = threading.Event()

        def count(at):
            mine = connect()
            while not stop.is_set():
                try:
                    reply = mine.incr("killed:%d" % at)
                except redis.ConnectionError:  # the server is away: try again, as programs do
                    time.sleep(0.01)
                    continue
                if reply <= answered[at]:
                    lost.append("%d after %d" % (reply, answered[at]))
                answered[at] = reply
        threads = [threading.Thread(target=count, args=(at,), daemon=True) for at in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: min(answered) >= 200)
        kill_the_server()
        before = list(answered)
        until(lambda: all(now > then + 200 for now, then in zip(answered, before)))
        stop.set()
        for thread in threads:
            thread.join()
        same(lost, [])
        same([int(v) for v in connect().mget("killed:%d" % at for at in range(4))], answered)
    with check("the data of before is there after kill -9"):
        r = connect()
        same(r.get("greeting").decode(), "grüß\u00df 🪨")
        same(r.get("counted"), b"4000")
        same(len(set(r.scan_iter("p:*"))), 10000)


main(basics, together, locks, server_commands, killed)
