"""A Jupyter kernel for Lua 5.4.

The cells run in a process of their own, `lua5.4 session.lua IN OUT`, which this one starts and, after a crash, starts
again. Requests and replies are frames on two pipes, as session.lua describes; standard output and error of the process
are pipes, too, and become streams of the notebook. SIGINT is sent on to the process, which ends the cell and keeps
everything else.
"""

import base64
import codecs
import os
import selectors
import signal
import subprocess
import time

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

FOLDER = os.path.dirname(os.path.abspath(__file__))
READ = 1 << 16
# Messages that a client doesn't take in time are lost beyond a thousand: output goes out so often, and so much at once.
SECONDS, CHARACTERS = 0.05, 1 << 20


class Ended(Exception):
    """The process is gone; the argument says how."""


class Output:
    """What has been written and is to go out, in its order."""

    def __init__(self):
        self.pieces, self.size, self.due, self.last = [], 0, 0.0, 0.0

    def add(self, name, text):
        if not self.pieces:
            self.due = max(self.last + SECONDS, time.monotonic())
        if self.pieces and self.pieces[-1][0] == name:
            self.pieces[-1][1].append(text)
        else:
            self.pieces.append((name, [text]))
        self.size += len(text)

    def wait(self):
        """Seconds until it is to go out; None while there is nothing."""
        return max(self.due - time.monotonic(), 0) if self.pieces else None

    def take(self):
        pieces, self.pieces, self.size, self.last = self.pieces, [], 0, time.monotonic()
        for name, texts in pieces:
            yield name, "".join(texts)


class Session:
    """The Lua process."""

    def __init__(self):
        theirs_in, self.requests = os.pipe()
        self.replies, theirs_out = os.pipe()
        lua = os.environ.get("LATENT_LUA", "lua5.4")
        self.process = subprocess.Popen(
            [lua, os.path.join(FOLDER, "session.lua"), str(theirs_in), str(theirs_out)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs_in, theirs_out),
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer = bytearray()
        self.streams = {}
        self.selector = selectors.DefaultSelector()
        for name in ("stdout", "stderr"):
            descriptor = getattr(self.process, name).fileno()
            os.set_blocking(descriptor, False)
            self.streams[name] = descriptor, codecs.getincrementaldecoder("utf-8")("replace")
            self.selector.register(descriptor, selectors.EVENT_READ, name)
        self.selector.register(self.replies, selectors.EVENT_READ, "reply")

    def send(self, *parts):
        parts = [part.encode("utf-8", "surrogatepass") for part in parts]
        data = " ".join(str(len(part)) for part in parts).encode() + b"\n" + b"".join(parts)
        try:
            while data:
                data = data[os.write(self.requests, data) :]
        except BrokenPipeError:
            raise Ended(self.how_ended()) from None

    def _take_frame(self):
        """The next whole frame in the buffer, or None."""
        line_end = self.buffer.find(b"\n")
        if line_end < 0:
            return None
        lengths = [int(word) for word in self.buffer[:line_end].split()]
        at = line_end + 1
        if len(self.buffer) < at + sum(lengths):
            return None
        parts = []
        for length in lengths:
            parts.append(bytes(self.buffer[at : at + length]))
            at += length
        del self.buffer[:at]
        return parts

    def _read(self, name, output, most=float("inf")):
        """Adds what a stream has now; what comes after so many characters waits."""
        descriptor, decoder = self.streams[name]
        while output.size < most:
            try:
                data = os.read(descriptor, READ)
            except BlockingIOError:
                return
            text = decoder.decode(data)
            if text:
                output.add(name, text)
            if not data:
                if descriptor in self.selector.get_map():
                    self.selector.unregister(descriptor)
                return

    def events(self):
        """("stdout", text), ("stderr", text) and ("frame", parts), as they come; what was written before a frame
        comes before it."""
        output = Output()
        while True:
            wait = output.wait()
            if output.size >= CHARACTERS:
                time.sleep(wait)
            ready = self.selector.select(1 if wait is None else wait)
            if wait is None and not ready and self.process.poll() is not None:  # its own children may hold the pipes
                raise Ended(self.how_ended())
            for key, _ in ready:
                if key.data != "reply":
                    self._read(key.data, output, CHARACTERS)
                    continue
                data = os.read(self.replies, READ)
                for name in self.streams:
                    self._read(name, output)
                if not data:
                    yield from output.take()
                    raise Ended(self.how_ended())
                self.buffer += data
                while (frame := self._take_frame()) is not None:
                    yield from output.take()
                    yield "frame", frame
            if output.wait() == 0:
                yield from output.take()

    def ask(self, *request):
        """The one frame that answers a request; output between cells belongs to none."""
        self.send(*request)
        return next(value for kind, value in self.events() if kind == "frame")

    def how_ended(self):
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code >= 0:
            return f"with status {code}"
        try:
            return f"by signal {-code}, {signal.Signals(-code).name}"
        except ValueError:
            return f"by signal {-code}"

    def interrupt(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.selector.close()
        for pipe in (self.requests, self.replies):
            os.close(pipe)
        self.process.stdout.close()
        self.process.stderr.close()


def text_of(data):
    return data.decode("utf-8", "replace")


def bundle_of(parts):
    """MIME types and data in turn; what isn't text goes as base64."""
    bundle = {}
    for kind, data in zip(parts[::2], parts[1::2]):
        name = text_of(kind)
        is_text = name.startswith("text/") or name.endswith("+xml") or name in ("application/json",)
        bundle[name] = text_of(data) if is_text else base64.b64encode(data).decode("ascii")
    return bundle


class LatentKernel(Kernel):
    implementation = "latent"
    implementation_version = "0.1"
    language = "lua"
    language_version = "5.4"
    language_info = {
        "name": "lua",
        "version": "5.4",
        "mimetype": "text/x-lua",
        "file_extension": ".lua",
        "codemirror_mode": "lua",
        "pygments_lexer": "lua",
    }
    banner = 'Lua 5.4; latent = require "latent", then latent.help()'

    def __init__(self, **options):
        super().__init__(**options)
        self.child = Session()
        self.asking = False

    # Jupyter's own handler would raise in the midst of reading; the process is what is to stop.
    def pre_handler_hook(self):
        self.saved_sigint_handler = signal.signal(signal.SIGINT, self._on_sigint)

    def _on_sigint(self, number, frame):
        if self.asking:
            raise KeyboardInterrupt
        self.child.interrupt()

    def _again(self):
        self.child.close()
        self.child = Session()

    def _stream(self, name, text):
        self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

    def _error(self, name, message, trace, silent):
        content = {"ename": name, "evalue": message, "traceback": trace.split("\n")}
        if not silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def _show(self, kind, parts):
        if kind == "clear":
            return self.send_response(self.iopub_socket, "clear_output", {"wait": parts[0] == b"true"})
        content = {"data": bundle_of(parts[1:]), "metadata": {}}
        message = {"result": "execute_result", "display": "display_data", "update": "update_display_data"}[kind]
        if kind == "result":
            content["execution_count"] = self.execution_count
        else:
            content["transient"] = {"display_id": f"latent-{self.child.process.pid}-{text_of(parts[0])}"}
        return self.send_response(self.iopub_socket, message, content)

    def _answer_input(self, prompt):
        self.asking = True
        try:
            self.child.send("input", self.raw_input(prompt))
        except (EOFError, KeyboardInterrupt, NotImplementedError):  # the last: nobody to ask
            self.child.send("input")
        finally:
            self.asking = False

    def _handle(self, parts, silent):
        """A frame of a running cell; the reply when it was the last one."""
        kind, rest = text_of(parts[0]), parts[1:]
        if kind == "ok":
            return {
                "status": "ok",
                "execution_count": self.execution_count,
                "payload": [],
                "user_expressions": {},
            }
        if kind == "error":
            return self._error(*map(text_of, rest), silent)
        if kind == "input":
            self._answer_input(text_of(rest[0]))
        elif not silent:
            self._show(kind, rest)
        if kind in ("display", "update", "clear"):
            self.child.send("go")
        return None

    async def do_execute(
        self, code, silent, store_history=True, user_expressions=None, allow_stdin=False, **more
    ):
        self._allow_stdin = allow_stdin
        try:
            self.child.send("execute", code, str(self.execution_count))
            for kind, value in self.child.events():
                if kind != "frame":
                    if not silent:
                        self._stream(kind, value)
                    continue
                reply = self._handle(value, silent)
                if reply:
                    return reply
        except Ended as how:
            self._again()
            message = f"The Lua process has ended {how}. A new one runs; its variables are gone."
            return self._error("Ended", message, message, silent)

    def _ask(self, *request):
        """The answer's parts as texts, or None when the process has ended; the next cell says so."""
        try:
            return [text_of(part) for part in self.child.ask(*request)]
        except Ended:
            return None

    async def do_complete(self, code, cursor_pos):
        before = code[:cursor_pos]
        answer = self._ask("complete", before) or ["completions", "0"]
        start = len(before.encode()[: int(answer[1])].decode("utf-8", "replace"))
        return {
            "status": "ok",
            "matches": answer[2:],
            "cursor_start": start if answer[2:] else cursor_pos,
            "cursor_end": cursor_pos,
            "metadata": {},
        }

    async def do_inspect(self, code, cursor_pos, detail_level=0, omit_sections=()):
        answer = self._ask("inspect", code[:cursor_pos], code[cursor_pos:]) or ["page"]
        data = {"text/plain": answer[1]} if len(answer) > 1 else {}
        return {"status": "ok", "found": bool(data), "data": data, "metadata": {}}

    async def do_is_complete(self, code):
        answer = self._ask("status", code) or ["status", "unknown", ""]
        return {"status": answer[1], "indent": answer[2]}

    async def do_shutdown(self, restart):
        self.child.process.kill()
        return {"status": "ok", "restart": restart}


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=LatentKernel)
