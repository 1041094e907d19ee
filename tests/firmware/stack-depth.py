#!/usr/bin/env python3
"""Says how deep the stack of a Thumb image can get, from its disassembly alone.

    stack-depth.py IMAGE [--root SYMBOL] [--limit BYTES]

A function's frame is what its prologue pushes and subtracts, its calls are its `bl`, and its tail calls its `b` to another
function; a `bl` within a function is a jump that `b` is too short for. Where a path is recursive, or calls what a register holds, there is no bound, and the exit status is 1, as over
the limit. Interrupts are not counted: add 32 bytes and the handler for each level of them.
"""

import argparse
import os
import re
import subprocess
import sys

FUNCTION = re.compile(r"([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(.*)")
WORD = re.compile(r"\s*([0-9a-f]+):\s+([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2})\s+\.word")
PUSH = re.compile(r"(?:push(?:\.w)?\s|stmdb\s+sp!|vpush\s).*\{(.*)\}")
SUBTRACT = re.compile(r"sub(?:\.w|w)?\s+sp, (?:sp, )?#(0x[0-9a-f]+|\d+)")
STORE = re.compile(r"str\S*\s+\w+, \[sp, #-(0x[0-9a-f]+|\d+)\]!")
LOAD = re.compile(r"ldr\s+(r\d+), \[pc.*@ (0x[0-9a-f]+)")
ADD = re.compile(r"add\s+sp, (r\d+)")
BRANCH = re.compile(r"(bl|b(?:[a-z]{2})?(?:\.w)?|cbn?z)\s+(?:r\d+, )?(0x[0-9a-f]+)\s+<")
HASH = re.compile(r"(::h[0-9a-f]{16}| \[[0-9a-f]+\])$")
INDIRECT = re.compile(r"bl?x\s+(r\d+|ip)\b")


class Image:
    """The functions of an image: by address their names, frames, calls and what of them has no bound."""

    def __init__(self, path):
        self.tools = tools()
        self.path = path
        self.names, self.ends = {}, {}
        for line in self.run("llvm-nm", "-C", "--print-size").splitlines():
            if found := re.match(r"([0-9a-f]+) ([0-9a-f]+) [tTwW] (.+)", line):
                start, size = int(found[1], 16) & ~1, int(found[2], 16)
                self.names.setdefault(start, HASH.sub("", found[3]))
                self.ends[start] = start + size
        self.symbols, self.bodies = {}, {}
        self.disassemble()
        words = self.words()
        self.frames = {f: frame(body, words) for f, body in self.bodies.items()}
        self.calls, self.indirect = {}, {}
        for function, body in self.bodies.items():
            self.follow(function, body)

    def run(self, tool, *arguments):
        return output(os.path.join(self.tools, tool), *arguments, self.path)

    def disassemble(self):
        start, end, body = 0, 0, []
        for line in self.run("llvm-objdump", "-d", "--no-show-raw-insn").splitlines():
            if found := FUNCTION.match(line):
                start = int(found[1], 16)
                body, end = self.bodies.setdefault(start, []), self.ends.get(start, start)
                self.symbols[start] = found[2]
            elif (found := INSTRUCTION.match(line)) and (int(found[1], 16) < end or end == start):
                # What comes after the end is the linker's filling.
                body.append((int(found[1], 16), found[2]))

    def words(self):
        """The constants between the functions, by address."""
        found = (WORD.match(line) for line in self.run("llvm-objdump", "-d").splitlines())
        return {int(w[1], 16): int(w[5] + w[4] + w[3] + w[2], 16) for w in found if w}

    def follow(self, function, body):
        calls = self.calls[function] = set()
        end = max((at for at, _ in body), default=function)
        for at, text in body:
            if INDIRECT.match(text):
                self.indirect.setdefault(function, []).append(f"{at:#x}")
            elif found := BRANCH.match(text):
                target, is_call = int(found[2], 16), found[1] == "bl"
                if function < target <= end or (target == function and not is_call):
                    continue  # a jump within the function
                if target in self.bodies:
                    calls.add((target, is_call))
                else:
                    self.indirect.setdefault(function, []).append(f"{at:#x} (to no function)")

    def name(self, function):
        return self.names.get(function, self.symbols[function])

    def find(self, root):
        exact = [f for f in self.bodies if root in (self.name(f), self.symbols[f])]
        return exact or [f for f in self.bodies if self.name(f).endswith(f"::{root}")]


class Depth:
    """How deep the stack gets below a function, and by which path."""

    def __init__(self, image):
        self.image, self.known, self.unbounded = image, {}, set()

    def of(self, function, above=frozenset()):
        image = self.image
        if function in above:
            self.unbounded.add(f"recursion in {image.name(function)}")
            return 0, []
        if function in self.known:
            return self.known[function]
        if function in image.indirect:
            places = ", ".join(image.indirect[function])
            self.unbounded.add(f"an indirect call in {image.name(function)} at {places}")
        own = image.frames[function]
        deepest = own, [function]
        for target, is_call in sorted(image.calls[function]):
            below, path = self.of(target, above | {function})
            # A tail call comes after the frame of its caller is gone.
            depth = own + below if is_call else max(own, below)
            deepest = max(deepest, (depth, [function, *path]), key=lambda each: each[0])
        self.known[function] = deepest
        return deepest


def frame(body, words):
    size, loaded = 0, {}
    for _, text in body:
        text = text.split("@")[0].strip() if not LOAD.match(text) else text
        if found := PUSH.match(text):
            size += registers(found[1]) * (8 if text.startswith("vpush") and "d" in found[1] else 4)
        elif found := SUBTRACT.match(text) or STORE.match(text):
            size += int(found[1], 0)
        elif found := LOAD.match(text):
            loaded[found[1]] = words.get(int(found[2], 16), 0)
        elif (found := ADD.match(text)) and loaded.get(found[1], 0) & 0x8000_0000:
            # A frame that is too large for an immediate: a negative number is added.
            size += (1 << 32) - loaded[found[1]]
    return size


def registers(text):
    count = 0
    for part in text.split(","):
        ends = re.match(r"\s*[rsd](\d+)\s*-\s*[rsd](\d+)", part)
        count += int(ends[2]) - int(ends[1]) + 1 if ends else 1
    return count


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def tools():
    host = re.search(r"host: (\S+)", output("rustc", "-vV"))[1]
    return os.path.join(output("rustc", "--print", "sysroot").strip(), "lib/rustlib", host, "bin")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image")
    parser.add_argument("--root", default="main", help="the function to begin at (main)")
    parser.add_argument("--limit", type=int, help="how many bytes are too many")
    arguments = parser.parse_args()
    image = Image(arguments.image)
    roots = image.find(arguments.root)
    if len(roots) != 1:
        sys.exit(f"{len(roots)} functions are called {arguments.root}: name one")
    depth = Depth(image)
    size, path = depth.of(roots[0])
    print(f"{size} bytes from {image.name(roots[0])}")
    for function in path:
        print(f"  {image.frames[function]:5}  {image.name(function)}")
    for reason in sorted(depth.unbounded):
        print(f"no bound: {reason}")
    is_over = arguments.limit is not None and size > arguments.limit
    if is_over:
        print(f"over the limit of {arguments.limit}")
    sys.exit(1 if is_over or depth.unbounded else 0)


if __name__ == "__main__":
    main()
