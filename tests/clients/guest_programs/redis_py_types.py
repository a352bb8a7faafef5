# SPDX-License-Identifier: MIT
"""redis-py with hashes, lists, sets and sorted sets, queues and messages."""

import threading

import redis
from common import PORT, check, kill_the_server, main, raises, same, until

RESP3 = int(redis.__version__.split(".", maxsplit=1)[0]) >= 5   # before, it spoke RESP2 only


def connect(**options):
    return redis.Redis(port=PORT, decode_responses=True, **options)


def types(r, label):
    r.flushall()
    with check("%s: hashes" % label):
        same(r.hset("user:1", mapping={"name": "ada", "visits": 1, "bytes": b"\xc3\xbc"}), 3)
        same(r.hset("user:1", "name", "ada l."), 0)
        same(r.hgetall("user:1"), {"name": "ada l.", "visits": "1", "bytes": "ü"})
        same(r.hmget("user:1", ["name", "nothing"]), ["ada l.", None])
        same((r.hincrby("user:1", "visits", 4), r.hincrbyfloat("user:1", "rate", 0.5)), (5, 0.5))
        same((r.hexists("user:1", "rate"), r.hdel("user:1", "rate", "nothing"), r.hlen("user:1")), (True, 1, 3))
        same((r.hsetnx("user:1", "name", "x"), r.hstrlen("user:1", "name")), (0, 6))
        assert r.hrandfield("user:1") in ("name", "visits", "bytes")
        same(dict(r.hscan_iter("user:1")), r.hgetall("user:1"))
        same((r.type("user:1"), r.object("encoding", "user:1")), ("hash", "listpack"))
    with check("%s: lists" % label):
        same(r.rpush("l", "a", "b", "c"), 3)
        same((r.lpush("l", 0), r.lrange("l", 0, -1)), (4, ["0", "a", "b", "c"]))
        same((r.linsert("l", "BEFORE", "b", "x"), r.lindex("l", 2), r.lpos("l", "c")), (5, "x", 4))
        same((r.lset("l", 0, "z"), r.lrem("l", 1, "x"), r.ltrim("l", 0, 2), r.llen("l")), (True, 1, True, 3))
        same((r.rpoplpush("l", "m"), r.lmove("l", "m", "LEFT", "RIGHT"), r.lpop("m", 5)), ("b", "z", ["b", "z"]))
        same(r.lmpop(2, "none", "l", direction="LEFT", count=2), ["l", ["a"]])
        same(r.blpop("l", timeout=0.01), None)
    with check("%s: sets" % label):
        same((r.sadd("s", "a", "b", "c"), r.sadd("t", "b", "c", "d"), r.scard("s")), (3, 3, 3))
        same((r.smembers("s"), r.sinter("s", "t"), r.sunion("s", "t"), r.sdiff("s", "t")),
             ({"a", "b", "c"}, {"b", "c"}, {"a", "b", "c", "d"}, {"a"}))
        same((r.sismember("s", "a"), r.smismember("s", ["a", "x"]), r.sintercard(2, ["s", "t"])), (True, [1, 0], 2))
        same((r.sinterstore("u", "s", "t"), r.smove("s", "t", "a"), r.srem("s", "b", "x")), (2, True, 1))
        assert r.spop("u") in ("b", "c") and len(r.srandmember("t", 2)) == 2
        same(set(r.sscan_iter("t")), {"a", "b", "c", "d"})
    with check("%s: sorted sets" % label):
        same(r.zadd("z", {"ada": 3, "bob": 1, "eve": 2.5}), 3)
        same(r.zrange("z", 0, -1, withscores=True), [("bob", 1.0), ("eve", 2.5), ("ada", 3.0)])
        same((r.zincrby("z", 5, "bob"), r.zscore("z", "bob"), r.zrank("z", "ada"), r.zrevrank("z", "bob")), (6.0, 6.0, 1, 0))
        same(r.zrange("z", "(2.5", "+inf", byscore=True), ["ada", "bob"])
        same(r.zrangebyscore("z", 0, 10, start=1, num=1, withscores=True), [("ada", 3.0)])
        same((r.zcount("z", 2, 3), r.zmscore("z", ["ada", "x"]), r.zadd("z", {"ada": 9}, gt=True, ch=True)), (2, [3.0, None], 1))
        same((r.zadd("y", {"ada": 1}), r.zinter(["z", "y"], withscores=True), r.zunionstore("w", {"z": 1, "y": 2})),
             (1, [("ada", 10.0)], 3))
        same((r.zpopmin("z"), r.zpopmax("z", 2)), ([("eve", 2.5)], [("ada", 9.0), ("bob", 6.0)]))
        same((dict(r.zscan_iter("w")), r.zremrangebyrank("w", 0, 0), r.zcard("w")),
             ({"eve": 2.5, "bob": 6.0, "ada": 11.0}, 1, 2))
    with check("%s: sort, WRONGTYPE, expiry, copy, scan by type" % label):
        r.rpush("ids", 3, 1, 2)
        r.mset({"w_1": "c", "w_2": "b", "w_3": "a"})
        same(r.sort("ids", by="w_*", get=["#", "w_*"], groups=True, alpha=True), [("3", "a"), ("2", "b"), ("1", "c")])
        assert "WRONGTYPE" in raises(redis.ResponseError, r.lpush, "s", 1)
        same((r.expire("s", 100), r.copy("s", "s2"), r.ttl("s2") > 90, r.rename("s2", "s3")), (True, True, True, True))
        same(set(r.scan_iter(_type="zset")), {"y", "w"})


def over_protocols():
    types(connect(), "RESP2")
    if RESP3:
        types(connect(protocol=3), "RESP3")


def queues():
    with check("workers wait for jobs with BLPOP and BLMOVE; every job is done once"):
        r, done = connect(), []
        r.delete("jobs", "more", "working")

        def work(take):
            mine = connect()
            while True:
                job = take(mine)
                if job == "end":
                    return
                done.append(job)
        takers = [lambda c: c.blpop(["jobs", "more"], timeout=0)[1], lambda c: c.blmove("jobs", "working", 0)]
        threads = [threading.Thread(target=work, args=(takers[i % 2],)) for i in range(8)]
        for thread in threads:
            thread.start()
        for i in range(500):
            r.rpush("jobs", i)
        until(lambda: len(done) == 500)
        while any(thread.is_alive() for thread in threads):
            r.rpush("jobs", "end")
        for thread in threads:
            thread.join()
        same(sorted(map(int, done)), list(range(500)))
    with check("a leaderboard and counters of 20 clients"):
        def play(at):
            mine = connect()
            for i in range(50):
                mine.zincrby("board", 1, "player%d" % (i % 5))
                mine.hincrby("counts", "client%d" % (at % 4), 2)
        threads = [threading.Thread(target=play, args=(at,)) for at in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        r = connect()
        same(sorted(r.zrange("board", 0, -1, withscores=True)), [("player%d" % i, 200.0) for i in range(5)])
        same(r.hgetall("counts"), {"client%d" % i: "500" for i in range(4)})


def messages():
    with check("subscribe, patterns, and a thread that listens"):
        r, got = connect(), []
        listener = connect().pubsub(ignore_subscribe_messages=True)
        listener.subscribe(news=lambda m: got.append(m["data"]))
        listener.psubscribe(**{"room:*": lambda m: got.append((m["channel"], m["data"]))})
        thread = listener.run_in_thread(sleep_time=0.01)
        until(lambda: r.publish("news", "hello") == 1)
        until(lambda: r.publish("room:1", "hi") == 1)
        until(lambda: ("room:1", "hi") in got and "hello" in got)
        thread.stop()
        thread.join()
    with check("notifications of keys"):
        r = connect()
        r.config_set("notify-keyspace-events", "KEA")
        listener = connect().pubsub(ignore_subscribe_messages=True)
        listener.psubscribe("__keyevent@0__:*")
        got = []

        def came(event):
            message = listener.get_message(timeout=0.05)
            if message:
                got.append((message["channel"].rpartition(":")[2], message["data"]))
            return event in got
        until(lambda: came(("rpush", "noted")) or not r.rpush("noted", 1))
        r.delete("noted")
        until(lambda: came(("del", "noted")))


def killed():
    with check("kill -9: collections are as before"):
        r = connect()
        r.rpush("kept list", *range(300))
        r.linsert("kept list", "AFTER", 150, "between")
        r.lrem("kept list", 1, 10)
        r.hset("kept hash", mapping={"f%d" % i: i for i in range(300)})
        r.zadd("kept zset", {"m%d" % i: i / 4 for i in range(300)})
        r.sadd("kept set", *range(300))

        def whole():
            c = connect()
            return (c.lrange("kept list", 0, -1), c.hgetall("kept hash"), c.zrange("kept zset", 0, -1, withscores=True),
                    c.smembers("kept set"))
        before = whole()
        kill_the_server()
        same(whole(), before)


main(over_protocols, queues, messages, killed)
