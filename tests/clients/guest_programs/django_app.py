# SPDX-License-Identifier: MIT
"""django-redis: the cache and the sessions of a Django application."""

import django
import redis
from common import PORT, check, kill_the_server, main, raises, same
from django.conf import settings

settings.configure(
    CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:%d/1" % PORT}},
    SESSION_ENGINE="django.contrib.sessions.backends.cache", SECRET_KEY="none", USE_TZ=True, ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__, MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"])
django.setup()

from django.core.cache import cache  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402

rendered = []


def visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse("%s %d" % (request.GET.get("user", "?"), request.session["visits"]))


def leave(request):
    request.session.flush()
    return HttpResponse("bye")


@cache_page(60)
def slow_page(_request):
    rendered.append(1)
    return HttpResponse("page %d" % len(rendered))


urlpatterns = [path("visit", visit), path("leave", leave), path("page", slow_page)]


def caching():
    cache.clear()
    with check("set, get, add, delete, many, time to live"):
        same((cache.set("a", {"x": [1, "ü"]}, timeout=60), cache.get("a"), cache.add("a", 1)), (True, {"x": [1, "ü"]}, False))
        assert 50 < cache.ttl("a") <= 60
        cache.set_many({"b": 1, "c": 2}, timeout=30)
        same(dict(cache.get_many(["b", "c", "d"])), {"b": 1, "c": 2})
        same((cache.touch("b", 500), cache.ttl("b") > 400, cache.persist("b"), cache.ttl("b")), (True, True, True, None))
        same((cache.delete("c"), cache.get("c", "none"), cache.has_key("b")), (True, "none", True))
    with check("counters, versions, get_or_set"):
        same((cache.incr("b"), cache.incr("b", 5), cache.decr("b")), (2, 7, 6))
        same((cache.incr_version("b"), cache.get("b"), cache.get("b", version=2)), (2, None, 6))
        same((cache.get_or_set("made", lambda: 5), cache.get_or_set("made", lambda: 6)), (5, 5))
    with check("keys, iter_keys and delete_pattern over 1000 keys"):
        cache.set_many({"page:%d" % i: i for i in range(1000)})
        same((len(cache.keys("page:*")), len(set(cache.iter_keys("page:*"))), cache.delete_pattern("page:*")), (1000, 1000, 1000))
    with check("locks need scripts, which are not there yet: that is said"):
        def locked():
            with cache.lock("lock", timeout=5):
                pass
        assert "unknown command 'EVALSHA'" in raises(redis.ResponseError, locked)


def sessions():
    ada, bob = Client(), Client()
    with check("sessions of two users apart; a cached page is made once"):
        same([ada.get("/visit?user=ada").content for _ in range(3)], [b"ada 1", b"ada 2", b"ada 3"])
        same(bob.get("/visit?user=bob").content, b"bob 1")
        same([ada.get("/page").content for _ in range(3)], [b"page 1"] * 3)
    with check("kill -9: users stay logged in, the cache is there"):
        cache.set("kept", "yes", timeout=1000)
        kill_the_server()
        same((ada.get("/visit?user=ada").content, cache.get("kept")), (b"ada 4", "yes"))
    with check("log out"):
        same((ada.get("/leave").content, ada.get("/visit?user=ada").content), (b"bye", b"ada 1"))


main(caching, sessions)
