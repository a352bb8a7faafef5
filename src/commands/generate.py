#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the table of commands: src/commands/table.c, table_docs.c, handlers.h and docs/commands.md.

    src/commands/generate.py            write them
    src/commands/generate.py --check    write nothing; fail when one is out of date

The facts of the protocol (arity, flags, categories, keys, tips) are in facts.json, one command per line; what a
command is for and how its arguments are written is in commands.txt. The results are checked in, so that a
build needs no Python.
"""
import argparse
import difflib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# In the order COMMAND INFO lists them; the second list is for us alone.
FLAGS = ["write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale",
         "skip_monitor", "skip_slowlog", "fast", "no_auth", "may_replicate", "no_async_loading", "no_multi",
         "movable_keys", "allow_busy", "no_mandatory_keys", "protected", "immediate", "while_subscribed", "deferred"]
CATEGORIES = ["keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog",
              "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection",
              "transaction", "scripting"]
IMMEDIATE = {"exec", "discard", "multi", "watch", "quit", "reset"}
WHILE_SUBSCRIBED = {"subscribe", "unsubscribe", "psubscribe", "punsubscribe", "ssubscribe", "sunsubscribe",
                    "ping", "quit", "reset"}
# Run by other threads, and counted when they are answered.
DEFERRED = {"sql"}
# Containers that do something without a subcommand.
ALONE = {"command"}
TYPES = ["string", "integer", "double", "key", "pattern", "unix-time"]
GROUPS = {"connection": "Connection", "string": "Strings", "hash": "Hashes", "list": "Lists", "set": "Sets",
          "sorted-set": "Sorted sets", "generic": "Keys", "transactions": "Transactions", "sql": "SQL",
          "pubsub": "Publish and subscribe",
          "server": "Server"}
KEY_FLAGS = {"ro": "RO", "rw": "RW", "ow": "OW", "rm": "RM"}

C_HEAD = """/* SPDX-License-Identifier: MIT */
/* {what} Made by generate.py; do not edit. */
/* clang-format off */
"""


def fail(text):
    sys.exit("generate.py: " + text)


# ---- reading ----

class Syntax:
    """Reads the arguments of one command, as commands.txt explains, into a list of dicts."""

    TOKEN = re.compile(r"\s*(\.\.\.|[\[\](){}|]|[@^#][0-9.]*[0-9]|[^\s\[\](){}|@^#]+?(?=\.\.\.|[\s\[\](){}|@^#]|$))")

    def __init__(self, name, text):
        self.name, self.words, at = name, [], 0
        text = text.strip()
        while at < len(text):
            match = self.TOKEN.match(text, at)
            if not match:
                fail(f"{name}: cannot read '{text[at:]}'")
            self.words.append(match.group(1))
            at = match.end()
        self.at = 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, expected=None):
        word = self.peek()
        if not word or (expected and word != expected):
            fail(f"{self.name}: expected '{expected}', found '{word}'")
        self.at += 1
        return word

    def sequence(self, *ends):
        result = []
        while self.peek() not in ends:
            result.append(self.argument())
        return result

    def argument(self):
        if self.peek() == "[":
            self.take()
            inner = self.argument()
            inner["optional"] = True
            self.take("]")
            if self.peek() == "...":
                self.take()
                inner["multiple"] = inner["multiple_token"] = True
            return inner
        word = self.take()
        result = {"token": None, "since": None, "deprecated": None, "optional": False, "multiple": False,
                  "multiple_token": False,
                  "inner": [], "type": "string", "key_spec": -1}
        if re.fullmatch(r"[A-Z][A-Z-]*(![a-z_-]+)?", word):
            token, _, name = word.partition("!")
            if not name and re.fullmatch(r"[a-z]", self.peek()[:1]):
                result["token"] = token
                word = self.take()
            else:
                result.update(type="pure-token", token=token, name=name or token.lower())
        if result["type"] != "pure-token":
            self.value(result, word)
        self.suffixes(result)
        return result

    def value(self, result, word):
        name, _, kind = word.rpartition(":")
        if kind in TYPES and name:
            result.update(name=name, type=kind)
        else:
            result["name"] = word
        if result["type"] == "key":
            result["key_spec"] = 0
        if self.peek() == "(":
            self.take()
            result.update(type="oneof", inner=[])
            while True:
                result["inner"].append(self.argument())
                if self.peek() == ")":
                    break
                self.take("|")
            self.take(")")
        elif self.peek() == "{":
            self.take()
            result.update(type="block", inner=self.sequence("}"))
            self.take("}")

    def suffixes(self, result):
        while True:
            word = self.peek()
            if word == "...":
                result["multiple"] = True
            elif word[:1] == "@":
                result["since"] = word[1:]
            elif word[:1] == "^":
                result["deprecated"] = word[1:]
            elif word[:1] == "#":
                result["key_spec"] = int(word[1:])
            else:
                return
            self.at += 1


def read_texts(path):
    """Name to arguments, summary, complexity and deprecation."""
    texts, entry = {}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if not line.startswith(" "):
                name, _, arguments = line.partition(" ")
                if name in texts:
                    fail(f"{path}:{number}: {name} stands there twice")
                entry = texts[name] = {"arguments": Syntax(name, arguments).sequence(""), "lines": [],
                                       "deprecated": None, "replaced_by": None, "system": False}
            elif entry is None:
                fail(f"{path}:{number}: a text without a command")
            elif line.strip().startswith("deprecated "):
                entry["deprecated"], entry["replaced_by"] = line.strip().split(" ", 2)[1:]
            elif line.strip() == "system":
                entry["system"] = True
            else:
                entry["lines"].append(line.strip())
    for name, entry in texts.items():
        if len(entry["lines"]) != 2:
            fail(f"{path}: {name} needs one sentence and one complexity")
        entry["summary"], entry["complexity"] = (line.rstrip(".") for line in entry.pop("lines"))
        if entry["complexity"] == "-":
            entry["complexity"] = None
    return texts


def categories_of(fact):
    words = set(fact["categories"])
    flags = set(fact["flags"])
    for flag, implied in (("write", "write"), ("readonly", "read"), ("admin", "admin"), ("admin", "dangerous"),
                          ("pubsub", "pubsub"), ("blocking", "blocking")):
        if flag in flags:
            words.add(implied)
    words.add("fast" if "fast" in flags else "slow")
    unknown = words - set(CATEGORIES)
    if unknown:
        fail(f"{fact['name']}: unknown categories {unknown}")
    return [word for word in CATEGORIES if word in words]


def key_range(fact):
    """First, last and step as COMMAND INFO had them before key specifications."""
    first, last, step = 0, 0, 0
    for key in fact["keys"]:
        if "index" not in key["begin"] or "range" not in key["find"]:
            continue
        at, spec = key["begin"]["index"]["pos"], key["find"]["range"]
        end = spec["lastkey"] if spec["lastkey"] < 0 else at + spec["lastkey"]
        if first == 0:
            first, last, step = at, end, spec["step"]
        elif last >= 0:
            last = end if end < 0 else max(last, end)
    return first, last, step


def load():
    """All commands, sorted by name, each with its subcommands."""
    with open(os.path.join(HERE, "facts.json"), encoding="utf-8") as file:
        facts = json.load(file)
    texts = read_texts(os.path.join(HERE, "commands.txt"))
    by_name = {}
    for fact in facts:
        name = fact["name"]
        if name not in texts:
            fail(f"commands.txt has nothing on {name}")
        command = dict(fact, **texts.pop(name))
        command["subcommands"] = []
        if name in IMMEDIATE:
            command["flags"] = command["flags"] + ["immediate"]
        if name in WHILE_SUBSCRIBED:
            command["flags"] = command["flags"] + ["while_subscribed"]
        if name in DEFERRED:
            command["flags"] = command["flags"] + ["deferred"]
        if any("index" not in key["begin"] or "range" not in key["find"] for key in command.get("keys", ())):
            command["flags"] = command["flags"] + ["movable_keys"]
        unknown = set(command["flags"]) - set(FLAGS)
        if unknown:
            fail(f"{name}: unknown flags {unknown}")
        by_name[name] = command
    if texts:
        fail(f"facts.json has nothing on {sorted(texts)}")
    top = []
    for name in sorted(by_name):
        container, bar, _ = name.partition("|")
        (by_name[container]["subcommands"] if bar else top).append(by_name[name])
    index = 0
    for command in top:
        for one in [command] + command["subcommands"]:
            one["index"] = index
            index += 1
    return top


def everything(commands):
    for command in commands:
        yield command
        yield from command["subcommands"]


def handler_of(command):
    if command["subcommands"] and command["name"] not in ALONE:
        return None
    return "rl_cmd_" + re.sub(r"[|-]", "_", command["name"])


# ---- writing C ----

def quoted(text):
    return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Shared:
    """Arrays that several commands have in common: one definition for equal contents."""

    def __init__(self, declaration):
        self.declaration, self.names, self.lines = declaration, {}, []

    def name(self, wanted, rows):
        rows = tuple(rows)
        if rows not in self.names:
            self.names[rows] = wanted
            self.lines.append(f"static const {self.declaration.format(wanted)} = {{")
            self.lines += [f"    {row}," for row in rows] + ["};"]
        return self.names[rows]


def c_name(command):
    return re.sub(r"[|-]", "_", command["name"])


def key_spec_row(key):
    flags = " ".join(KEY_FLAGS.get(flag, flag) for flag in key["flags"])
    row = f".flags = {quoted(flags)}"
    if "notes" in key:
        row += f", .notes = {quoted(key['notes'])}"
    (begin, values), = key["begin"].items()
    if begin == "index":
        row += f", .begin = RL_BEGIN_INDEX, .begin_index = {values['pos']}"
    elif begin == "keyword":
        row += (f", .begin = RL_BEGIN_KEYWORD, .begin_index = {values['startfrom']}"
                f", .begin_keyword = {quoted(values['keyword'])}")
    else:
        row += ", .begin = RL_BEGIN_UNKNOWN"
    (find, values), = key["find"].items()
    if find == "range":
        row += (f", .find = RL_FIND_RANGE, .last = {values['lastkey']}, .step = {values['step']}"
                f", .limit = {values['limit']}")
    elif find == "keynum":
        row += (f", .find = RL_FIND_KEYNUM, .keynum_index = {values['keynumidx']}"
                f", .first_key = {values['firstkey']}, .step = {values['step']}")
    else:
        row += ", .find = RL_FIND_UNKNOWN"
    return "{" + row + "}"


def command_row(command, specs, tips):
    flags = " | ".join("RL_CMD_" + flag.upper() for flag in FLAGS if flag in command["flags"]) or "0"
    categories = " ".join("@" + word for word in categories_of(command))
    lines = [f".name = {quoted(command['name'])}, .handler = {handler_of(command) or 'NULL'},"
             f" .arity = {command['arity']}, .index = {command['index']},",
             f".flags = {flags},",
             f".categories = {quoted(categories)},"]
    if command["keys"]:
        first, last, step = key_range(command)
        name = specs.name("keys_" + c_name(command), map(key_spec_row, command["keys"]))
        lines.append(f".first_key = {first}, .last_key = {last}, .key_step = {step},"
                     f" .key_specs = {name}, .key_spec_count = {len(command['keys'])},")
    if command["tips"]:
        rows = [quoted(tip) for tip in command["tips"]] + ["NULL"]
        lines.append(f".tips = {tips.name('tips_' + c_name(command), rows)},")
    if command["subcommands"]:
        lines.append(f".subcommands = subcommands_{c_name(command)},"
                     f" .subcommand_count = {len(command['subcommands'])},")
    lines += [f".group = {quoted(command['group'])}, .since = {quoted(command['since'])},"
              f" .complexity = {quoted(command['complexity'])},",
              f".summary = {quoted(command['summary'])},"]
    return "    {" + "\n     ".join(lines)[:-1] + "},"


def table_c(commands):
    specs, tips = Shared("rl_key_spec {}[]"), Shared("char *const {}[]")
    rows, inner = [], []
    for command in commands:
        if command["subcommands"]:
            inner.append(f"static const rl_command subcommands_{c_name(command)}[] = {{")
            inner += [command_row(one, specs, tips) for one in command["subcommands"]] + ["};", ""]
        rows.append(command_row(command, specs, tips))
    return "\n".join([
        C_HEAD.format(what="The commands."),
        '#include "commands/table.h"', "", '#include "commands/handlers.h"', "",
        *specs.lines, "", *tips.lines, "", *inner,
        "const rl_command rl_commands[] = {", *rows, "};", "",
        "const size_t rl_commands_count = sizeof rl_commands / sizeof rl_commands[0];", ""])


def argument_row(argument, shared, prefix):
    row = f".name = {quoted(argument['name'])}, .type = RL_ARGUMENT_{argument['type'].upper().replace('-', '_')}"
    flags = [flag for flag in ("optional", "multiple", "multiple_token") if argument[flag]]
    if flags:
        row += ", .flags = " + " | ".join("RL_ARGUMENT_" + flag.upper() for flag in flags)
    row += f", .key_spec = {argument['key_spec']}"
    for field, key in (("token", "token"), ("since", "since"), ("deprecated_since", "deprecated")):
        if argument[key]:
            row += f", .{field} = {quoted(argument[key])}"
    if argument["inner"]:
        inner = f"{prefix}_{re.sub('[^a-z0-9]', '_', argument['name'])}"
        name = shared.name(inner, [argument_row(one, shared, inner) for one in argument["inner"]])
        row += f", .inner = {name}, .inner_count = {len(argument['inner'])}"
    return "{" + row + "}"


def table_docs_c(commands):
    shared, rows = Shared("rl_argument {}[]"), []
    for command in everything(commands):
        fields = []
        if command["arguments"]:
            prefix = "args_" + c_name(command)
            name = shared.name(prefix, [argument_row(one, shared, prefix) for one in command["arguments"]])
            fields.append(f".arguments = {name}, .argument_count = {len(command['arguments'])}")
        if command["deprecated"]:
            fields.append(f".deprecated_since = {quoted(command['deprecated'])},"
                          f" .replaced_by = {quoted(command['replaced_by'])}")
        if command["system"]:
            fields.append(".system = true")
        if fields:
            rows.append(f"    [{command['index']}] = {{{', '.join(fields)}}}, /* {command['name']} */")
    last = sum(1 for _ in everything(commands)) - 1
    if not rows[-1].startswith(f"    [{last}]"):
        rows.append(f"    [{last}] = {{0}},")
    return "\n".join([C_HEAD.format(what="The arguments of the commands, for COMMAND DOCS."),
                      '#include "commands/table.h"', "", *shared.lines, "",
                      "const rl_command_doc rl_command_docs[] = {", *rows, "};", ""])


def handlers_h(commands):
    names = [handler_of(command) for command in everything(commands) if handler_of(command)]
    return "\n".join([C_HEAD.format(what="The handlers of all commands."),
                      "#ifndef RL_COMMANDS_HANDLERS_H", "#define RL_COMMANDS_HANDLERS_H", "",
                      '#include "server/command.h"', "",
                      *[f"void {name}(rl_ctx *c);" for name in names], "", "#endif", ""])


# ---- writing the page for users ----

def written(argument):
    """An argument as people write it: [EX seconds | PX milliseconds]."""
    if argument["type"] == "pure-token":
        text = argument["token"]
    elif argument["type"] == "oneof":
        text = " | ".join(written(dict(one, optional=False)) for one in argument["inner"])
        if argument["token"] or not argument["optional"]:
            text = f"<{text}>"
    elif argument["type"] == "block":
        text = " ".join(map(written, argument["inner"]))
    else:
        text = argument["name"]
    if argument["token"] and argument["type"] != "pure-token":
        text = f"{argument['token']} {text}"
    if argument["multiple"]:
        text = f"{text} [{text} ...]" if len(text) < 24 else f"{text} ..."
    return f"[{text}]" if argument["optional"] else text


def page(commands):
    groups = {}
    for command in everything(commands):
        if not command["subcommands"] or handler_of(command):
            groups.setdefault(command["group"], []).append(command)
    lines = ["# Commands", "", "<!-- Made by src/commands/generate.py. Do not edit. -->", "",
             f"Rubellite has these {len(commands)} commands. Each behaves as in Redis; where one does not,"
             " [compatibility.md](compatibility.md) says so. Any other command answers `ERR unknown command`.", "",
             "*Since* is the version of Redis in which the command appeared.", ""]
    for group in [*GROUPS, *sorted(set(groups) - set(GROUPS))]:
        if group not in groups:
            continue
        lines += [f"## {GROUPS.get(group, group.capitalize())}", "",
                  "| command | what it does | complexity | since |", "|---|---|---|---|"]
        for command in groups[group]:
            words = [command["name"].replace("|", " ").upper(), *map(written, command["arguments"])]
            summary = command["summary"] + "."
            if command["deprecated"]:
                summary += f" Deprecated since {command['deprecated']}: use {command['replaced_by']}."
            cells = ["`" + " ".join(words) + "`", summary, command["complexity"] or "", command["since"]]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when a file is out of date; write nothing")
    options = parser.parse_args()
    commands = load()
    results = {"src/commands/table.c": table_c(commands), "src/commands/table_docs.c": table_docs_c(commands),
               "src/commands/handlers.h": handlers_h(commands), "docs/commands.md": page(commands)}
    stale = False
    for name, text in results.items():
        path = os.path.join(ROOT, name)
        old = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                old = file.read()
        if old == text:
            continue
        if options.check:
            stale = True
            diff = difflib.unified_diff(old.splitlines(), text.splitlines(), name, "generated", lineterm="", n=0)
            print("\n".join(list(diff)[:20]))
            print(f"generate.py: {name} is out of date: run src/commands/generate.py")
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            print(f"generate.py: wrote {name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
