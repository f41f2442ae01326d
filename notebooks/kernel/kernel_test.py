"""The kernel as Jupyter sees it: jupyter_kernel_test's own checks, and what they leave out."""

import os
import signal
import time
import unittest

import jupyter_kernel_test
from jupyter_client.manager import start_new_kernel


class KernelTest(jupyter_kernel_test.KernelTests):
    kernel_name = "latent"
    language_name = "lua"
    file_extension = ".lua"
    code_hello_world = "print('hello, world')"
    code_stderr = "io.stderr:write('to stderr\\n')"
    completion_samples = [
        {"text": "string.for", "matches": {"format"}},
        {"text": "x = coroutine.wr", "matches": {"wrap"}},
    ]
    complete_code_samples = ["1", "print('hello')", "x = 1", "f = function(x)\n  return x * 2\nend", "= 1 + 1"]
    incomplete_code_samples = ["print('hello'", "f = function(x)", "if x then", "s = [[long", "1 +"]
    invalid_code_samples = ["end", "x = = 2", "print('hello"]
    code_generate_error = "error 'no'"
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "local a = 2\na * 2.5", "result": "5.0"},
        {"code": "require('latent').matrix { 1, 2 }", "mime": "text/html"},
    ]
    code_display_data = [
        {"code": "notebook.display(require('latent').matrix { 1, 2 })", "mime": "text/html"},
        {
            "code": "notebook.display(require('latent').plot.figure():line({ 0, 1 }, { 0, 1 }))",
            "mime": "image/svg+xml",
        },
    ]
    code_inspect_sample = "require"
    code_clear_output = "notebook.clear()"


class MoreTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager, cls.client = start_new_kernel(kernel_name="latent")

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel()

    def run_cell(self, code, during=None, **options):
        """The reply and the other messages of a cell; during(message) is called with each as it comes."""
        messages = []

        def hook(message):
            messages.append(message)
            if during:
                during(message)

        reply = self.client.execute_interactive(code, timeout=60, output_hook=hook, **options)
        return reply["content"], messages

    def of(self, messages, kind):
        return [m["content"] for m in messages if m["msg_type"] == kind]

    def value(self, code):
        reply, messages = self.run_cell(code)
        self.assertEqual(reply["status"], "ok", reply)
        return self.of(messages, "execute_result")[0]["data"]["text/plain"]

    def interrupt_when(self, text):
        def during(message):
            if message["msg_type"] == "stream" and text in message["content"]["text"]:
                self.manager.interrupt_kernel()

        return during

    def test_interrupts_keep_the_state(self):
        self.run_cell("local kept = 0")
        endless = "kept = kept + 1; print 'running'; while true do end"
        for count in range(1, 4):
            reply, _ = self.run_cell(endless, self.interrupt_when("running"))
            self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"))
            self.assertEqual(self.value("kept"), str(count))
        fit = """
          latent = require 'latent'
          X = latent.matrix.normal(20000, 16, latent.random(1)); print 'running'
          latent.gmm { components = 8, tolerance = 0, max_iterations = 1000000 }:fit(X)"""
        reply, _ = self.run_cell(fit, self.interrupt_when("running"))
        self.assertEqual(reply["ename"], "Interrupted")
        self.assertEqual(self.value("#X"), "20000")

    def test_a_crash_starts_a_new_process(self):
        self.run_cell("lost = 1")
        # a signal that nothing in the process handles
        pid = "tonumber(io.open('/proc/self/stat'):read('a'):match('%d+'))"
        reply, _ = self.run_cell(f"os.execute('kill -SEGV ' .. {pid}); while true do end")
        self.assertIn("by signal 11, SIGSEGV", reply["evalue"])
        self.assertEqual(self.value("lost"), "nil")
        reply, _ = self.run_cell("os.exit(3)")
        self.assertIn("with status 3", reply["evalue"])
        self.assertEqual(self.value("1 + 1"), "2")

    def test_output_comes_in_its_order(self):
        code = "for i = 1, 3 do print(i) notebook.display(i) end io.write 'end'"
        _, messages = self.run_cell(code)
        order = []
        for message in messages:
            content = message["content"]
            if message["msg_type"] == "stream":
                order += content["text"].split()
            elif message["msg_type"] == "display_data":
                order.append("<" + content["data"]["text/plain"] + ">")
        self.assertEqual(order, ["1", "<1>", "2", "<2>", "3", "<3>", "end"])

    def test_output_of_other_programs_and_much_of_it(self):
        _, messages = self.run_cell("os.execute 'echo from a shell; echo wrong >&2'")
        text = {name: "" for name in ("stdout", "stderr")}
        for content in self.of(messages, "stream"):
            text[content["name"]] += content["text"]
        self.assertEqual(text, {"stdout": "from a shell\n", "stderr": "wrong\n"})
        _, messages = self.run_cell("for i = 1, 200000 do print('äöü', i) end")
        lines = "".join(c["text"] for c in self.of(messages, "stream")).splitlines()
        self.assertEqual(len(lines), 200000)
        self.assertEqual(lines[-1], "äöü\t200000")

    def test_output_of_many_small_pieces(self):
        _, messages = self.run_cell("io.stdout:setvbuf 'no'; for i = 1, 20000 do print(i) end")
        pieces = [c["text"] for c in self.of(messages, "stream")]
        self.assertEqual("".join(pieces).split(), [str(i) for i in range(1, 20001)])
        self.assertLess(len(pieces), 500)  # a client that is slow loses what is beyond a thousand

    def test_a_display_is_updated(self):
        _, messages = self.run_cell("local d = notebook.display(1)\nd:update(2)")
        shown = self.of(messages, "display_data")[0]
        again = self.of(messages, "update_display_data")[0]
        self.assertEqual(shown["transient"], again["transient"])
        self.assertEqual((shown["data"]["text/plain"], again["data"]["text/plain"]), ("1", "2"))

    def test_input(self):
        asked = []

        def answer(message):
            asked.append(message["content"]["prompt"])
            self.client.input("word")

        _, messages = self.run_cell("io.read()", stdin_hook=answer, allow_stdin=True)
        self.assertEqual(self.of(messages, "execute_result")[0]["data"]["text/plain"], "word")
        self.assertEqual(len(asked), 1)

    def test_help_and_completion_of_latent(self):
        self.run_cell("latent = require 'latent'; äö = 1", silent=True)
        self.run_cell("latent = require 'latent'")
        code = "-- ä\nlatent.gmm { compo"
        reply = self.client.complete(code, reply=True, timeout=60)["content"]
        self.assertEqual(reply["matches"], ["components"])
        self.assertEqual(code[reply["cursor_start"] : reply["cursor_end"]], "compo")
        reply = self.client.inspect("latent.gmm {", reply=True, timeout=60)["content"]
        self.assertIn("a mixture of Gaussians", reply["data"]["text/plain"].replace("\n", " "))

    def test_the_process_ends_with_its_kernel(self):
        manager, client = start_new_kernel(kernel_name="latent")
        pid = "io.open('/proc/self/stat'):read('a'):match('%d+')"
        reply = {}

        def hook(message):
            if message["msg_type"] == "execute_result":
                reply.update(message["content"]["data"])

        client.execute_interactive(pid, timeout=60, output_hook=hook)
        client.execute("while true do end")
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        for _ in range(100):
            try:
                os.kill(int(reply["text/plain"]), 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
        else:
            os.kill(int(reply["text/plain"]), signal.SIGKILL)
            self.fail("the Lua process still runs")


if __name__ == "__main__":
    unittest.main()
