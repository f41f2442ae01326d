"""Runs notebooks from a clean state, each in a kernel of its own: execute.py [--write] FOLDER NOTEBOOK...

What comes out goes to FOLDER, or with --write in the place of the notebook. Ends with 1 when a cell has failed.
"""

import argparse
import os
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

MOST_SECONDS = 300  # of a cell


def join_streams(notebook):
    """Pieces of a stream that follow each other as one: how they were cut is chance."""
    for cell in notebook.cells:
        joined = []
        for output in cell.get("outputs", []):
            last = joined[-1] if joined else None
            if last and output.output_type == "stream" == last.output_type and output.name == last.name:
                last.text += output.text
            else:
                joined.append(output)
        if cell.cell_type == "code":
            cell.outputs = joined


def run(path):
    """The notebook with the outputs of this run, and the error of a cell or None."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("execution", None)
    client = NotebookClient(
        notebook,
        timeout=MOST_SECONDS,
        kernel_name="latent",
        record_timing=False,
        resources={"metadata": {"path": os.path.dirname(os.path.abspath(path))}},
    )
    try:
        client.execute()
        failure = None
    except CellExecutionError as error:
        failure = error
    join_streams(notebook)
    return notebook, failure


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("folder")
    parser.add_argument("notebooks", nargs="*")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    failed = 0
    for path in options.notebooks:
        begun = time.monotonic()
        notebook, error = run(path)
        place = os.path.join(options.folder, os.path.basename(path))
        if options.write and not error:
            place = path
        nbformat.write(notebook, place)
        failed += error is not None
        print(f"{'failed' if error else 'ran   '} {path}, {time.monotonic() - begun:.1f} s", flush=True)
        if error:
            print(error, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
