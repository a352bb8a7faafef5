# SPDX-License-Identifier: MIT
"""Watches while the load runs, in processes of their own, so that they do not hold up one another."""

import multiprocessing
import os
import pickle
import time

import wire
from figures import run_sampler
from probe import run_disk, run_probe


def run(body, *arguments):
    wire.die_with_parent()
    body(*arguments)


class Watch:
    def __init__(self, server, control, scratch):
        self.stop_event, self.started = multiprocessing.Event(), time.time()
        bodies = {
            "sampler": (run_sampler, server.port, server.pid, server.directory),
            "probe": (run_probe, server.port, server.pid, self.started),
            "control": (run_probe, control.port, control.pid, self.started),
            "disk": (run_disk, scratch, self.started),
        }
        self.paths = {name: os.path.join(scratch, "watched-" + name) for name in bodies}
        self.processes = {name: multiprocessing.Process(
            target=run, args=(*body, self.stop_event, self.paths[name]))
            for name, body in bodies.items()}

    def start(self):
        for process in self.processes.values():
            process.start()

    def stop(self):
        """{name of the process: what it saw}."""
        self.stop_event.set()
        results = {}
        for name, process in self.processes.items():
            process.join(150)
            if process.is_alive():
                process.kill()
            try:
                with open(self.paths[name], "rb") as file:
                    results[name] = pickle.load(file)
            except (OSError, EOFError):
                raise wire.Gone("the %s of the watch ended with status %s and left nothing" % (
                    name, process.exitcode)) from None
        return {**results, "started": self.started}

    def kill(self):
        for process in self.processes.values():
            if process.is_alive():
                process.kill()
