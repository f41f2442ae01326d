-- The command `latent`: its page of help, from which its manual page is made, too (scripts/docs).

return {
  {
    name = "command",
    topic = true,
    summary = "The command latent: Lua 5.4 with latent loaded, a prompt with completion and history, and help.",
    text = [=[
  latent [OPTION...] [SCRIPT [ARGUMENT...]]
  latent help [NAME]
  latent --version
  latent --help

A script is run by lua5.4 with the global latent: arguments (the table arg), messages and exit codes are lua5.4's.
Without a script there is a prompt on a terminal, and elsewhere the standard input is run. A - for the script is the
standard input. Options are lua5.4's:

  -e CODE        runs CODE
  -l MODULE      requires MODULE into a global
  -i             the prompt, after the script
  -v             the version of Lua
  -E             ignores the environment's variables for Lua
  -W             turns warnings on
  --             ends the options
  help [NAME]    prints the page of help about a name, an option, a topic or a word: latent help gmm
  --version      prints the versions of latent and Lua
  --help         prints this page

At the prompt an expression is shown as it is in a notebook: matrices, models, and what plain tables hold; nothing when
it ends with a semicolon. Locals of a line are known in the next ones. A statement may take several lines. x? is the
help about x, help lists what there is, and help gmm.covariance prints that page. Ctrl-C ends what runs, or drops what
was typed, and keeps all values; Ctrl-D, exit and os.exit() end the session. What takes longer than half a second shows
a bar meanwhile (latent.progress(false): nothing does).

With lua-readline (Debian's package of that name) Tab completes variables, fields, methods and options of functions
and models, and the words that an option may be; lines are edited and kept in a history.

  LATENT_HISTORY        the file of the history, ~/.latent_history when it isn't set; empty: none is kept
  LATENT_NUM_THREADS    how many threads work, at first; see latent.threads
  LUA_PATH, LUA_CPATH   where other modules are looked for, after latent's own place

A script that can't be read or raises an error gives the exit code 1, and so does help for a name that nothing has.]=],
  },
}
