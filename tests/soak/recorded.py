# SPDX-License-Identifier: MIT
"""All that is known of a run that is over: it is judged, printed, drawn, and can be kept in a file
to be judged again."""

import json

import panels
import report
import verdict


class Record:
    def __init__(self, version, seconds, seed, watched, done, lines, notes, log):
        self.version, self.seconds, self.seed = version, seconds, seed
        self.watched, self.done, self.lines, self.notes, self.log = watched, done, lines, notes, log

    def judge(self, timed):
        """Prints everything; returns the titles of what does not pass. Not timed: however long answers took."""
        watched, done, rows = self.watched, self.done, self.watched["sampler"]["rows"]
        found = verdict.stalls(watched)
        drift = verdict.drift(rows, watched["started"], self.seconds)
        checks = self.lines + [
            verdict.Line("wrong answers", not done["wrong_count"], done["wrong_count"], "0"),
            verdict.Line("unexpected errors and lost connections", not done["error_count"], done["error_count"], "0")]
        for name in ("sampler", "probe", "control"):
            if watched[name]["error"]:
                checks.append(verdict.Line("the %s went on to the end" % name, False, watched[name]["error"], "yes"))
        latency = verdict.latency(watched, found, self.seconds)
        checks += verdict.counters(rows) + (latency if timed else [line.not_judged() for line in latency])
        self.print(found, drift, checks)
        return [line.title for line in drift + checks if not line.passed]

    def print(self, found, drift, checks):
        done = self.done
        print("%s\n%.1f minutes, seed %d\n" % (self.version, self.seconds / 60, self.seed))
        report.operations(done["counts"], self.watched["sampler"]["rows"], self.seconds)
        report.drift(drift, verdict.warm_up_s(self.seconds))
        report.latencies(self.watched)
        report.worst_stalls(found, self.watched, done["events"])
        report.slow_commands(self.watched)
        report.checks(checks)
        report.problems("Wrong answers", done["wrong_count"], done["wrong"])
        report.problems("Errors", done["error_count"], done["errors"])
        report.problems("Differences", len(self.notes), self.notes)
        if any(not line.passed for line in checks):
            print("The server's log ends with:\n%s" % self.log)

    def draw(self, path):
        title = "Rubellite under a steady mixed load for %g minutes" % round(self.seconds / 60, 2)
        text = panels.draw(title, self.version, panels.panels_of(self.watched, self.seconds), self.seconds)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(dict(vars(self), lines=[(line.title, line.passed, *line.cells) for line in self.lines]), file)


def read(path):
    with open(path, encoding="utf-8") as file:
        record = Record(**json.load(file))
    record.lines = [verdict.Line(*line) for line in record.lines]
    for name in ("probe", "control", "disk"):  # JSON's names are texts
        histograms = record.watched[name]["histogram"]
        for kind, counts in histograms.items():
            histograms[kind] = {int(bucket): count for bucket, count in counts.items()}
    return record
